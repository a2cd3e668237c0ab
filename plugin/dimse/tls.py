"""TLS on the port of MPPS, with certificates on both sides (PS3.15 annex B, BCP 195)."""

from __future__ import annotations

import ssl

from ehr_bridge.network_settings import MppsTls


def context_of(tls: MppsTls) -> ssl.SSLContext:
    """For TLS 1.2 and later. Raises OSError, of which ssl.SSLError is one, when a file cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    context.load_verify_locations(tls.clients)
    return context


def problem_with(tls: MppsTls) -> str | None:
    """What is wrong with the files, with the variable to look at; None when they can be used together."""
    for variable, path in tls.by_variable.items():
        if not path.is_file():
            return f"{variable}: there is no file {path}"
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            return f"{variable}: {path} cannot be read: {error.strerror}"
    certificate, key, clients = tls.by_variable
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except (OSError, ValueError):
        return f"{certificate}, {key}: not a certificate and its private key, in PEM form and without a password"
    try:
        context.load_verify_locations(tls.clients)
    except OSError:
        return f"{clients}: no certificates of authorities in PEM form"
    return None


def _no_password() -> str:
    """Instead of asking the terminal."""
    raise ValueError("the key has a password")
