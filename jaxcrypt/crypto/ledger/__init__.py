"""The key ledger: an append-only log of what may be public about keys, that anybody can check.

A Merkle tree (RFC 6962) in tiles (C2SP tlog-tiles), whose head is a signed and witnessed checkpoint. It
holds commitments to recipients' public keys, their rotations and revocations, and digests of weights; never
secrets, pictures or key images. docs/LEDGER.md has the format and says against whom it helps.

``merkle`` and ``tiles`` are the tree; ``note``, ``checkpoint`` and ``trust`` who signed it; ``entries`` and
``names`` what it says; ``log`` writes it, ``witness`` watches it, ``client`` reads it, ``proof`` travels in
pictures, ``anchor`` puts its roots on a chain.
"""

MAX_AGE_DAYS = 7.0  # since witnesses saw a checkpoint, where nobody says otherwise
