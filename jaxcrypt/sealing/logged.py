"""What a sealed picture's proofs of a key ledger show: keys that were logged and witnessed at the time.

The proofs stand in the header's encrypted part, so they are for whoever opens the picture. Whose key a stanza
was made for shows to nobody but that key's holder: to others a proof tells what the sealer says, under the
header's MAC and a signature if there is one.
"""

from __future__ import annotations

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.crypto.ledger import entries, proof, trust
from jaxcrypt.crypto.ledger.entries import Kind
from jaxcrypt.crypto.sealed import Opened
from jaxcrypt.errors import tampered, unlogged
from jaxcrypt.sealing import extras

UNCHECKED = "carries a proof of a key ledger, not checked: --ledger-policy FILE"


def check(opened: Opened, keyring: Keyring, policy: trust.Policy) -> list[proof.Logged]:
    """What the proofs show: that of the key that opened the picture first, where an identity did.

    Raises:
      Refusal: (LEDGER) no proof, a forged one, or none of the key that opened; (TAMPERED) malformed ones.
    """
    shown = [proof.check(each, policy, opened.source) for each in proofs(opened)]
    if not shown:
        raise unlogged(f"{opened.source}: carries no proof of a key ledger")
    if any(each.entry.kind not in (Kind.KEY, Kind.ROTATE) for each in shown):
        raise unlogged(f"{opened.source}: its ledger proof is of an entry that gives nobody a key")
    recipient = keyring.recipient(opened.header.stanzas, opened.key.secret)
    if recipient is None:
        return shown
    own = [each for each in shown if each.entry.digest == entries.digest(recipient.public)]
    if not own:
        raise unlogged(f"{opened.source}: its ledger proof is of another key than the one that opens it")
    return own + [each for each in shown if each not in own]


def words(opened: Opened, keyring: Keyring, policy: trust.Policy | None) -> tuple[str, ...]:
    """What to say of the proofs, a line each; without a policy that they are there, or nothing.

    Raises:
      Refusal: as :func:`check`, with a policy.
    """
    if policy is None:
        return (UNCHECKED,) if proofs(opened) else ()
    return tuple(each.words() for each in check(opened, keyring, policy))


def proofs(opened: Opened) -> list[bytes]:
    """The proofs in the header, none of them verified."""
    more, _ = extras.split(opened.side, opened.header.original, opened.source)
    try:
        return proof.unpack(more.ledger) if more.ledger else []
    except Malformed as reason:
        raise tampered(f"{opened.source}: its header does not fit ({reason})") from None
