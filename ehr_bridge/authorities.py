"""Certificates of authorities that somebody gives us, in PEM: judged when given, and trusted for one server."""

from __future__ import annotations

import re
import ssl
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

MOST = 20
"""Certificates; a hospital's own authority with those between it and the server are three."""


def fault_of(pem: str, now: datetime) -> str | None:
    """What is wrong with these certificates, for whoever gave them; None where they can be used."""
    if "PRIVATE KEY" in pem:
        return "this has a private key, which must stay where it is: give the certificates alone"
    blocks = re.findall(r"-----BEGIN ([A-Z0-9 ]+)-----", pem)
    if not blocks or set(blocks) != {"CERTIFICATE"}:
        return "certificates in PEM: each begins with -----BEGIN CERTIFICATE-----"
    if len(blocks) > MOST:
        return f"at most {MOST} certificates"
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        trusting(pem)
    except (ValueError, ssl.SSLError, x509.UnsupportedGeneralNameType, x509.DuplicateExtension):
        return "one of these certificates cannot be read: copy it again, whole"
    for number, one in enumerate(found, 1):
        if (why := _fault_of_one(one, now)) is not None:
            return f"certificate {number} ({_name(one)}) {why}"
    return None


@lru_cache(maxsize=64)
def trusting(pem: str | None) -> ssl.SSLContext:
    """For a client that trusts these authorities and no others; None: those that the machine trusts. Certificates are
    always verified, and the server's name with them.

    Raises ValueError or ssl.SSLError.
    """
    context = ssl.create_default_context(cadata=pem)
    if (
        pem is not None
    ):  # one that was made by hand often lacks what RFC 5280 wants of an authority besides its signature
        context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    return context


def _fault_of_one(one: x509.Certificate, now: datetime) -> str | None:
    try:
        is_authority = one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        is_authority = one.version == x509.Version.v1 and one.issuer == one.subject
    if not is_authority:
        return "is a server's: give the certificate of the authority that has signed it"
    if one.not_valid_after_utc <= now:
        return f"has expired on {one.not_valid_after_utc.date()}"
    return None


def _name(one: x509.Certificate) -> str:
    found = one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    said = str(found[0].value) if found else one.subject.rfc4514_string()
    return "".join(c if c.isprintable() else " " for c in said)[:100] or "without a name"
