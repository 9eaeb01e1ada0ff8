"""TLS certificates. Claims rest on the signed transcript: TLS hides who talks, and binds connections.

A receiver makes its own certificate; a sender pins whichever it is shown first to the session, and the
receiver's signature over its digest tells whether somebody stands between.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jaxcrypt.cli.output import write_whole
from jaxcrypt.errors import ExitCode, Refusal

_YEARS = 10
_DAY = datetime.timedelta(days=1)


def own_certificate(path: Path) -> None:
    """Make a self-signed certificate (P-256) with its key in one PEM file, unless it is there."""
    if path.exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jaxcrypt receiver")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 365 * _YEARS * _DAY)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = private + made.public_bytes(serialization.Encoding.PEM)
    write_whole(path, lambda file: file.write(pem), force=False, mode=0o600)


def serving(certificate: Path, key: Path | None = None) -> tuple[ssl.SSLContext, bytes]:
    """``(context, SHA-256 of the certificate)`` of a receiver.

    Args:
      certificate: PEM, with its chain if it has one; key: PEM, or None where it stands in the same file.

    Raises:
      Refusal: a file that is none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(certificate, key)
        (first, *_) = x509.load_pem_x509_certificates(certificate.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise Refusal(f"{certificate}: no certificate with its key ({reason})") from None
    return context, hashlib.sha256(first.public_bytes(serialization.Encoding.DER)).digest()


def asking() -> ssl.SSLContext:
    """The context of a sender: any certificate, for the transcript says whose it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def shown(host: str, port: int, seconds: float) -> bytes:
    """SHA-256 of the certificate that a server shows.

    Raises:
      OSError, ssl.SSLError, TimeoutError: it cannot be reached.
      Refusal: it shows none.
    """
    async with asyncio.timeout(seconds):
        _, writer = await asyncio.open_connection(host, port, ssl=asking())
        try:
            certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        finally:
            writer.transport.abort()
    if not certificate:
        raise Refusal(f"{host}:{port}: shows no certificate", ExitCode.FAILED)
    return hashlib.sha256(certificate).digest()
