"""The keys that seal and open pictures, wherever they come from."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from jaxcrypt.crypto import keyimage, sources, textfile
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.crypto.kdf import Argon
from jaxcrypt.crypto.recipients import Identity, Recipient, read_identity, read_recipient
from jaxcrypt.errors import Refusal, usage

PathOrBytes = str | Path | bytes


class Keys:
    """Keys to seal pictures with, to open them with, or both.

    Passphrase, key image and key file together make one key: all of them are needed to open. Each recipient
    opens alone. The object may be shared by threads, and should be used for many pictures: Argon2id then
    runs once.

    Attributes:
      keyring: the same for :mod:`jaxcrypt.crypto`.
      proofs: that a key ledger has the recipients' keys, of those that came from one.
      image_alone: whether a key image, or the key file made of one, is all that opens besides recipients.

    Args:
      passphrase: text or bytes, or a source that was read already.
      key_image: a picture, as a path or as the file's bytes. One that others may have is no secret.
      key_file: a key file that ``jaxcrypt keygen --key`` made, as a path or as its bytes.
      recipients: public keys to seal for, as objects or as paths of their files.
      identities: private keys to open with, likewise.
      randomness: ``n -> n random bytes``, for tests; None takes the operating system's.

    Raises:
      Refusal: a file that is no such key, an empty passphrase, the same secret twice.
    """

    def __init__(
        self,
        *,
        passphrase: str | bytes | sources.Source | None = None,
        key_image: PathOrBytes | None = None,
        key_file: PathOrBytes | None = None,
        recipients: Sequence[Recipient | str | Path] = (),
        identities: Sequence[Identity | str | Path] = (),
        randomness: Callable[[int], bytes] | None = None,
    ):
        symmetric = []
        if passphrase is not None:
            given = isinstance(passphrase, sources.Source)
            symmetric.append(passphrase if given else sources.passphrase(passphrase))
        self._image, self._image_name = _named(key_image, "key image", keyimage.MAX_FILE)
        if self._image is not None:
            symmetric.append(keyimage.from_bytes(self._image, self._image_name))
        data, name = _named(key_file, "key file", textfile.MAX_BYTES)
        if data is not None:
            symmetric.append(sources.decode_key_file(data, name))
        self.image_alone = [source.kind for source in symmetric] == [sources.Kind.IMAGE]
        public = [key if isinstance(key, Recipient) else read_recipient(key) for key in recipients]
        self.proofs = tuple(key.proof for key in public if key.proof)
        self.keyring = Keyring(
            symmetric,
            public,
            [key if isinstance(key, Identity) else read_identity(key) for key in identities],
            randomness=randomness or os.urandom,
        )

    @property
    def opens(self) -> bool:
        """Whether pictures can be opened with them, and not only sealed."""
        return self.keyring.opens

    def anew(self, argon: Argon | None = None) -> Keys:
        """The same keys with a fresh allowance of slow derivations; see :meth:`Keyring.anew`."""
        keys = copy.copy(self)
        keys.keyring = self.keyring.anew(argon)
        return keys

    def is_key_image(self, data: bytes) -> bool:
        """Whether these are the bytes of the key image itself."""
        return self._image is not None and self._image == data

    def key_pixels(self) -> np.ndarray:
        """The samples of the key image, for a System that takes it as a condition: uint8 ``[H, W, C]``.

        Raises:
          Refusal: there is none, or it is no PNG; decoders disagree on the samples of other formats.
        """
        from jaxcrypt.pictures.files import load_picture

        if self._image is None:
            raise usage("its pixels need the key image itself: name it with --key-image FILE")
        picture = load_picture(self._image, self._image_name)
        if picture.format != "PNG":
            what = f"is {picture.format}; a key image that is a condition must be a PNG"
            raise Refusal(f"{self._image_name}: {what}")
        return picture.pixels


def _named(source: PathOrBytes | None, what: str, limit: int) -> tuple[bytes | None, str]:
    """Bytes of a file or of what was given, and what messages call them."""
    if source is None or isinstance(source, bytes):
        return source, what
    return textfile.read_bounded(source, limit), str(source)
