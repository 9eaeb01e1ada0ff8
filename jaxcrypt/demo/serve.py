"""Gradio kept in: loopback, no analytics, nothing from other hosts, and a folder of its own that goes."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"
# Gradio's page needs inline scripts and styles, and eval; everything from elsewhere stays out.
POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; frame-ancestors 'none'; form-action 'none'"
)
_HEADERS = {"content-security-policy": POLICY, "cache-control": "no-store", "referrer-policy": "no-referrer"}
_SHARED_MEMORY = Path("/dev/shm")


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for what Gradio writes, in memory where the system has such; it is gone afterwards."""
    inside = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="jaxcrypt-demo-", dir=inside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep_quiet(folder: Path) -> None:
    """Settings that Gradio reads while it is imported: no analytics, no telemetry, files in ``folder``."""
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["HF_HUB_OFFLINE"] = "1"


class Kept:
    """ASGI middleware: answers keep the browser to this host, and from storing what it shows.

    Requests under another host's name are refused, so that no web site reaches in by DNS.
    """

    def __init__(self, app: Any):
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, and add headers to its answer."""
        if scope["type"] == "http" and not _is_own(scope):
            await send({"type": "http.response.start", "status": 421, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                kept = [pair for pair in message["headers"] if pair[0].lower().decode() not in _HEADERS]
                message = {**message, "headers": kept + own}
            await send(message)

        await self._app(scope, receive, answer)


def _is_own(scope: Any) -> bool:
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    return host.rpartition(":")[0] in (LOOPBACK, "localhost")


def launch(port: int | None, megabytes: int, block: bool = True) -> Any:
    """Show the page; returns the running Blocks where it does not ``block``.

    :func:`keep_quiet` comes first.
    """
    import gradio as gr
    from starlette.middleware import Middleware

    from jaxcrypt.demo import page

    blocks = page.build()
    blocks.launch(
        server_name=LOOPBACK,
        server_port=port,
        share=False,
        quiet=True,
        prevent_thread_lock=not block,
        show_error=False,
        max_file_size=f"{megabytes}mb",
        enable_monitoring=False,
        ssr_mode=False,
        footer_links=[],
        run_history=False,
        theme=gr.themes.Soft(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        css=page.CSS,
        app_kwargs={"middleware": [Middleware(Kept)], "docs_url": None, "redoc_url": None},
    )
    return blocks
