"""What every adversary gets: pairs, steps, net, seeds. ``configs/attacks.py`` says what a run takes."""

from __future__ import annotations

from ml_collections import ConfigDict


def _learned(side: int, net: dict[str, int], pairs: tuple[int, ...], steps: int) -> dict:
    """One learned attack: photos of ``side``, a net, pairs, and the trainer's settings over its defaults."""
    return {
        "side": side,
        "pairs": pairs,
        "model": net,
        "train": {"steps": steps, "batch_size": 64},
        "optimizer": {"name": "adamw", "lr": 2e-3, "schedule": "cosine", "weight_decay": 0.1},
    }


_WAYS = (
    {"options": {"robust": "1"}},
    {"options": {"robust": "1", "survives": "75"}, "pixels": 4.0},
    {"options": {"robust": "exact", "survives": "75"}, "pixels": 4.0},
    {"options": {"robust": "exact", "survives": "50"}, "pixels": 6.0},
)


def _surroundings(side: int, region: int, pairs: int, judged: int, steps: int, **model: dict) -> dict:
    """The attack on regions: crops, the region in their middle, pairs, nets, and the trainer's settings."""
    return {
        "side": side,
        "region": region,
        "pairs": pairs,
        "judged": judged,
        "model": model,
        "train": {"steps": steps, "batch_size": 64, "precision": "float32"},
        "optimizer": {
            "name": "adamw",
            "lr": 2e-3,
            "schedule": "cosine",
            "weight_decay": 0.1,
            "clip_norm": 1.0,
        },
    }


def default_config() -> ConfigDict:
    """The budget of a table."""
    return ConfigDict(
        {
            "seeds": (0, 1, 2),  # runs of each learned attack, each with a key of its own
            "judged": 192,  # photos that learned attacks are judged on
            "photos": 48,  # photos of all other rows,
            "side": 64,  # of this size
            "channels": 3,
            "parts": (
                "keys and looks",
                "games",
                "learned",
            ),  # of the table; others: jigsaw, sent, surroundings
            "games": {
                "sides": (256,),
                "trials": 100,
                "large": 40,  # trials of pictures above 1024 a side
                "pictures": ("dot", "square", "lines", "word", "page", "written", "stars", "half", "blank"),
            },
            "jigsaw": {"side": 128, "photos": 24},
            # As pictures travel: the header in their pixels, the file as well, the file alone.
            # Smaller ones have no room for their header where the plane alone is sent.
            "sent": {"side": 256, "photos": 24, "ways": _WAYS},
            # Small photos are the adversary's best case: the fewer samples, the fewer unknowns.
            "known_plaintext": _learned(
                16, {"hidden": 128, "width": 16, "blocks": 1}, (100, 1000, 10_000), 200
            ),
            "ciphertext_only": _learned(16, {"hidden": 128, "width": 16, "blocks": 1}, (10_000,), 200),
            # So is a small region: what an orthogonal map hides of it takes as many pairs as it has samples.
            "surroundings": _surroundings(
                16,
                8,
                3000,
                48,
                250,
                unet={"widths": (8, 16), "blocks": (1, 1), "attention": (), "heads": 1, "time": 16}
                | {"key_features": 8},
                reader={"hidden": 64, "width": 8, "blocks": 1},
            ),
        }
    )


def quick_config() -> ConfigDict:
    """A budget for trying things out: enough for every control, not for a claim."""
    config = default_config()
    config.seeds = (0,)
    config.judged = 96
    config.photos = 24
    config.games = {"sides": (64,), "trials": 24, "large": 24, "pictures": ("dot", "half")}
    config.jigsaw.photos = 12
    config.known_plaintext = _learned(8, {"hidden": 32, "width": 8, "blocks": 0}, (600,), 150)
    config.ciphertext_only = _learned(8, {"hidden": 32, "width": 8, "blocks": 0}, (600,), 150)
    tiny = {"widths": (4, 8), "blocks": (0, 1), "attention": (), "heads": 1, "time": 8, "key_features": 4}
    reader = {"hidden": 32, "width": 8, "blocks": 0}
    config.surroundings = _surroundings(16, 8, 600, 24, 80, unet=tiny, reader=reader)
    return config
