"""A System under measurement: itself ready to run, and the keys that follow from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.crypto.kdf import SALT_BYTES
from jaxcrypt.crypto.sources import Kind, Source
from jaxcrypt.errors import usage
from jaxcrypt.evaluation.pictures import Named, draw
from jaxcrypt.pictures.files import encode_png, load_picture
from jaxcrypt.record import Outcome, Sealed
from jaxcrypt.sealing import cipher as loading
from jaxcrypt.sealing.cipher import Cipher
from jaxcrypt.systems import catalog


@dataclass(frozen=True)
class Subject:
    """A System under measurement.

    Attributes:
      name: what catalog and header call it.
      cipher: the System with its weights and options.
      seed: all keys follow from it.
      chosen: the options that were chosen, as a person types them.
    """

    name: str
    cipher: Cipher
    seed: int = 0
    chosen: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What tables call it: ``NAME option=choice``."""
        return " ".join([self.name, *(f"{name}={text}" for name, text in self.chosen.items())])

    def at(self, option: str, text: str) -> Subject:
        """The same with one option at the choice that a person typed.

        Raises:
          Refusal: no such option, or no such choice.
        """
        cipher = self.cipher.chosen(option, text, f"--option {option}")
        return replace(self, cipher=cipher, chosen={**self.chosen, option: text})

    def varied(self, option: str) -> list[Subject]:
        """The same at every choice that lists show; the default first where that is none of them."""
        declared = _declared(self.name, option)
        plain = [] if declared.default in map(declared.parse, declared.shown) else [self]
        return plain + [self.at(option, text) for text in declared.shown]

    def given(self, inputs: Mapping[str, Any]) -> Subject:
        """The same with what its System takes besides pictures, such as a cover."""
        return replace(self, cipher=self.cipher.given(dict(inputs)))

    @property
    def secrets(self) -> int:
        """How many pictures a cover takes, where the System hides pictures."""
        return 1 + sum(given.most for given in self.cipher.system.inputs if given.kind == "pictures")

    def check(self, picture: Named) -> None:
        """Refuse a picture that the System does not take."""
        self.cipher.check(picture.pixels.shape, picture.name)

    def encrypt(self, pictures: Sequence[np.ndarray], subkeys: Sequence[bytes]) -> list[Sealed]:
        """Pictures uint8 ``[H, W, C]`` of one shape, each under its subkey of 32 bytes."""
        return self.cipher.encrypt(list(pictures), subkeys)

    def decrypt(
        self, sealed: Sequence[Sealed], subkeys: Sequence[bytes], shape, lost: Sequence | None = None
    ) -> list[Outcome]:
        """The inverse, past every key check; ``shape`` is a plain picture's ``(H, W, C)``."""
        return self.cipher.decrypt(sealed, subkeys, tuple(shape), lost)

    def decrypted(self, sealed: Sequence[Sealed], subkeys: Sequence[bytes], shape) -> np.ndarray:
        """What comes back alone: uint8 ``[B, H, W, C]``."""
        return np.stack([outcome.pictures[0] for outcome in self.decrypt(sealed, subkeys, shape)])

    def subkeys(self, pictures: Sequence[np.ndarray]) -> list[bytes]:
        """Each picture's subkey as the commands derive it, with the random bytes held fixed by the seed."""
        source = Source(Kind.KEY_FILE, draw(self.seed, "key file", ""))
        fixed = draw(self.seed, "random bytes", "")
        keyring = Keyring([source], salt=fixed[:SALT_BYTES], randomness=lambda count: fixed[:count])
        keys = (keyring.new_file_key(p.tobytes(), self.name, self.cipher.stored) for p in pictures)
        return [key.subkey("system") for key in keys]


def load(name: str, weights: str | None = None, options: Sequence[str] = (), seed: int = 0) -> Subject:
    """The System called ``name`` with ``options`` as a person types them, ``NAME=CHOICE``.

    Raises:
      Refusal: no such System, weights or option.
    """
    check_options(name, options)
    chosen = dict(text.split("=", 1) for text in options)
    return Subject(name, loading.load(name, weights, chosen), seed, chosen)


def check_options(name: str, options: Sequence[str]) -> None:
    """Refuse a System or options that there are not, before any weights are loaded."""
    catalog.entry(name)
    for text in options:
        if "=" not in text:
            raise usage(f"--option {text}: must be NAME=CHOICE")
        option, _, choice = text.partition("=")
        _declared(name, option).parse(choice)


def through_png(sealed: Sealed) -> Sealed:
    """The same with its pixels through an 8-bit PNG file."""
    return Sealed(load_picture(encode_png(sealed.pixels)).pixels, sealed.side)


def _declared(name: str, option: str):
    known = {declared.name: declared for declared in catalog.entry(name).options}
    if option not in known:
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise usage(f"--option {option}: --system {name} has no such option; {has}")
    return known[option]
