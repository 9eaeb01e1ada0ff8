"""A sealed picture whose header opened, and what comes out of it."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from jaxcrypt.crypto.bundle import File
from jaxcrypt.crypto.names import safe_name
from jaxcrypt.crypto.sealed import Opened
from jaxcrypt.errors import ExitCode, Refusal, tampered
from jaxcrypt.pictures.decoders import identify
from jaxcrypt.pictures.files import encode_png, load_picture
from jaxcrypt.record import Outcome, Progress, Sealed
from jaxcrypt.sealing import extras, logged, naming, recovery, residual
from jaxcrypt.sealing.carriers import CarriedPlane
from jaxcrypt.sealing.cipher import stored_entry
from jaxcrypt.sealing.extras import Extras
from jaxcrypt.sealing.policy import Policy


@dataclass(frozen=True)
class Unsealed:
    """What came out of a sealed picture.

    Attributes:
      files: name and bytes of what to write: the very files that went in, or PNGs made from the pixels.
      system: the System that made it.
      from_pixels: whether ``files`` were made from the pixels.
      exact: whether files, or the samples of the pictures, are those that went in.
      authenticated: False where damaged pixels were decoded: then nothing vouches for them.
      signed: whether a demanded signature was verified.
      quality: estimated PSNR in dB of what is not authenticated; None where unknown.
      stamp: modification time and mode of the original file, where they travelled.
      stages: pictures on the way to the first, uint8 ``[H, W, C]`` each, where a System decoded in steps.
      notes: what else to know, a line each.
    """

    files: list[File] = field(repr=False)
    system: str
    from_pixels: bool
    exact: bool
    authenticated: bool = True
    signed: bool = False
    quality: float | None = None
    stamp: extras.Stamp | None = None
    notes: tuple[str, ...] = ()
    stages: tuple[np.ndarray, ...] = field(default=(), repr=False)
    _pictures: tuple[np.ndarray, ...] | None = field(default=None, repr=False)

    @cached_property
    def pictures(self) -> list[np.ndarray]:
        """The pictures, uint8 ``[H, W, C]`` each; of files that travelled, those that are pictures."""
        if self._pictures is not None:
            return list(self._pictures)
        files = [(name, bytes(data)) for name, data in self.files]
        return [load_picture(data, name).pixels for name, data in files if identify(data)]


@dataclass(frozen=True)
class Begun:
    """A picture whose header opened: files that were verified, or pixels that are yet to be decoded.

    Attributes:
      files: the very files, where they travelled and are whole.
    """

    policy: Policy = field(repr=False)
    opened: Opened = field(repr=False)
    files: Sequence[File] = field(default=(), repr=False)
    pixels: np.ndarray | None = field(default=None, repr=False)
    damaged: recovery.Damaged | CarriedPlane | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    @property
    def from_pixels(self) -> bool:
        """Whether what comes back is made from the pixels: then as PNG, and a System decodes it."""
        return not self.files or (self.policy.from_pixels and self.pixels is not None)

    @property
    def unauthenticated(self) -> bool:
        """Whether nothing vouches for what will come back."""
        return self.damaged is not None

    @property
    def decodes(self) -> bool:
        """Whether a System has to work, which starts JAX."""
        return self.pixels is not None or self.damaged is not None

    @property
    def stepwise(self) -> bool:
        """Whether the System that made it gives the pictures on the way, too, when it decodes.

        Raises:
          Refusal: that System is not installed here.
        """
        return stored_entry(self.opened.header.system, self.opened.source).traits.stepwise

    @property
    def names(self) -> list[str]:
        """Names of what comes back, as far as they are known: of several made from pixels the first."""
        if not self.from_pixels:
            return [name for name, _ in self.files]
        return naming.picture_names([self.opened.name], 1, naming.MARK if self.damaged else "")

    @property
    def folder(self) -> tuple[str, ...]:
        """The folders that the file lay in, the outermost first, where that travelled; with safe names."""
        return tuple(map(safe_name, self._extras[0].folder))

    @cached_property
    def logged(self) -> tuple[str, ...]:
        """What its proofs of a key ledger show, a line each."""
        return logged.words(self.opened, self.policy.keys.keyring, self.policy.trusted)

    def finish(self, progress: Progress = None) -> Unsealed:
        """What the picture gives.

        Args:
          progress: called with the share done, 0 to 1, where a System decodes.

        Raises:
          Refusal: pixels that show another picture than the file, or nothing but noise.
        """
        if self.damaged is not None:
            return self._recover(self.damaged, progress)
        if self.pixels is not None:
            if self.from_pixels:
                return self._from_pixels(self.pixels, progress)
            self._compare(self.pixels, progress)
        return self._result(list(self.files), from_pixels=False, exact=True, notes=self.notes)

    def _result(self, files: list[File], **facts: Any) -> Unsealed:
        signed = self.policy.verifier is not None
        stamp = self._extras[0].stamp
        facts["notes"] = (*facts.get("notes", ()), *self.logged)
        return Unsealed(files, self.opened.header.system, signed=signed, stamp=stamp, **facts)

    @cached_property
    def _extras(self) -> tuple[Extras, dict[str, Any]]:
        return extras.split(self.opened.side, self.opened.header.original, self.opened.source)

    def _from_pixels(self, pixels: np.ndarray, progress: Progress, notes: tuple[str, ...] = ()) -> Unsealed:
        outcome = self._decode(pixels, None, progress)
        exact = self.policy.cipher(self.opened).system.traits.exact
        if self._extras[0].residual:
            outcome, exact = self._mended(outcome)
            otherwise = () if exact else ("this machine decodes otherwise than the sender's: not exact",)
            notes = (*notes, *otherwise)
        if self._extras[0].changed:
            exact = False
            notes = (
                *notes,
                "its file had more bits, frames or other colours than the pixels that were sealed",
            )
        files = self._as_files(outcome.pictures)
        return self._result(files, from_pixels=True, exact=exact, notes=notes, **_shown(outcome))

    def _mended(self, outcome: Outcome) -> tuple[Outcome, bool]:
        """With what the System left out; and whether these are the very samples that were sealed."""
        more, first = self._extras[0], outcome.pictures[0]
        alpha = first[..., -1:] if more.alpha is not None else first[..., :0]
        try:
            colours = residual.mend(first[..., : first.shape[2] - alpha.shape[2]], more.residual)
        except ValueError as reason:
            raise tampered(f"{self.opened.source}: header malformed behind its MAC ({reason})") from None
        exact = hmac.compare_digest(residual.digest(colours), more.samples)
        mended = np.concatenate([colours, alpha], axis=2)
        return replace(outcome, pictures=[mended, *outcome.pictures[1:]]), exact

    def _as_files(self, pictures: Sequence[np.ndarray], mark: str = "") -> list[File]:
        more, _ = self._extras
        names = [name for name, _ in self.files] or [self.opened.name, *more.names]
        names = naming.picture_names(names, len(pictures), mark)
        profiles = [more.icc] + [b""] * (len(pictures) - 1)
        return [(n, encode_png(p, icc)) for n, p, icc in zip(names, pictures, profiles, strict=True)]

    def _decode(self, pixels: np.ndarray, lost: np.ndarray | None, progress: Progress) -> Outcome:
        more, side = self._extras
        height, width, channels = self.opened.header.original
        shape = height, width, channels - (more.alpha is not None)
        given = [Sealed(pixels, side)], [self.opened.key.subkey("system")], shape
        cipher = self.policy.cipher(self.opened)
        try:
            (outcome,) = cipher.decrypt(*given, None if lost is None else [lost], progress)
        except Refusal as refusal:
            code = refusal.code if refusal.code == ExitCode.USAGE else ExitCode.TAMPERED
            raise Refusal(f"{self.opened.source}: {refusal}", code) from None
        if more.alpha is None:
            return outcome
        first = np.concatenate([outcome.pictures[0], more.alpha[..., None]], axis=2)
        return Outcome([first, *outcome.pictures[1:]], outcome.noise, outcome.stages, outcome.report)

    def _recover(self, damaged: recovery.Damaged | CarriedPlane, progress: Progress) -> Unsealed:
        policy, cipher = self.policy, self.policy.cipher(self.opened)
        pixels, missing = damaged.decode(self.opened.header.shape, cipher.aligns)
        whole = recovery.verified(self.opened, pixels)
        if whole is not None:
            lost = "pixels verified" + (", the file itself is lost" if self.opened.header.payload else "")
            return self._from_pixels(whole, progress, (lost,))
        pixels = damaged.fitted(pixels, self.opened.header.shape, cipher.aligns)
        outcome = self._decode(pixels, recovery.lost_pixels(missing, pixels.shape, policy.lost), progress)
        if not policy.keep_noise and recovery.is_noise(outcome.pictures[0]):
            hint = "nothing of the picture can be seen in what is left of its pixels"
            raise tampered(f"{self.opened.source}: {hint}; --force writes the noise all the same")
        files = self._as_files(outcome.pictures, naming.MARK)
        quality = recovery.quality(outcome.noise)
        facts = {"authenticated": False, "quality": quality, **_shown(outcome)}
        return self._result(files, from_pixels=True, exact=False, **facts)

    def _compare(self, pixels: np.ndarray, progress: Progress) -> None:
        """Refuse pixels that show another picture than the file that travels with them."""
        pictures = self._decode(pixels, None, progress).pictures
        exact = self.policy.cipher(self.opened).system.traits.exact
        for picture, (name, data) in zip(pictures, self.files, strict=False):
            plain = load_picture(bytes(data), name).pixels
            if not recovery.alike(picture, plain, exact):
                what = f"its pixels show another picture than the file {name}"
                raise tampered(f"{self.opened.source}: {what}; nothing written")


def _shown(outcome: Outcome) -> dict[str, Any]:
    return {"stages": tuple(outcome.stages), "_pictures": tuple(outcome.pictures)}
