"""Tokens: made, verified once, remembered, and re-judged on every call.

Two kinds travel as `Authorization: Bearer`, both JWT (RFC 7519) signed with HS256:

* a *user token*, from the EHR or our own sign-in, states who somebody is and which roles they have;
* a *viewer token*, made by us, states which studies somebody may see until when. It is signed with a key derived
  from the shared secret, so that one kind cannot be taken for the other, and it must be one we issued: who knows the
  secret could make the signature, but not the row that lists and revokes it.

The kind is chosen by the header's `typ`; each kind has exactly one key and one algorithm, whatever `alg` says.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import jwt

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission, permissions_of
from ehr_bridge.errors import NotAuthenticated

ALGORITHM = "HS256"
VIEWER_TYPE = "viewer+jwt"
VIEWER_ISSUER = "orthanc-ehr-bridge"
LEEWAY = timedelta(seconds=5)
OPERATIONS = {"view": Permission.VIEW, "download": Permission.DOWNLOAD, "annotate": Permission.ANNOTATE}


class RevocationList(Protocol):
    """Answers whether a token was taken back, without a database look-up per call."""

    def __contains__(self, token_id: object, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What every user token must satisfy."""

    secret: str
    audience: str
    issuer: str | None = None


class TokenVerifier:
    """Turns a bearer token into a `Caller`.

    A token is verified cryptographically once and then remembered by its text (bounded); its expiry and revocation
    are looked at on every call. All times are judged by `clock`, with a leeway of five seconds (RFC 7519 4.1.4).
    """

    def __init__(
        self,
        rules: TokenRules,
        revoked: RevocationList,
        is_issued: Callable[[str], bool],
        clock: Callable[[], datetime],
        cache_size: int = 4096,
    ) -> None:
        self._rules = rules
        self._viewer_key = viewer_key(rules.secret)
        self._revoked = revoked
        self._is_issued = is_issued
        self._clock = clock
        self._cache: OrderedDict[str, Caller] = OrderedDict()
        self._cache_size = cache_size
        self._lock = threading.Lock()

    def verify(self, token: str) -> Caller:
        """The caller a token proves. `is_issued` is asked once per viewer token.

        Raises:
            NotAuthenticated: the token is malformed, forged, expired, not yet valid, for somebody else, or revoked.
        """
        caller = self._cache.get(token)
        if caller is None:
            caller = self._decode(token)
            with self._lock:
                self._cache[token] = caller
                while len(self._cache) > self._cache_size:
                    self._cache.popitem(last=False)
        if caller.expires_at is not None and caller.expires_at + LEEWAY <= self._clock():
            self._cache.pop(token, None)
            raise NotAuthenticated("token_expired", "The token has expired; sign in again or ask for a new link.")
        if caller.token_id is not None and caller.token_id in self._revoked:
            raise NotAuthenticated("token_revoked", "This token was taken back; sign in again or ask for a new link.")
        return caller

    def _decode(self, token: str) -> Caller:
        try:
            if jwt.get_unverified_header(token).get("typ") == VIEWER_TYPE:
                return self._viewer(token)
            return self._user(token)
        except (jwt.InvalidTokenError, ValueError, TypeError, KeyError, OverflowError):
            raise NotAuthenticated("token_invalid", "The token is not valid here; sign in again.") from None

    def _user(self, token: str) -> Caller:
        claims = self._claims(token, self._rules.secret, self._rules.issuer)
        roles = claims.get("roles", [])
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            raise ValueError("roles is a list of strings")
        name = claims.get("name", claims["sub"])
        if not isinstance(name, str):
            raise ValueError("name is a string")
        token_id = claims.get("jti")
        return Caller(
            subject=claims["sub"],
            name=name,
            roles=tuple(roles),
            permissions=permissions_of(roles),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            token_id=token_id if isinstance(token_id, str) else None,
        )

    def _viewer(self, token: str) -> Caller:
        claims = self._claims(token, self._viewer_key, VIEWER_ISSUER)
        if not self._is_issued(token):
            raise ValueError("not one of ours")
        return Caller(
            subject=claims["sub"],
            name=claims["sub"],
            roles=(),
            permissions=frozenset(OPERATIONS[operation] for operation in claims["operations"]),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            token_id=claims["jti"],
            studies=frozenset(claims["studies"]),
        )

    def _claims(self, token: str, key: str, issuer: str | None) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=self._rules.audience,
            issuer=issuer,
            options={"require": ["exp", "sub", "aud"], "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
        if not claims["sub"]:
            raise ValueError("sub is empty")
        for begins in ("nbf", "iat"):
            if begins in claims and datetime.fromtimestamp(claims[begins], UTC) > self._clock() + LEEWAY:
                raise ValueError(f"{begins} lies ahead")
        return claims


def digest(token: str) -> str:
    """What is kept of a token or key that must be recognised later (SHA-256; both are random, so no salt is needed)."""
    return hashlib.sha256(token.encode()).hexdigest()


def viewer_key(secret: str) -> str:
    """The key of viewer tokens, derived from the shared secret (HMAC-SHA-256 as in RFC 5869, expand step)."""
    return hmac.new(secret.encode(), b"orthanc-ehr-bridge viewer token\x01", hashlib.sha256).hexdigest()


def make_user_token(
    rules: TokenRules,
    *,
    subject: str,
    name: str,
    roles: Iterable[str],
    now: datetime,
    ttl: timedelta,
    token_id: str | None = None,
) -> str:
    """A user token as our own sign-in gives it; `token_id` lets it be taken back."""
    claims: dict[str, Any] = {
        "sub": subject,
        "name": name,
        "roles": list(roles),
        "aud": rules.audience,
        "iss": rules.issuer or VIEWER_ISSUER,
        "iat": now,
        "exp": now + ttl,
    }
    if token_id is not None:
        claims["jti"] = token_id
    return jwt.encode(claims, rules.secret, ALGORITHM)


def make_viewer_token(
    rules: TokenRules,
    *,
    token_id: str,
    subject: str,
    studies: Iterable[str],
    operations: Iterable[str],
    now: datetime,
    expires_at: datetime,
) -> str:
    """A token that opens these studies for these operations until then, and nothing else."""
    claims = {
        "jti": token_id,
        "sub": subject,
        "studies": sorted(studies),
        "operations": sorted(operations),
        "aud": rules.audience,
        "iss": VIEWER_ISSUER,
        "iat": now,
        "exp": expires_at,
    }
    return jwt.encode(claims, viewer_key(rules.secret), ALGORITHM, headers={"typ": VIEWER_TYPE})
