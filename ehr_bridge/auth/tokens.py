"""Tokens: made, verified once, cached, and checked again on every call.

Two kinds travel as `Authorization: Bearer`, both JWT (RFC 7519):

* a *user token*, from the EHR or our own sign-in, states who somebody is and which roles they have. Its key is the
  shared secret (HS256), or one of the EHR's public keys if it names one by `kid` (`ehr_bridge.auth.keys`);
* a *viewer token*, issued by us, states which studies somebody may view, for what and until when. It is signed with
  a key derived from the shared secret, so that neither kind passes for the other, and it must be one we issued:
  whoever knows the secret could forge the signature, but not the database row that holds its studies.

The kind follows from the header's `typ`, the key from `kid`. Each key has exactly one algorithm, whatever `alg` says;
other header fields (`jku`, `x5u`, `jwk`, `x5c`) are ignored.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.jws import numeric_date
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.auth.ports import Grants, RevocationList
from ehr_bridge.auth.signed import ALGORITHM, VIEWER_TYPE, Signed, read_signed, viewer_key
from ehr_bridge.auth.token_claims import ClaimRules, read_rights
from ehr_bridge.auth.token_faults import Expected, TokenFault, expired, faults, shown
from ehr_bridge.derived_keys import SharedSecret
from ehr_bridge.errors import NotAuthenticated

if TYPE_CHECKING:
    from ehr_bridge.auth.jwks import KeySource

VIEWER_ISSUER = "orthanc-ehr-bridge"
LAUNCHED_BY = "launched_by"
"""Claim of our own tokens: the EHR whose SMART launch made it."""
TO_EXCHANGE = "exchange"
"""Value of the claim `for`: the token opens no study, it can only be exchanged."""
NOT_VALID = "The token is not valid here; sign in again."
OF_SHARE = "share"
"""Another value of it: the token is of somebody outside, who sees one study by DICOMweb."""
OPERATIONS = {
    "view": Permission.VIEW,
    "download": Permission.DOWNLOAD,
    "annotate": Permission.ANNOTATE,
    "decide": Permission.VIEW_TO_DECIDE,
}


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What every user token must satisfy."""

    secret: str
    audience: str
    issuer: str | None = None
    claims: ClaimRules = field(default_factory=ClaimRules)
    sharing: bool = False
    """Whether tokens of people outside are good here."""
    former_secret: str | None = None
    """Another secret that is accepted while one is rotated."""

    @property
    def shared_secret(self) -> SharedSecret:
        return SharedSecret(self.secret, self.former_secret)


class TokenVerifier:
    """Turns a bearer token into a `Caller`.

    A token is verified cryptographically once and then cached by its text (bounded). Its expiry, its revocation and the
    studies of a bound token are checked on every call. All times are judged by `clock`, with five seconds of leeway
    (RFC 7519 section 4.1.4).
    """

    def __init__(
        self,
        rules: TokenRules,
        revoked: RevocationList,
        grants: Grants,
        clock: Callable[[], datetime],
        keys: KeySource | None = None,
        cache_size: int = 4096,
    ) -> None:
        self._rules = rules
        self._revoked = revoked
        self._grants = grants
        self._clock = clock
        self._keys = keys
        self._generation = 0
        self._cache: OrderedDict[str, Caller] = OrderedDict()
        self._cache_size = cache_size
        self._lock = threading.Lock()

    def verify(self, token: str) -> Caller:
        """The caller a token proves. Raises NotAuthenticated when the token is malformed, forged, expired, not yet
        valid, for another audience, or revoked."""
        if self._keys is not None and self._keys.generation != self._generation:
            self._forget()
        caller = self._cache.get(token)
        if caller is None:
            generation = self._generation
            caller = self._decode(token)
            if generation == self._generation:  # otherwise the key may have been withdrawn meanwhile
                self._remember(token, caller)
        if caller.expires_at is not None and (fault := expired(caller.expires_at, self._clock())) is not None:
            self._cache.pop(token, None)
            detail = "The token has expired; sign in again or ask for a new link."
            raise NotAuthenticated("token_expired", detail, why=fault.why)
        if caller.token_id is not None and caller.token_id in self._revoked:
            fault = TokenFault("revoked", f"the token {shown(caller.token_id)} was revoked")
            detail = "This token was revoked; sign in again or ask for a new link."
            raise NotAuthenticated("token_revoked", detail, why=fault.why)
        return caller if caller.grant is None else self._bound(token, caller, caller.grant)

    def _bound(self, token: str, caller: Caller, grant: str) -> Caller:
        """The caller with the studies that the grant covers now."""
        studies = self._grants.studies(grant)
        if studies is None:  # not used for long: treat the token as new
            caller = self._decode(token)
            self._remember(token, caller)
        elif studies is not caller.studies:
            caller = replace(caller, studies=studies)
            self._remember(token, caller)
        return caller

    def _remember(self, token: str, caller: Caller) -> None:
        with self._lock:
            self._cache[token] = caller
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)

    def _forget(self) -> None:
        """The public keys have changed: what they proved must be proved again."""
        assert self._keys is not None
        with self._lock:
            self._generation = self._keys.generation
            self._cache.clear()

    def _decode(self, token: str) -> Caller:
        try:
            signed = read_signed(token, self._rules.shared_secret, self._keys)
            for fault in faults(signed.claims, expected(signed, self._rules, self._clock())):
                raise fault
            return self._viewer(token, signed.claims) if signed.is_viewer else self._user(signed)
        except TokenFault as fault:
            raise NotAuthenticated("token_invalid", NOT_VALID, why=fault.why) from None
        except (ValueError, TypeError, KeyError, OverflowError):
            why = ("form", "a claim has a form that nobody expected")
            raise NotAuthenticated("token_invalid", NOT_VALID, why=why) from None

    def _user(self, signed: Signed) -> Caller:
        return caller_of(signed.claims, self._rules, self._grants, is_ours=signed.key_id is None)

    def _viewer(self, token: str, claims: dict[str, Any]) -> Caller:
        operations = operations_of(claims)
        is_share = claims.get("for") == OF_SHARE
        if is_share and not self._rules.sharing:
            raise TokenFault("for", "it is of a share, and sharing is off here (EHR_BRIDGE_SHARING)")
        grant = self._grants.issued(token, claims["jti"])
        if grant is None:
            raise TokenFault("grant", f"this installation issued no viewer token with the id {shown(claims['jti'])}")
        return Caller(
            subject=claims["sub"],
            name=claims["sub"],
            roles=(),
            permissions=frozenset() if claims.get("for") == TO_EXCHANGE else operations,
            expires_at=numeric_date(claims["exp"]),
            token_id=claims["jti"],
            studies=self._grants.studies(grant) or frozenset(),
            grant=grant,
            is_share=is_share,
        )


def caller_of(claims: Mapping[str, Any], rules: TokenRules, grants: Grants, *, is_ours: bool) -> Caller:
    """Who the verified claims of a user are. Raises TokenFault, KeyError, TypeError or ValueError for claims that
    cannot be read."""
    rights = read_rights(claims, rules.claims, is_ours=is_ours)
    caller = Caller(
        subject=claims["sub"],
        name=name_of(claims),
        roles=rights.roles,
        permissions=rights.permissions,
        expires_at=numeric_date(claims["exp"]) if "exp" in claims else None,
        token_id=claims.get("jti"),
        proved_at=proved_at(claims),
        launched_by=str(claims[LAUNCHED_BY]) if is_ours and LAUNCHED_BY in claims else None,
        ignored_roles=rights.ignored,
        site=rules.claims.roles,
    )
    if rights.patient is None:
        return caller
    grant = grants.of_patient(rights.patient)
    return replace(caller, grant=grant, studies=grants.studies(grant) or frozenset())


def expected(signed: Signed, rules: TokenRules, now: datetime) -> Expected:
    """What the claims of this kind of token must be."""
    return Expected(rules.audience, VIEWER_ISSUER if signed.is_viewer else rules.issuer, now)


def name_of(claims: Mapping[str, Any]) -> str:
    """The name for people. Raises TokenFault when it is no text that can be stored."""
    name = claims.get("name", claims["sub"])
    try:
        name.encode()  # fails for a lone surrogate
    except (AttributeError, UnicodeEncodeError):
        raise TokenFault("name", "the name is no text") from None
    return str(name)


def proved_at(claims: Mapping[str, Any]) -> datetime | None:
    """When the person last signed in (OpenID Connect Core section 2, `auth_time`); None where it is not said, or cannot
    be read."""
    with suppress(ValueError, TypeError, OverflowError):
        return numeric_date(claims["auth_time"]) if "auth_time" in claims else None
    return None


def operations_of(claims: Mapping[str, Any]) -> frozenset[Permission]:
    """What a viewer token allows. Raises TokenFault when it cannot be one of ours."""
    if not isinstance(claims.get("jti"), str):
        raise TokenFault("jti", "a viewer token has an id")
    try:
        return frozenset(OPERATIONS[operation] for operation in claims["operations"])
    except (KeyError, TypeError):
        raise TokenFault("operations", "these are no operations of a viewer token") from None


def digest(token: str) -> str:
    """The form in which a token or key is stored to recognise it later (SHA-256; both are random, so no salt is
    needed)."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_user_token(
    rules: TokenRules,
    *,
    subject: str,
    name: str,
    roles: Iterable[str],
    now: datetime,
    ttl: timedelta,
    token_id: str | None = None,
    proved_at: datetime | None = None,
    launched_by: str | None = None,
) -> str:
    """A user token for our own sign-in; `token_id` allows it to be revoked. `proved_at`: when the person has proved
    elsewhere who they are; `launched_by`: the EHR that says who they are."""
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
    if proved_at is not None:
        claims["auth_time"] = int(proved_at.timestamp())
    if launched_by is not None:
        claims[LAUNCHED_BY] = launched_by
    return jwt.encode(claims, rules.secret, ALGORITHM)


def make_viewer_token(
    rules: TokenRules,
    *,
    token_id: str,
    subject: str,
    operations: Iterable[str],
    now: datetime,
    expires_at: datetime,
    not_before: datetime | None = None,
    to_exchange: bool = False,
    of_share: bool = False,
) -> str:
    """A viewer token for these operations until `expires_at`. Its studies are stored under its id, not in the token.

    `to_exchange`: it opens no study itself and can only be exchanged for a token that does. `of_share`: it is of
    somebody outside.
    """
    claims: dict[str, Any] = {
        "jti": token_id,
        "sub": subject,
        "operations": sorted(operations),
        "aud": rules.audience,
        "iss": VIEWER_ISSUER,
        "iat": now,
        "exp": expires_at,
        "nonce": secrets.token_urlsafe(9),
    }
    if not_before is not None:
        claims["nbf"] = not_before
    if to_exchange:
        claims["for"] = TO_EXCHANGE
    if of_share:
        claims["for"] = OF_SHARE
    return jwt.encode(claims, viewer_key(rules.secret), ALGORITHM, headers={"typ": VIEWER_TYPE})
