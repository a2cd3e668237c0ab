"""What is wrong with a token, in words: for the log, the audit trail and `ehr-bridge check-token`, never for an answer.

One list of checks serves both: the verifier stops at the first fault, the command shows all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ehr_bridge.auth.jws import numeric_date

LEEWAY = timedelta(seconds=5)
"""How far clocks may differ (RFC 7519 section 4.1.4)."""
MOST_OF_SUBJECT = 255
MOST_SHOWN = 80
"""Most characters of a token's own value that are repeated."""
FAULTS: Mapping[str, str] = {
    "form": "it is no JWS in its compact form, or its header or payload is not a JSON object",
    "alg": "its header names another algorithm than its key has",
    "kid": "it names a key that is not among the EHR's public keys",
    "signature": "the signature does not fit the key",
    "aud": "it is meant for another audience, or for none",
    "iss": "another issuer made it than `EHR_BRIDGE_JWT_ISSUER` says",
    "sub": "it does not say who is calling",
    "exp": "it has expired, or has no expiry",
    "nbf": "it is not valid yet",
    "iat": "it was issued in the future",
    "jti": "its id is not a text, or a viewer token has none",
    "name": "the name is not a text",
    "roles": "the roles are not a list of strings, or not where `EHR_BRIDGE_JWT_ROLES_CLAIM` says",
    "scope": "the scope is not a text, or a patient's scope comes without a patient",
    "operations": "a viewer token names an operation that does not exist",
    "grant": "it has the form of a viewer token, but this installation did not issue it",
    "revoked": "it was revoked",
    "active": "the EHR's authorization server does not know it, or no longer",
    "key": "it has the form of a service key, and nobody made it",
    "scheme": "the header `Authorization` begins with another word than `Bearer`",
}
"""Every fault, by the claim or part that has it; docs/audit.md shows this table."""


class TokenFault(ValueError):
    """One thing that is wrong with a token: the claim or part (a key of `FAULTS`), and what is the matter with it.
    What it says of the token's own values is quoted and short."""

    def __init__(self, claim: str, said: str) -> None:
        super().__init__(f"{claim}: {said}")
        self.claim = claim
        self.said = said

    @property
    def why(self) -> tuple[str, str]:
        return self.claim, self.said


class Expected(NamedTuple):
    """What the claims of a token are compared with."""

    audience: str
    issuer: str | None
    now: datetime


def faults(claims: Mapping[str, Any], expected: Expected) -> Iterator[TokenFault]:
    """All that is wrong with the claims of a signed token (RFC 7519 section 4.1), except that it may have expired."""
    for claim, check in CHECKS:
        try:
            said = check(claims, expected)
        except (ValueError, TypeError, OverflowError):
            said = f"{shown(claims.get(claim))} is no point in time between the years 1 and 9999"
        if said is not None:
            yield TokenFault(claim, said)


def expired(expires_at: datetime, now: datetime) -> TokenFault | None:
    """The fault of a token that has ended; None while it has not."""
    if expires_at > now - LEEWAY:
        return None
    return TokenFault(
        "exp", f"it expired {duration(now - expires_at)} ago ({moment(expires_at)}; here it is {moment(now)})"
    )


def shown(value: object) -> str:
    """A value of the token as JSON in ASCII, cut to a line that does no harm in a log."""
    text = json.dumps(value, default=str)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def duration(length: timedelta) -> str:
    """A length of time in words, rounded down: `3 hours 20 minutes`."""
    seconds = int(abs(length).total_seconds())
    found = []
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            found.append(f"{count} {unit}" + ("s" if count > 1 else ""))
    return " ".join(found[:2]) or "less than a second"


def moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _audience(claims: Mapping[str, Any], expected: Expected) -> str | None:
    given = claims.get("aud")
    named = [given] if isinstance(given, str) else given
    if isinstance(named, list) and all(isinstance(one, str) for one in named) and expected.audience in named:
        return None
    said = f"the token is for {shown(given)}" if given else "the token names no audience"
    return f"{said}; this installation takes {shown(expected.audience)} (EHR_BRIDGE_JWT_AUDIENCE)"


def _issuer(claims: Mapping[str, Any], expected: Expected) -> str | None:
    given = claims.get("iss")
    if expected.issuer is None or (isinstance(given, str) and given == expected.issuer):
        return None
    said = f"the token is from {shown(given)}" if given else "the token names no issuer"
    return f"{said}; this installation takes {shown(expected.issuer)}"


def _subject(claims: Mapping[str, Any], _: Expected) -> str | None:
    given = claims.get("sub")
    if isinstance(given, str) and 0 < len(given) <= MOST_OF_SUBJECT and given.isprintable():
        return None
    return f"it must be a text of 1 to {MOST_OF_SUBJECT} printable characters that says who is calling"


def _expiry(claims: Mapping[str, Any], _: Expected) -> str | None:
    if claims.get("exp") is None:
        return "the token has no expiry; write one, in seconds since 1970-01-01"
    numeric_date(claims["exp"])
    return None


def _begins(claim: str) -> Callable[[Mapping[str, Any], Expected], str | None]:
    def check(claims: Mapping[str, Any], expected: Expected) -> str | None:
        if claim not in claims or (begins := numeric_date(claims[claim])) <= expected.now + LEEWAY:
            return None
        ahead = duration(begins - expected.now)
        return f"it lies {ahead} ahead ({moment(begins)}; here it is {moment(expected.now)}): compare the clocks"

    return check


def _token_id(claims: Mapping[str, Any], _: Expected) -> str | None:
    return None if isinstance(claims.get("jti", ""), str) else "an id is a text"


CHECKS: tuple[tuple[str, Callable[[Mapping[str, Any], Expected], str | None]], ...] = (
    ("aud", _audience),
    ("iss", _issuer),
    ("sub", _subject),
    ("exp", _expiry),
    ("nbf", _begins("nbf")),
    ("iat", _begins("iat")),
    ("jti", _token_id),
)
