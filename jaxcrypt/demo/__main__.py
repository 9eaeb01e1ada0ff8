"""A page to try it: ``python -m jaxcrypt.demo``.

Photo in; a System, a key, a region; then cipher, histograms, what the right and a wrong key give, the sealed
picture to save and to open again, and sliders that damage it. The page is served on this machine's loopback
address only, and nothing is sent anywhere else. Uploads leave the disk as they are read, and this program's
folder of temporary files goes when it ends. Needs Gradio: pip install 'jaxcrypt[demo]'.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from jaxcrypt import runtime
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry
from jaxcrypt.errors import ExitCode, usage


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv)


def _main(argv: Sequence[str] | None) -> int:
    parser = Parser(prog="python -m jaxcrypt.demo", description=__doc__, epilog=EXIT_CODES)
    parser.add_argument(
        "--port", type=int, metavar="N", help="of the loopback address (7860, or the next free)"
    )
    parser.add_argument(
        "--max-megabytes", type=int, default=30, metavar="N", help="of an upload (%(default)s)"
    )
    parser.add_argument(
        "--device", default="auto", choices=runtime.DEVICES, help="where to compute (%(default)s)"
    )
    args = parser.parse_args(argv)
    if args.max_megabytes < 1 or not 0 < (args.port or 1) < 1 << 16:
        raise usage("--port: 1 to 65535; --max-megabytes: at least 1")
    from jaxcrypt.demo import serve

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.OK))  # so that the folder goes
    with serve.private_folder() as folder:
        serve.keep_quiet(folder)
        runtime.start(args.device)
        blocks = serve.launch(args.port, args.max_megabytes, block=False)
        print(f"Open {blocks.local_url} in your browser; Ctrl-C ends it.", flush=True)
        try:
            blocks.block_thread()
        except KeyboardInterrupt:
            pass
        finally:
            blocks.close()
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
