"""Turns an `Authorization` header into a `Caller`. Every door authenticates here."""

from __future__ import annotations

import binascii
import hmac
from contextlib import suppress
from typing import Protocol

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.introspection import is_opaque
from ehr_bridge.auth.permissions import Roles
from ehr_bridge.auth.tokens import TokenVerifier
from ehr_bridge.errors import NotAuthenticated, Unavailable

KEY_PREFIX = "ehrk_"
"""Prefix of service account keys; no JWT begins like this."""
MOST_CHARACTERS = 12_000
"""Longest `Authorization` header. Orthanc's server silently drops requests with more than 16 KiB of headers."""


class KeyRing(Protocol):
    """The keys of service accounts; opaque tokens are asked for alike."""

    def verify(self, key: str) -> Caller:
        """Raises NotAuthenticated."""
        ...


class Authenticator:
    """Accepts `Bearer` tokens and keys, and `Basic` for the deployer's service account if there is one (RFC 6750,
    RFC 7617)."""

    def __init__(
        self,
        verifier: TokenVerifier,
        service_account: tuple[str, str] | None,
        keys: KeyRing | None = None,
        roles: Roles | None = None,
        opaque: KeyRing | None = None,
    ) -> None:
        """`opaque`: who knows tokens that are no JWT, if anybody."""
        self._verifier = verifier
        self._service_account = service_account
        self._keys = keys
        self._roles = roles or Roles()
        self._opaque = opaque

    def authenticate(self, authorization: str | None) -> Caller:
        """The caller behind the header. Raises NotAuthenticated when there is no header, or it proves nothing, and
        Unavailable when nobody can be asked. A bad token is never treated as no token."""
        if not authorization:
            raise NotAuthenticated("token_missing", "Sign in first: send 'Authorization: Bearer <token>'.")
        if len(authorization) > MOST_CHARACTERS:
            raise NotAuthenticated("token_too_large", f"The token is longer than {MOST_CHARACTERS} characters.")
        scheme, _, credentials = authorization.partition(" ")
        scheme = scheme.lower()
        if scheme == "bearer":
            credentials = credentials.strip()
            if self._keys is not None and credentials.startswith(KEY_PREFIX):
                return self._keys.verify(credentials)
            if self._opaque is not None and credentials and is_opaque(credentials):
                return self._opaque.verify(credentials)
            return self._verifier.verify(credentials)
        if scheme == "basic" and self._service_account is not None:
            return self._basic(credentials.strip(), *self._service_account)
        said = "another way to sign in" if credentials else "one word alone; write Bearer and a blank before the token"
        why = ("scheme", said)  # the word itself may be a secret that came without its scheme
        raise NotAuthenticated("token_invalid", "Use 'Authorization: Bearer <token>'.", why=why)

    def expect(self, token: str) -> None:
        """Verify a token that was just issued, so that its first request need not wait for it. Never fails: a token
        that is not valid yet is judged when it is used."""
        with suppress(NotAuthenticated, Unavailable):
            self._verifier.verify(token)

    def _basic(self, credentials: str, username: str, password: str) -> Caller:
        try:
            given = binascii.a2b_base64(credentials, strict_mode=True)
        except (binascii.Error, ValueError):
            given = b""
        if not hmac.compare_digest(given, f"{username}:{password}".encode()):
            raise NotAuthenticated("wrong_credentials", "The service account's name or password is wrong.")
        permissions = self._roles.permissions_of(["service"])
        return Caller(subject=username, name=username, roles=("service",), permissions=permissions, site=self._roles)
