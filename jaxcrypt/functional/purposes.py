"""What the streams of a subkey are for: the first word of their ChaCha20 nonces."""

from __future__ import annotations

from enum import IntEnum, unique


@unique
class Purpose(IntEnum):
    """What a stream is for. The numbers are part of the format: never reuse or renumber one."""

    STREAM = 1  # the final XOR
    ORBITS = 2  # seeds of logistic-map orbits
    ROUNDS = 3  # round keys of permutations and Feistel networks
    HASH_COLUMN = 4  # universal hash, first level
    HASH_TILE = 5  # universal hash, second level
    DIGEST = 6
    STREAM_KEY = 7
    SIGNS = 8
    PADS = 9
    DITHER = 10
    DIGITS = 11  # what describes the blocks of a picture, in its header
    KEY_IMAGE = 12  # a subkey that depends on a picture besides
    PLANES = 13  # the key as channels beside a picture
    FILL = 14  # signs in place of samples that are all equal
    DIFFUSION = 16  # noise of the forward process
    FACES = 20  # masks, dithers and pilots of generated faces
    LIDS = 21  # latents of the faces that open others, and what they carry
