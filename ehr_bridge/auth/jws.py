"""The outer form of a token (JWS, RFC 7515), before and beside what PyJWT does with it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from jwt.algorithms import HMACAlgorithm
from jwt.utils import base64url_decode, base64url_encode

from ehr_bridge.shallow_json import loads, require_shallow


def require_strict(token: str) -> None:
    """Look at a token's three parts before PyJWT does, which overlooks strange characters.

    Raises:
        ValueError: they are not three, one is not the base64url of its bytes without padding (RFC 7515 section 2), or
            one of the two that are JSON nests too deep.
    """
    parts = token.split(".")
    contents = [base64url_decode(part) for part in parts]
    if len(parts) != 3 or [base64url_encode(content).decode() for content in contents] != parts:
        raise ValueError("not a JWS in its compact form")
    for content in contents[:2]:
        require_shallow(content)


def numeric_date(seconds: float) -> datetime:
    """A NumericDate (RFC 7519 section 2).

    Raises:
        ValueError, TypeError, OverflowError: it is none, or no year from 1 to 9999.
    """
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except OSError:
        raise ValueError("no calendar has this date") from None


class KnownSecrets(HMACAlgorithm):
    """HMAC that looks at a secret once: PyJWT asks for every token anew whether its secret is a public key by mistake,
    which takes longer than the signature. Secrets are the deployer's, never a token's, so there are few."""

    def __init__(self, hash_alg: Any) -> None:
        super().__init__(hash_alg)
        self._seen: dict[str | bytes, bytes] = {}

    def prepare_key(self, key: str | bytes) -> bytes:
        """The key to sign and verify with. Raises InvalidKeyError, as PyJWT does."""
        prepared = self._seen.get(key)
        if prepared is None:
            prepared = self._seen[key] = super().prepare_key(key)
        return prepared


class Header(NamedTuple):
    """What a token says of itself: which key it claims to be signed with. Nothing else is believed of it."""

    type: object
    key_id: str | None


@lru_cache(maxsize=64)
def read_header(encoded: str) -> Header:
    """Tokens of one sender have one header, so it is read once; verifying a token reads it again.

    Raises:
        ValueError: it is none.
    """
    header = loads(base64url_decode(encoded))
    if not isinstance(header, dict) or not isinstance(header.get("kid"), str | None):
        raise ValueError("a header is an object, and names a key by a text (RFC 7515 section 4.1.4)")
    if "crit" in header:
        raise ValueError("critical extensions are not understood (RFC 7515 section 4.1.11)")
    return Header(header.get("typ"), header.get("kid"))
