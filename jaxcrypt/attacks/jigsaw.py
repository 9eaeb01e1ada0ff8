"""A jigsaw solver against ciphers that leave blocks of a picture whole: what makes block scrambling fall.

Blocks may be anywhere, turned or mirrored, negative, and with their colours swapped (Chuman, Kurihara, Kiya,
"On the security of block scrambling-based EtC systems against extended jigsaw puzzle solver attacks", 2018).
Edges that belong together continue each other: the cost of two is how far the samples of each lie from what
the other's last two lines lead to expect (Pomeranz et al. 2011). Edges are joined from the surest on, by the
ratio of the best cost to that of the next block (Gallagher 2012), pieces of the picture being merged, turned
and coloured as wholes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.distance import cdist

from jaxcrypt.attacks.rows import Row
from jaxcrypt.attacks.scrambled import BLOCK, COLOURS
from jaxcrypt.attacks.significance import permutation_p
from jaxcrypt.attacks.victim import Victim

_CANDIDATES = 3  # of every edge
_MIRROR = np.array([[-1, 0], [0, 1]])
_QUARTER = np.array([[0, 1], [-1, 0]])  # (x, y) to the left by 90°, y downwards


def _dihedral() -> np.ndarray:
    """The eight matrices that turn and mirror (x, y): int ``[8, 2, 2]``, the four turns first."""
    turns = [np.linalg.matrix_power(_QUARTER, k) for k in range(4)]
    return np.array([*turns, *(turn @ _MIRROR for turn in turns)])


MATRICES = _dihedral()


@dataclass(frozen=True)
class State:
    """What is done to a block: a matrix of :data:`MATRICES`, a negative, an order of colours."""

    matrix: np.ndarray
    negative: bool
    colours: tuple[int, ...]

    def after(self, first: State) -> State:
        """``first``, and then this."""
        colours = tuple(first.colours[k] for k in self.colours)
        return State(self.matrix @ first.matrix, self.negative != first.negative, colours)

    def inverse(self) -> State:
        """What undoes it."""
        return State(self.matrix.T, self.negative, tuple(int(k) for k in np.argsort(self.colours)))

    def of(self, block: np.ndarray) -> np.ndarray:
        """A block ``[16, 16, C]`` in this state."""
        size = len(block)
        y, x = np.mgrid[:size, :size] * 2 - (size - 1)
        source = (
            np.stack([x, y], axis=-1) @ self.matrix
        )  # the inverse of a row vector's product with its transpose
        column, row = ((source[..., k] + size - 1) // 2 for k in (0, 1))
        turned = block[row, column][..., list(self.colours)]
        return 255 - turned if self.negative else turned


def _states(channels: int) -> list[State]:
    orders = [tuple(map(int, order)) for order in COLOURS] if channels == 3 else [tuple(range(channels))]
    return [State(m, negative, order) for m in MATRICES for negative in (False, True) for order in orders]


@dataclass
class _Piece:
    """Blocks that were put together: where each lies, (x, y), and in which state."""

    places: dict[int, tuple[np.ndarray, State]] = field(default_factory=dict)

    def moved(self, state: State, shift: np.ndarray) -> dict[int, tuple[np.ndarray, State]]:
        return {b: (state.matrix @ at + shift, state.after(own)) for b, (at, own) in self.places.items()}


def solve(cipher: np.ndarray) -> np.ndarray:
    """The picture that a cipher's blocks make: uint8 ``[H, W, C]`` both, cut to whole blocks of a square."""
    side = min(cipher.shape[:2]) // BLOCK
    used = cipher[: side * BLOCK, : side * BLOCK].astype(np.float32)
    blocks = used.reshape(side, BLOCK, side, BLOCK, -1).swapaxes(1, 2).reshape(side * side, BLOCK, BLOCK, -1)
    pieces = [_Piece({b: (np.zeros(2, int), _states(blocks.shape[3])[0])}) for b in range(len(blocks))]
    owner = list(range(len(blocks)))
    for first, turn, second, state in _joins(blocks):
        _merge(pieces, owner, first, turn, second, state, side)
    largest = max(pieces, key=lambda piece: len(piece.places))
    return _drawn(largest, blocks, side)


def _joins(blocks: np.ndarray) -> list[tuple[int, State, int, State]]:
    """Which blocks belong together, the surest first: the second, in its state, right of the first in its."""
    states = _states(blocks.shape[3])
    turns = [state for state in states if not state.negative and state.colours == states[0].colours][:4]
    right = np.stack([[turn.of(b)[:, :-3:-1] for turn in turns] for b in blocks])
    left = np.stack([[state.of(b)[:, :2] for state in states] for b in blocks])
    costs = _costs(right, left).reshape(len(blocks), len(turns), len(blocks), len(states))
    made = []
    for first in range(len(blocks)):
        costs[first, :, first] = np.inf
        for k, turn in enumerate(turns):
            best = costs[first, k].min(axis=1)
            order = np.argsort(best)[: _CANDIDATES + 1]
            for rank, second in enumerate(order[:_CANDIDATES]):
                other = best[order[1 if rank == 0 else 0]]
                state = states[int(costs[first, k, second].argmin())]
                made.append(((best[second] + 1) / (other + 1), first, turn, int(second), state))
    made.sort(key=lambda join: join[0])
    return [join[1:] for join in made]


def _costs(right: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Of edges ``[n, k, 16, 2, C]``, outermost line first: how badly each continues each, ``[n k, m l]``."""
    flat = []
    for edges in (right, left):
        outer, inner = (edges[..., line, :].reshape(edges.shape[0] * edges.shape[1], -1) for line in (0, 1))
        flat.append((outer, 2 * outer - inner))
    (outer, led), (other, other_led) = flat
    return (cdist(led, other, "cityblock") + cdist(outer, other_led, "cityblock")) / outer.shape[1]


def _merge(pieces, owner, first: int, turn: State, second: int, state: State, side: int) -> None:
    """Join two pieces so that ``second`` lies right of ``first``, if nothing overlaps and all fits."""
    mine, other = pieces[owner[first]], pieces[owner[second]]
    if mine is other:
        return
    at, own = mine.places[first]
    there, its = other.places[second]
    # What brings the pair, as it was compared, to where the first lies.
    frame = own.after(turn.inverse())
    wanted = frame.after(state)
    change = wanted.after(its.inverse())
    moved = other.moved(change, at + frame.matrix @ np.array([1, 0]) - change.matrix @ there)
    taken = {tuple(place) for place, _ in mine.places.values()}
    if any(tuple(place) in taken for place, _ in moved.values()):
        return
    places = np.array([place for place, _ in (*mine.places.values(), *moved.values())])
    if (np.ptp(places, axis=0) >= side).any():
        return
    mine.places.update(moved)
    for block in moved:
        owner[block] = owner[first]
    other.places = {}


def _drawn(piece: _Piece, blocks: np.ndarray, side: int) -> np.ndarray:
    """The piece in a square, its mean where nothing of it lies."""
    low = np.min([place for place, _ in piece.places.values()], axis=0)
    picture = np.full((side * BLOCK, side * BLOCK, blocks.shape[3]), np.nan, np.float32)
    for block, (place, state) in piece.places.items():
        x, y = (place - low) * BLOCK
        picture[y : y + BLOCK, x : x + BLOCK] = state.of(blocks[block])
    return np.where(np.isnan(picture), np.nanmean(picture), picture).astype(np.uint8)


def likeness(solved: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """How alike each solved picture is to each photo, whatever was turned, mirrored, shifted or negated.

    Args:
      solved, photos: uint8 ``[N, S, S, C]``.

    Returns:
      The largest absolute correlation over the eight turns and all cyclic shifts, of greys: float ``[N, N]``.
    """
    mine, theirs = (_spectra(stack) for stack in (_turns(solved), photos[:, None]))
    size = photos.shape[1]
    peaks = np.zeros((len(solved), len(photos)))
    for i, spectra in enumerate(mine):
        for j, (photo,) in enumerate(theirs):
            peaks[i, j] = np.abs(np.fft.irfft2(spectra * np.conj(photo), s=(size, size))).max()
    return peaks


def _turns(stack: np.ndarray) -> np.ndarray:
    """``[N, 8, S, S, C]``."""
    both = np.stack([stack, stack[:, :, ::-1]], axis=1)
    return np.concatenate([np.rot90(both, k, axes=(2, 3)) for k in range(4)], axis=1)


def _spectra(stacks: np.ndarray) -> np.ndarray:
    """Of greys ``[N, k, S, S, C]`` without their mean and of norm 1."""
    grey = stacks.astype(np.float32).mean(axis=-1)
    grey -= grey.mean(axis=(2, 3), keepdims=True)
    norm = np.sqrt(np.square(grey).sum(axis=(2, 3), keepdims=True))
    return np.fft.rfft2(grey / np.maximum(norm, 1e-6))


def rows(victim: Victim, photos: np.ndarray, seed: int, control: Victim) -> list[Row]:
    """The solver on ciphers of photos, uint8 ``[N, S, S, C]``; ``control`` is block scrambling."""
    beside = _row(control, photos, seed)
    return [_row(victim, photos, seed, beside)]


def _row(victim: Victim, photos: np.ndarray, seed: int, control: Row | None = None) -> Row:
    ciphers, _ = victim.encrypt(photos, victim.subkeys(photos, seed))
    solved = np.stack([solve(one) for one in ciphers])
    size = min(solved.shape[1], photos.shape[1])
    peaks = likeness(solved[:, :size, :size], photos[:, :size, :size])
    own = float(np.mean(np.diag(peaks)))
    words = f"likeness to its photo {own:.2f}, to others {float(_off_diagonal(peaks).mean()):.2f}"
    return Row(
        "jigsaw solver",
        f"one cipher of each of {len(photos)} photos",
        words,
        permutation_p([peaks], seed),
        control=control,
    )


def _off_diagonal(matrix: np.ndarray) -> np.ndarray:
    return matrix[~np.eye(len(matrix), dtype=bool)]
