"""Pictures that travel without a header: a photo as generated pictures and nothing else, and back.

No chunk tells what made them; nonce and key data stand in the pictures as unbiased bits. So nothing is
signed, no file travels beside them, and the receiver must know that it is such pictures, and have the key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from jaxcrypt.crypto.bundle import File
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.crypto.names import clean_name, decode_name, encode_name
from jaxcrypt.errors import ExitCode, Refusal, usage
from jaxcrypt.pictures.files import encode_png, load_picture
from jaxcrypt.pictures.sheets import cells
from jaxcrypt.record import Call, Carrier, Progress, Sealed
from jaxcrypt.sealing import naming
from jaxcrypt.sealing.cipher import Cipher, load
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.seal import Plain, Sealer
from jaxcrypt.systems import catalog

_COLOURS = 3
_PROBE = bytes(16)


def able() -> list[str]:
    """The Systems whose pictures can travel alone."""
    return [name for name in catalog.NAMES if catalog.entry(name).traits.alone]


def check(system: str, keys: Keys) -> None:
    """Refuse, before any work, a System whose pictures cannot travel alone, and keys that need a header."""
    if not catalog.entry(system).traits.alone:
        others = " or ".join(able())
        raise usage(f"--covert: pictures of --system {system} need their header; take --system {others}")
    keys.keyring.check_sealing()
    keys.keyring.nonce_key(_PROBE)


def hide(sealer: Sealer, plain: Plain, progress: Progress = None) -> Sealed:
    """A photo as pictures uint8 ``[N, side, side, 3]`` without a header: the ``pixels`` of what comes back.

    Raises:
      Refusal: as :func:`check`; a photo with an alpha channel; what the System refuses.
    """
    check(sealer.entry.name, sealer.keys)
    if plain.extras.alpha is not None:
        raise Refusal(f"{plain.name}: has an alpha channel, which needs a header; flatten it first")
    keyring, cipher = sealer.keys.keyring, sealer.cipher
    cipher.check(plain.pixels.shape, plain.name)
    secret = keyring.new_file_key(plain.data, sealer.entry.name, cipher.stored).subkey("without header")
    call = Call(cipher.variables, cipher.options, cipher.inputs, progress)
    name = encode_name(clean_name(plain.name))
    return _carrier(cipher).hide(call, plain.pixels, name, secret, _key_of(keyring))


def find(files: Sequence[File], keys: Keys, weights: str | None = None, progress: Progress = None) -> File:
    """Undo :func:`hide`: the photo's name and it as a PNG.

    Args:
      files: name and bytes of each picture's file, or of sheets of them, in any order.
      weights: other than those that the System takes by itself.

    Raises:
      Refusal: no such pictures; (NO_KEY) they hold nothing under these keys, or too many are missing.
    """
    (system,) = able()
    check(system, keys)
    cipher = load(system, weights)
    carrier = _carrier(cipher)
    pictures = np.concatenate([_cells(bytes(data), name, carrier.side) for name, data in files])
    call = Call(cipher.variables, cipher.options, {}, progress)
    try:
        outcome = carrier.find(call, pictures, _key_of(keys.keyring))
    except Refusal as refusal:
        raise Refusal(str(refusal), ExitCode.NO_KEY) from None
    (name,) = naming.picture_names([clean_name(decode_name(outcome.report["name"]))], 1)
    return name, encode_png(outcome.pictures[0])


def _carrier(cipher: Cipher) -> Carrier:
    if cipher.system.carrier is None:
        raise usage(f"--system {cipher.name}: says that its pictures travel alone, and not how")
    return cipher.system.carrier


def _key_of(keyring: Keyring) -> Callable[[bytes], bytes]:
    return lambda nonce: keyring.nonce_key(nonce).subkey("system")


def _cells(data: bytes, name: str, side: int) -> np.ndarray:
    picture = load_picture(data, name).pixels
    if picture.shape[2] != _COLOURS:
        raise Refusal(f"{name}: is no colour picture, and so none that --covert made")
    try:
        return cells(picture, side)
    except Refusal as refusal:
        raise Refusal(f"{name}: {refusal}, so none that --covert made") from None
