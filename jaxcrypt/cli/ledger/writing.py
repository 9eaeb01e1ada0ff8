"""Subcommands that add to a ledger: init, publish, rotate, revoke."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from jaxcrypt.cli.command import one_line
from jaxcrypt.cli.ledgerflags import open_client, policy_path
from jaxcrypt.cli.output import write_whole
from jaxcrypt.crypto import recipients, signing, textfile
from jaxcrypt.crypto.ledger import entries, log, names, note, places, proof, trust, witness
from jaxcrypt.crypto.ledger.entries import Entry, Kind
from jaxcrypt.errors import ExitCode, Refusal, usage

WITNESSES = "witnesses"
_REQUEST_BYTES = 1 << 16
Told = tuple[Entry, Mapping[bytes, bytes]]  # an entry, and by digest what it names


def init(args: Namespace) -> int:
    """Make a ledger: a folder to serve, one to keep, and the policy that clients need."""
    folder = Path(args.folder)
    target = policy_path(args.folder)
    if target.exists():
        raise Refusal(f"{target}: is there already; name a new folder")
    signers = log.create(folder, args.origin)
    named: dict[str, list[note.Verifier]] = {}
    private = log.private_folder(folder)
    if not args.no_witness:
        watcher = private / "witness"
        named["witness"] = witness.create(watcher, f"{args.origin}/witness")
        witness.Witness(watcher).learn([each.verifier() for each in signers if each.kind == note.MLDSA44])
    listed = [str(Path("witness"))] * bool(named) + args.witness
    places.put(private / WITNESSES, "".join(f"{line}\n" for line in listed).encode())
    verifiers = {each.kind: each.verifier().text() for each in signers}
    comment = f"trusts the ledger {args.origin}; for programs without ML-DSA: log {verifiers[note.ED25519]}"
    trusted = f"{verifiers[note.MLDSA44]} {args.url}" if args.url else verifiers[note.MLDSA44]
    policy = trust.write([trusted], named, comment).encode()
    write_whole(target, lambda file: file.write(policy), False, 0o644)
    print(f"{folder}: the ledger {one_line(args.origin)}; serve this folder, and nothing else")
    print(f"{private}: its private keys; keep it secret, and keep a copy")
    print(f"{target}: give it to whoever shall trust the ledger (--ledger-policy)")
    if named and not args.witness:
        add(folder, [])  # witnessed from the start; others must be told of the log first
    if named:
        print("its witness is on this machine: move one elsewhere before others rely on it (docs/LEDGER.md)")
    return ExitCode.OK


def publish(args: Namespace, weights: Sequence[Path]) -> int:
    """Add what was named, and show the newest checkpoint to clients, cosigned anew."""
    named = args.name is not None
    if named != (args.key is not None) or named != (args.owner is not None):
        raise usage("--name, --key and --owner go together: whose key, which, and who may change it")
    told: list[Told] = [_first_key(args.name, args.key, args.owner)] if named else []
    told += [_read_request(Path(path)) for path in args.request]
    with log.opened(Path(args.folder)) as ledger:
        told += [(entry, {}) for entry in map(_weights, weights) if not _logged(ledger, entry)]
        _append(ledger, told)
    return ExitCode.OK


def change(args: Namespace) -> int:
    """Rotate or revoke a name's key, signed by its owner: in the log, or as a request to whoever runs it."""
    owner = signing.read_signer(args.owner)
    public = recipients.read_recipient(args.key).public if args.command == "rotate" else None
    if args.out is None:
        with log.opened(Path(args.folder)) as ledger:
            told = _change(args.name, public, owner, ledger.state(args.name), ledger.origin)
            _append(ledger, [told])
        return ExitCode.OK
    client = open_client(args.folder, args.policy, None)
    try:
        origin = client.refresh().head.origin
        entry, named = _change(args.name, public, owner, client.state(args.name), origin)
    finally:
        client.close()
    packed = proof.pack([entry.encode(), *named.values()])
    write_whole(Path(args.out), lambda file: file.write(packed), args.force)
    print(f"{args.out}: send it to whoever runs the ledger: ledger publish FOLDER --request {args.out}")
    return ExitCode.OK


def add(folder: Path, told: Sequence[Told]) -> None:
    """Append entries with what they name, let the log's witnesses cosign, and say so."""
    with log.opened(folder) as ledger:
        _append(ledger, told)


def _append(ledger: log.Log, told: Sequence[Told]) -> None:
    if told:
        blobs = {digest: data for _, named in told for digest, data in named.items()}
        first = ledger.append([entry.encode() for entry, _ in told], blobs)
        for at, (entry, _) in enumerate(told, first):
            print(f"entry {at}: {entry.words()}")
    seen = ledger.publish(witnesses(ledger.folder))
    count = len(note.decode(seen).signatures)
    print(f"{ledger.folder}: {ledger.head.size} entries, {count} signatures on its checkpoint")


def _change(
    name: str, public: bytes | None, owner: signing.Signer, state: names.State | None, origin: str
) -> Told:
    """The entry that gives a name the key ``public``, or revokes the one that it has; signed by its owner."""
    if state is None:
        raise usage(f"{name}: no such name in the ledger {origin}")
    kind = Kind.REVOKE if public is None else Kind.ROTATE
    digest = state.entry.digest if public is None else entries.digest(public)
    entry = Entry(kind, name, digest, previous=state.last)
    signature = owner.sign(entry.signed(origin))
    entry = replace(entry, signature=entries.digest(signature))
    return entry, {entry.signature: signature} | ({} if public is None else {digest: public})


def witnesses(folder: Path) -> list[witness.Cosigner]:
    """The witnesses that a log asks: lines of its private file ``witnesses``, folders or URLs."""
    private = log.private_folder(folder)
    path = private / WITNESSES
    lines = path.read_text().split("\n") if path.exists() else []
    lines = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return [
        witness.RemoteWitness(line) if places.is_url(line) else witness.Witness(private / line)
        for line in lines
    ]


def check_new(folder: Path, name: str) -> None:
    """Refuse a name that cannot be published there, before any key is made.

    Raises:
      Refusal: no ledger that is written here, or the name is taken.
    """
    if places.is_url(str(folder)):
        raise usage(f"{folder}: whoever runs it adds your key: jaxcrypt ledger publish; send them FILE.pub")
    entries.check_name(name)
    with log.opened(folder) as ledger:
        if ledger.names.knows(name):
            raise usage(f"{name}: that name is taken in {folder}")


def first_key(name: str, public: bytes, verifier: bytes) -> Told:
    """The entry that gives a name its first key, with what it names."""
    entry = Entry(Kind.KEY, entries.check_name(name), entries.digest(public), entries.digest(verifier))
    return entry, {entry.digest: public, entry.owner: verifier}


def _first_key(name: str, key: str, owner: str) -> Told:
    sizes = {signing.PUBLIC_FILE: signing.PUBLIC_BYTES, signing.PRIVATE_FILE: signing.PRIVATE_BYTES}
    kind, body = textfile.read(owner, sizes)
    verifier = signing.Verifier(body) if kind == signing.PUBLIC_FILE else signing.Signer(body).verifier()
    return first_key(name, recipients.read_recipient(key).public, verifier.public)


def _weights(path: Path) -> Entry:
    return Entry(Kind.WEIGHTS, entries.check_name(path.name), entries.digest(path.read_bytes()))


def _logged(ledger: log.Log, weights: Entry) -> bool:
    return any(entry == weights for _, entry in ledger.names.history(weights.name, weights=True))


def _read_request(path: Path) -> Told:
    try:
        entry, *named = proof.unpack(textfile.read_bounded(path, _REQUEST_BYTES))
        return entries.decode(entry), {entries.digest(data): data for data in named}
    except entries.Malformed as reason:
        raise Refusal(f"{path}: not a request to a ledger ({reason})") from None
