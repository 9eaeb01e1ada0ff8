"""How a picture is cut into tiles of words."""

from __future__ import annotations

from jaxcrypt.systems.drivers.layout import Layout, even_bounds

_SIZES = (1 << 12, 1 << 15, 1 << 18)  # bytes in a tile's array
ROUNDS = 3
WORD = 4


def layout(shape: tuple[int, int, int]) -> Layout:
    """Tiles of whole words; one word of the array stays free for the picture's last bytes."""
    total = shape[0] * shape[1] * shape[2]
    size = next((s for s in _SIZES if total <= s - WORD), _SIZES[-1])
    count = max(1, -(-total // (size - WORD)))
    bounds = even_bounds(total, count, WORD)
    return Layout(tuple(shape), size, bounds, bounds)
