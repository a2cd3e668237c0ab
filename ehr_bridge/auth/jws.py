"""The outer form of a token (JWS, RFC 7515): checks that PyJWT does not make."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from jwt.utils import base64url_decode, base64url_encode

from ehr_bridge.shallow_json import loads, require_shallow


def require_strict(token: str) -> None:
    """Check a token's three parts before PyJWT, which overlooks invalid characters. Raises ValueError when there are
    not three, one is not unpadded base64url (RFC 7515 section 2), or the header or payload nests too deep."""
    parts = token.split(".")
    contents = [base64url_decode(part) for part in parts]
    if len(parts) != 3 or [base64url_encode(content).decode() for content in contents] != parts:
        raise ValueError("not a JWS in its compact form")
    for content in contents[:2]:
        require_shallow(content)


def numeric_date(seconds: float) -> datetime:
    """A NumericDate (RFC 7519 section 2). Raises ValueError, TypeError or OverflowError when it is none, or its year is
    not from 1 to 9999."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except OSError:
        raise ValueError("no calendar has this date") from None


class Header(NamedTuple):
    """What a token's header claims: the key it is signed with. Nothing else in it is trusted."""

    type: object
    key_id: str | None
    algorithm: object = None
    """For saying what is wrong, never for choosing one."""


@lru_cache(maxsize=64)
def read_header(encoded: str) -> Header:
    """The header of a token. Cached, because all tokens of one sender share it. Raises ValueError when it is not
    one."""
    header = loads(base64url_decode(encoded))
    if not isinstance(header, dict) or not isinstance(header.get("kid"), str | None):
        raise ValueError("a header is an object, and names a key by a text (RFC 7515 section 4.1.4)")
    if "crit" in header:
        raise ValueError("critical extensions are not understood (RFC 7515 section 4.1.11)")
    return Header(header.get("typ"), header.get("kid"), header.get("alg"))
