"""The file key, the keys that open it, and the subkeys that come from it.

    symmetric key  S  = Argon2id(IKM, salt)      or HKDF(IKM, salt, "key file") where a key file stands alone
    hedge          G  = HKDF(S, "hedge")         (32 zero bytes with recipients alone)
    file key       FK = HMAC-SHA-256(G || 32 random bytes, SHA-256(file) || SHA-256(parameters))
    subkey            = HKDF(FK, purpose)

FK is fresh for every picture, and where the random source fails it still differs between different pictures
or parameters. Each key opens a stanza that wraps FK: AES-SIV (RFC 5297) under HKDF(S, "wrap") with the
stanza's own fields as associated data, or HPKE for a recipient.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from jaxcrypt.crypto import canonical, kdf, passphrases, recipients, sources
from jaxcrypt.errors import ExitCode, Refusal, no_key, tampered, usage

SYMMETRIC, RECIPIENT = 1, 2
MAX_RECIPIENTS = 64
_HKDF, _ARGON2ID = 0, 1
_FIELDS = struct.Struct(f">BBBIII{kdf.SALT_BYTES}s")
_WRAPPED = kdf.KEY_BYTES + 16
SYMMETRIC_BYTES = _FIELDS.size + _WRAPPED
RECIPIENT_BYTES = 1 + kdf.KEY_BYTES + recipients.SEALED_OVERHEAD
_ALL_KINDS = sources.Kind.PASSPHRASE | sources.Kind.IMAGE | sources.Kind.KEY_FILE


@dataclass(frozen=True)
class FileKey:
    """One picture's key: everything secret about it is derived here.

    Attributes:
      digest: SHA-256 of the original file.
      length: its length in bytes.
      stanzas: FK wrapped for every key that shall open it.
    """

    secret: bytes = field(repr=False)
    digest: bytes = field(default=b"", repr=False)
    length: int = field(default=0, repr=False)
    stanzas: tuple[bytes, ...] = field(default=(), repr=False)

    def subkey(self, purpose: str, length: int = kdf.KEY_BYTES) -> bytes:
        """``length`` bytes for one purpose; ``"system"`` is the System's."""
        return kdf.hkdf(self.secret, purpose, length)


@dataclass(frozen=True)
class Request:
    """The fields of a symmetric stanza before the wrapped key: what it takes to open it."""

    kinds: int
    argon: kdf.Argon | None
    salt: bytes

    def encode(self) -> bytes:
        numbers = (
            (self.argon.memory_kib, self.argon.iterations, self.argon.lanes) if self.argon else (0, 0, 0)
        )
        return _FIELDS.pack(SYMMETRIC, self.kinds, _ARGON2ID if self.argon else _HKDF, *numbers, self.salt)


class Keyring:
    """The keys at hand, for encryption, decryption or both.

    Args:
      symmetric: sources that together make one key: all of them are needed.
      recipients: public keys to encrypt for; each opens alone.
      identities: private keys to decrypt with.
      argon: Argon2id parameters of new stanzas.
      salt: fixed 16 bytes for tests; else random, for every picture where a key file stands alone, and once
        for the keyring where Argon2 runs, so that it does so once a folder.
      randomness: ``n -> n bytes``.

    Raises:
      Refusal: the same source twice, or too many recipients.
    """

    def __init__(
        self,
        symmetric: Sequence[sources.Source] = (),
        recipients: Sequence[recipients.Recipient] = (),
        identities: Sequence[recipients.Identity] = (),
        *,
        argon: kdf.Argon | None = None,
        salt: bytes | None = None,
        randomness: Callable[[int], bytes] = os.urandom,
    ):
        if len(recipients) > MAX_RECIPIENTS:
            raise usage(f"--recipient: more than {MAX_RECIPIENTS}")
        self._sources = tuple(symmetric)
        self._material = sources.combine(symmetric)
        self._kinds = sources.mask(symmetric)
        self._recipients = tuple(recipients)
        self._identities = tuple(identities)
        self._argon = argon or kdf.Argon()
        self._salt = salt
        self._randomness = randomness
        self._derived: dict[Request, bytes] = {}
        self._work = kdf.MAX_EXTRA_WORK

    @property
    def stanza_sizes(self) -> list[int]:
        """Bytes of each stanza that sealing makes."""
        return [SYMMETRIC_BYTES] * bool(self._material) + [RECIPIENT_BYTES] * len(self._recipients)

    def new_file_key(self, data: bytes | memoryview, system: str, options: canonical.Options) -> FileKey:
        """A fresh file key for a picture's file bytes and the parameters it will be encrypted under.

        Raises:
          Refusal: the keyring holds nothing to encrypt with, or what can be guessed; or recipients alone, and
            the machine's random source repeats itself, so that the key would follow from the picture.
        """
        self.check_sealing()
        digest = hashlib.sha256(data).digest()
        parameters = hashlib.sha256(canonical.encode_parameters(system, options)).digest()
        request, fresh, hedge = self._request(), self._randomness(32), bytes(kdf.KEY_BYTES)
        if request is not None:
            hedge = kdf.hkdf(self._symmetric(request), "hedge")
        elif self._randomness(32) == fresh:
            hint = "give a passphrase or key file besides --recipient"
            raise Refusal(f"this machine's random source gives the same bytes twice: {hint}", ExitCode.FAILED)
        secret = hmac.digest(hedge + fresh, digest + parameters, "sha256")
        return FileKey(secret, digest, len(data), self._wrap(secret, request))

    def nonce_key(self, nonce: bytes) -> FileKey:
        """The file key of a nonce of 16 bytes, for pictures that travel without a header.

        What else a stanza tells is not said then, so it is as new files have it: all sources at hand
        together, Argon2id with its default parameters unless a key file stands alone.

        Raises:
          Refusal: there is no symmetric source; a recipient's stanza is no string of unbiased bits.
        """
        if not self._material or self._recipients or self._identities:
            raise usage("without a header only a passphrase, key image or key file opens; no recipients")
        argon = None if self._kinds == sources.Kind.KEY_FILE else kdf.Argon()
        secret = kdf.hkdf(self._symmetric(Request(self._kinds, argon, nonce)), "without header")
        return FileKey(secret)

    def wrap(self, secret: bytes) -> tuple[bytes, ...]:
        """An existing file key for the keys of this keyring: the stanzas that open it.

        Raises:
          Refusal: the keyring holds nothing to encrypt with, or what can be guessed.
        """
        self.check_sealing()
        return self._wrap(secret, self._request())

    def _wrap(self, secret: bytes, request: Request | None) -> tuple[bytes, ...]:
        stanzas = []
        if request is not None:
            fields, wrap = request.encode(), kdf.hkdf(self._symmetric(request), "wrap", 64)
            stanzas.append(fields + AESSIV(wrap).encrypt(secret, [fields]))
        stanzas += [bytes([RECIPIENT]) + recipient.seal(secret) for recipient in self._recipients]
        return tuple(stanzas)

    @property
    def opens(self) -> bool:
        """Whether there is anything to open with: recipients alone only seal."""
        return bool(self._material or self._identities)

    def anew(self, argon: kdf.Argon | None = None) -> Keyring:
        """The same keys with a fresh allowance of slow derivations, for what runs for long.

        Args:
          argon: parameters of new stanzas; None: as before.
        """
        return Keyring(
            self._sources,
            self._recipients,
            self._identities,
            argon=argon or self._argon,
            randomness=self._randomness,
        )

    def own_recipients(self) -> tuple[recipients.Recipient, ...]:
        """The public halves of the identities: what others may seal for this keyring."""
        return tuple(identity.recipient() for identity in self._identities)

    def check_sealing(self) -> None:
        """Refuse to seal with nothing, or with what can be guessed; to be called before any work."""
        if not self._material and not self._recipients:
            raise usage("no key given: name a passphrase, key image, key file or recipient")
        for source in self._sources:
            if source.weak:
                raise Refusal(source.weak)

    def advice(self) -> list[str]:
        """What whoever seals with these keys should know of them, a line each."""
        if self._kinds != sources.Kind.PASSPHRASE:
            return []
        return [line for line in (passphrases.weakness(self._sources[0].secret),) if line]

    def open(self, stanzas: Sequence[bytes], fits: Callable[[bytes], bool] = lambda secret: True) -> bytes:
        """FK from the first stanza that a key at hand opens and that ``fits`` the header's MAC.

        Of symmetric stanzas only the first is tried: else one file would test several passphrases at once.

        Raises:
          Refusal: (NO_KEY) none opens; the message says what kinds of key the picture wants; (TAMPERED) what
            opens does not fit; (FAILED) the run's allowance of slow key derivations is used up.
        """
        tried = misfit = False
        for stanza in stanzas:
            secret = None
            if stanza[:1] == bytes([RECIPIENT]) and len(stanza) == RECIPIENT_BYTES:
                secret = self._open_recipient(stanza)
            elif stanza[:1] == bytes([SYMMETRIC]) and not tried:
                tried = True
                secret = self._open_symmetric(stanza)
            if secret is not None and fits(secret):
                return secret
            misfit |= secret is not None
        if misfit:
            raise tampered("header damaged or tampered; nothing written")
        raise no_key(f"no key fits, or key data altered (it wants {wanted(stanzas)})")

    def recipient(self, stanzas: Sequence[bytes], secret: bytes) -> recipients.Recipient | None:
        """Whose stanza gives that file key to an identity at hand; None where none does."""
        for identity in self._identities:
            if any(
                stanza[:1] == bytes([RECIPIENT]) and identity.open(stanza[1:]) == secret for stanza in stanzas
            ):
                return identity.recipient()
        return None

    def _request(self) -> Request | None:
        """Of a new symmetric stanza; None with recipients alone."""
        if not self._material:
            return None
        if self._kinds == sources.Kind.KEY_FILE:
            return Request(self._kinds, None, self._salt or self._randomness(kdf.SALT_BYTES))
        self._salt = self._salt or self._randomness(kdf.SALT_BYTES)
        return Request(self._kinds, self._argon, self._salt)

    def _symmetric(self, request: Request) -> bytes:
        if request.argon is None:
            return kdf.hkdf(self._material, "key file", salt=request.salt)
        if request not in self._derived:
            extra = request.argon.extra_work()
            if extra > self._work:
                hint = "more work to derive its key than one run allows; open it in a run of its own"
                raise Refusal(f"asks for {hint}", ExitCode.FAILED)
            self._work -= extra
            self._derived[request] = kdf.argon2id(self._material, request.salt, request.argon)
        return self._derived[request]

    def _open_symmetric(self, stanza: bytes) -> bytes | None:
        request = read_request(stanza)
        if request is None or not self._material or request.kinds != self._kinds:
            return None
        wrap = kdf.hkdf(self._symmetric(request), "wrap", 64)
        try:
            return AESSIV(wrap).decrypt(stanza[_FIELDS.size :], [stanza[: _FIELDS.size]])
        except InvalidTag:
            return None

    def _open_recipient(self, stanza: bytes) -> bytes | None:
        opened = (identity.open(stanza[1:]) for identity in self._identities)
        return next((secret for secret in opened if secret is not None), None)


def read_request(stanza: bytes) -> Request | None:
    """What a symmetric stanza asks for; None where its numbers are out of bounds or make no sense."""
    if stanza[:1] != bytes([SYMMETRIC]) or len(stanza) != SYMMETRIC_BYTES:
        return None
    _, kinds, function, memory, iterations, lanes, salt = _FIELDS.unpack_from(stanza)
    if not kinds or kinds & ~_ALL_KINDS:
        return None
    if function == _HKDF and kinds == sources.Kind.KEY_FILE and memory == iterations == lanes == 0:
        return Request(kinds, None, salt)
    argon = kdf.Argon(memory, iterations, lanes)
    if function == _ARGON2ID and argon.bounded():
        return Request(kinds, argon, salt)
    return None


def wanted(stanzas: Sequence[bytes]) -> str:
    """What opens a picture, in words: ``"passphrase and key image, or one of 2 recipients"``."""
    ways = []
    for stanza in stanzas:
        request = read_request(stanza)
        if request is not None:
            ways.append(sources.describe(request.kinds))
    count = sum(len(stanza) == RECIPIENT_BYTES for stanza in stanzas)
    if count:
        ways.append("its recipient" if count == 1 else f"one of {count} recipients")
    return ", or ".join(ways) or "a key that this version does not know"
