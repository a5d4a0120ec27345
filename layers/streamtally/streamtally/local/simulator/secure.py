"""TLS, for clients that speak nothing else, and what to say when one end speaks it and the other does not.

Fluent Bit's output ``kinesis_firehose`` always uses TLS and verifies the certificate, for example.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from streamtally.errors import SettingsError

HANDSHAKE = b"\x16\x03"
"""The first bytes of a TLS connection: a record of type handshake of SSL 3.0 or later (RFC 8446, section 5.1)."""
SPOKE_TLS = "a client speaks TLS, but this endpoint is http:// (see --tls-certificate)"
LEFT = "a client ended its TLS connection before a request: it may not trust the certificate"
"""A client need not say why (RFC 8446, section 6.2): Node.js, for example, does not."""
PLAIN_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 26\r\nConnection: close\r\n\r\n"
    b"this endpoint is http://\r\n"
)


def load_certificate(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What a server with a certificate needs; None without one.

    Args:
        certificate: a PEM file, with the certificates that lead to its issuer, if it is not self-signed.
        key: a PEM file with the private key; None: it is in the certificate's file.

    Raises: SettingsError: a file cannot be read or used, or the key is encrypted.
    """
    if certificate is None:
        if key is not None:
            raise SettingsError("--tls-key needs --tls-certificate")
        return None
    for option, path in (("--tls-certificate", certificate), ("--tls-key", key)):
        if path is not None:
            _check_readable(option, path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    where = f"--tls-key {key}" if key else f"--tls-certificate {certificate}"
    try:
        # Without a password here, OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise SettingsError(f"{where}: does not belong to the certificate") from None
        raise SettingsError(
            f"{where}: no certificate with its unencrypted private key in PEM ({error.reason or 'unreadable'})"
        ) from None
    return context


def handshake_problem(error: ssl.SSLError) -> str:
    """Why a TLS connection was not made, for the one who configures the client."""
    reason = error.reason or type(error).__name__
    if reason == "HTTP_REQUEST":
        return "a client speaks plain HTTP, but this endpoint is https://"
    if "UNKNOWN_CA" in reason or "CERTIFICATE" in reason:
        return f"a client does not accept the certificate ({reason}): give it to the client as one to trust"
    return f"a TLS connection could not be made ({reason})"


def _check_readable(option: str, path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{option} {path}: cannot be read: {error.strerror}") from None
