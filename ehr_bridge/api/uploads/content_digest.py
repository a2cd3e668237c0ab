"""The sender's digest of the bytes: `Content-Digest`, RFC 9530."""

from __future__ import annotations

import base64
import hashlib
import re

from ehr_bridge.errors import InvalidInput

CONTENT_DIGEST = "Content-Digest"
_SHA_256 = re.compile(r"(?:^|,)[ \t]*sha-256=(?::([A-Za-z0-9+/]{43}=):[ \t]*(?:$|[,;]))?")


def content_digest(data: bytes) -> str:
    """The value of the header for these bytes."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def read_content_digest(value: str | None) -> str | None:
    """The SHA-256 in a Content-Digest header, in hexadecimal; None without one. Other algorithms are ignored (RFC 9530
    section 2). Raises InvalidInput when the value is not a SHA-256."""
    found = _SHA_256.search(value) if value else None
    if found is None:
        return None
    if found[1] is None:
        fault = "write it as sha-256=:<base64>: (RFC 9530)"
        raise InvalidInput("invalid_request", f"{CONTENT_DIGEST}: {fault}.", ((CONTENT_DIGEST, fault),))
    return base64.b64decode(found[1]).hex()
