"""Opaque tokens: the EHR's authorization server is asked what they mean (RFC 7662).

Its answer holds for a minute, whatever it was. While the server is away nobody is let in by a token that is not known:
it is asked again after a moment, by few requests at a time, so that a slow server holds up nobody else's.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.fetching import fetch_json
from ehr_bridge.auth.jws import numeric_date
from ehr_bridge.auth.ports import Grants
from ehr_bridge.auth.token_faults import MOST_OF_SUBJECT, TokenFault, expired
from ehr_bridge.auth.tokens import NOT_VALID, TokenRules, caller_of, digest
from ehr_bridge.errors import NotAuthenticated, Unavailable

KNOWN_SECONDS = 60.0
AWAY_SECONDS = 5.0
"""After a failure nobody is asked for so long."""
AT_ONCE = 8
MOST_KNOWN = 4096

type Ask = Callable[[str], Mapping[str, Any]]
"""From a token to what the server says of it. Raises OSError or ValueError when it says nothing usable."""


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller | None
    """None: the token means nothing."""
    why: tuple[str, str] | None
    until: float


class Introspection:
    def __init__(
        self,
        ask: Ask,
        rules: TokenRules,
        audiences: frozenset[str],
        grants: Grants,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`audiences`: what `aud` may name, where it is said: this server, by any of its names."""
        self._ask = ask
        self._rules = rules
        self._audiences = audiences
        self._grants = grants
        self._clock = clock
        self._monotonic = monotonic
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._away_until = 0.0
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(AT_ONCE)

    def verify(self, token: str) -> Caller:
        """The caller behind a token.

        Raises:
            NotAuthenticated: the server does not know it (any more), or it is for somebody else.
            Unavailable: the server does not answer; nobody is let in on a guess.
        """
        key = digest(token)
        known = self._known.get(key)
        if known is None or known.until <= self._monotonic():
            known = self._learn(token, key)
        caller = known.caller
        if caller is None:
            raise NotAuthenticated("token_invalid", NOT_VALID, why=known.why)
        if caller.expires_at is not None and (fault := expired(caller.expires_at, self._clock())) is not None:
            raise NotAuthenticated("token_expired", "The token has expired; sign in again.", why=fault.why)
        if caller.grant is None:
            return caller
        studies = self._grants.studies(caller.grant)
        if studies is None:  # not used for long
            studies = self._grants.studies(self._grants.of_patient(caller.patient or ""))
        return replace(caller, studies=studies or frozenset())

    def _learn(self, token: str, key: str) -> _Known:
        if self._monotonic() < self._away_until or not self._places.acquire(blocking=False):
            raise _away()
        try:
            said = self._ask(token)
        except (OSError, ValueError):
            self._away_until = self._monotonic() + AWAY_SECONDS
            raise _away() from None
        finally:
            self._places.release()
        known = self._understood(said)
        with self._lock:
            self._known[key] = known
            self._known.move_to_end(key)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return known

    def _understood(self, said: Mapping[str, Any]) -> _Known:
        until = self._monotonic() + KNOWN_SECONDS
        try:
            return _Known(self._caller(said), None, until)
        except TokenFault as fault:
            return _Known(None, fault.why, until)
        except (ValueError, TypeError, KeyError, OverflowError):
            return _Known(None, ("form", "what the server says of it has a form that nobody expected"), until)

    def _caller(self, said: Mapping[str, Any]) -> Caller:
        """Raises TokenFault."""
        if said.get("active") is not True:
            raise TokenFault("active", "the server says that the token is not active")
        issuer = said.get("iss")
        if self._rules.issuer is not None and issuer not in (None, self._rules.issuer):
            raise TokenFault("iss", "the token is of another issuer")
        audience = said.get("aud")
        named = {audience} if isinstance(audience, str) else set(audience or ())
        if named and named.isdisjoint(self._audiences):
            raise TokenFault("aud", "the token is for another server")
        if "nbf" in said and numeric_date(said["nbf"]) > self._clock():
            raise TokenFault("nbf", "the token is not valid yet")
        subject = said.get("sub") or said.get("username") or said.get("client_id")
        if not isinstance(subject, str) or len(subject) > MOST_OF_SUBJECT:
            raise TokenFault("sub", f"the server does not say whose token it is, in {MOST_OF_SUBJECT} characters")
        return caller_of({**said, "sub": subject}, self._rules, self._grants, is_ours=False)


def is_opaque(token: str) -> bool:
    """Whether a token cannot be a JWT in compact form (RFC 7519), which is verified here."""
    return token.count(".") != 2


def asking(address: str, client: str | None, secret: str | None) -> Ask:
    """Asks the server at this address, as this client."""
    account = None if client is None else (client, secret or "")

    def ask(token: str) -> Mapping[str, Any]:
        return fetch_json("POST", address, form={"token": token, "token_type_hint": "access_token"}, account=account)

    return ask


def _away() -> Unavailable:
    return Unavailable(
        "introspection_unavailable", "The server that knows this token does not answer; try again in a moment."
    )
