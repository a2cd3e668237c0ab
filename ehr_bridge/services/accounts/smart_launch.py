"""Our pages as a SMART app of the EHR (SMART App Launch 2.2, EHR launch, PKCE with S256).

    EHR -> begin(iss, launch) -> its sign-in -> finish(code, state) -> our page, with a token of ours

What belongs to one launch is in a cookie of the browser that began it, sealed: nothing is kept here, any node can
finish, and a code that is slipped into another browser is worth nothing there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from cryptography.exceptions import InvalidTag

from ehr_bridge.auth.fetching import Fetch
from ehr_bridge.auth.tokens import TokenRules, make_user_token, proved_at
from ehr_bridge.db.database import Database
from ehr_bridge.errors import InvalidInput, NotPermitted, Unavailable
from ehr_bridge.fhir.patients import number_of
from ehr_bridge.fhir.systems import Systems
from ehr_bridge.matching.issuers import BETWEEN
from ehr_bridge.sealing import seal, unseal_with
from ehr_bridge.services import audit
from ehr_bridge.services.accounts.smart_ehrs import Ehr
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.setting_checks import address
from ehr_bridge.shallow_json import loads

LASTS = timedelta(minutes=10)
"""From the launch to the end of the sign-in."""
SESSION = timedelta(hours=1)
DISCOVERED_SECONDS = 300.0
CALLBACK = "/ehr/smart/callback"
_CONTEXT = b"smart launch"
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it must bring back."""

    address: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the EHR vouches for."""

    subject: str
    name: str
    proved_at: datetime | None
    """When they have signed in there; None: the EHR does not say."""


class SmartLaunch:
    def __init__(
        self,
        ehrs: Sequence[Ehr],
        rules: TokenRules,
        systems: Systems,
        base_url: str,
        database: Database,
        clock: Callable[[], datetime],
        fetch: Fetch,
    ) -> None:
        """`base_url` is where browsers reach this server."""
        self._ehrs = {one.issuer: one for one in ehrs}
        self._rules = rules
        self._systems = systems
        self._base_url = base_url
        self._database = database
        self._clock = clock
        self._fetch = fetch
        self._keys = rules.shared_secret.keys("smart launch")
        self._discovered: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def begin(self, issuer: str, launch: str) -> Begun:
        """Send the browser to the EHR's sign-in.

        Raises:
            NotPermitted: the EHR is not on the site's list; nothing is asked then.
            Unavailable: it does not say how to sign in.
        """
        ehr = self._ehr(issuer)
        where = self._configuration(ehr)["authorization_endpoint"]
        verifier, state, nonce = (secrets.token_urlsafe(size) for size in (48, 32, 16))
        kept = {"ehr": ehr.issuer, "state": state, "verifier": verifier, "nonce": nonce}
        kept["until"] = (self._clock() + LASTS).isoformat()
        asked = {
            "response_type": "code",
            "client_id": ehr.client_id,
            "redirect_uri": self._base_url + CALLBACK,
            "launch": launch,
            "scope": ehr.scopes,
            "state": state,
            "nonce": nonce,
            "aud": ehr.issuer,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        if ehr.max_age is not None:
            asked["max_age"] = str(ehr.max_age)
        sealed = seal(self._keys[0], json.dumps(kept).encode(), _CONTEXT)
        return Begun(f"{where}?{urlencode(asked)}", base64.urlsafe_b64encode(sealed).decode().rstrip("="))

    def finish(self, code: str, state: str, cookie: str | None, origin_address: str | None) -> str:
        """The address of our page, with a token of ours behind the `#`.

        Raises:
            InvalidInput: this browser did not begin this launch, or took too long.
            NotPermitted: the EHR does not say who signed in.
            Unavailable: the EHR does not answer.
        """
        kept = self._kept(cookie, state)
        ehr = self._ehr(kept["ehr"])
        said = self._exchange(ehr, code, kept["verifier"])
        who = self._person(ehr, said, kept["nonce"])
        number = self._patient(ehr, said)
        now = self._clock()
        token = make_user_token(
            self._rules,
            subject=who.subject,
            name=who.name,
            roles=ehr.roles,
            now=now,
            ttl=SESSION,
            token_id=str(uuid.uuid4()),
            proved_at=who.proved_at,
            launched_by=ehr.issuer,
        )
        with self._database.write() as session:
            event = Event("session.started", detail={"ehr": ehr.name})
            audit.append(session, Origin(who.subject, origin_address), event, now)
        target = f"&patient={quote(number, safe='')}" if number else ""
        return f"/ehr/launch#token={token}{target}"

    def _ehr(self, issuer: str) -> Ehr:
        found = self._ehrs.get(issuer.rstrip("/"))
        if found is None:
            raise NotPermitted("launch_refused", "This EHR is not on the list of those that may open pages here.")
        return found

    def _kept(self, cookie: str | None, state: str) -> dict[str, str]:
        """What the cookie holds. Raises InvalidInput."""
        try:
            text = cookie or ""
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            kept: dict[str, str] = loads(unseal_with(self._keys, sealed, _CONTEXT))
        except (ValueError, InvalidTag):
            raise _not_begun() from None
        is_late = datetime.fromisoformat(kept["until"]) < self._clock()
        if is_late or not hmac.compare_digest(kept["state"].encode(), state.encode()):
            raise _not_begun()
        return kept

    def _configuration(self, ehr: Ehr) -> Mapping[str, Any]:
        """Where to sign in and to exchange a code, as the EHR says; remembered for some minutes."""
        known = self._discovered.get(ehr.issuer)
        if known is not None and time.monotonic() - known[0] < DISCOVERED_SECONDS:
            return known[1]
        try:
            said = self._fetch("GET", f"{ehr.issuer}/.well-known/smart-configuration")
            for name in ("authorization_endpoint", "token_endpoint"):
                address(str(said.get(name)))
        except (OSError, ValueError):
            raise _ehr_away() from None
        self._discovered[ehr.issuer] = (time.monotonic(), said)
        return said

    def _exchange(self, ehr: Ehr, code: str, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._base_url + CALLBACK,
            "code_verifier": verifier,
        }
        account = None if ehr.client_secret is None else (ehr.client_id, ehr.client_secret)
        if account is None:
            form["client_id"] = ehr.client_id
        where = self._configuration(ehr)["token_endpoint"]
        try:
            return self._fetch("POST", where, form=form, account=account)
        except (OSError, ValueError):
            raise _ehr_away() from None

    def _person(self, ehr: Ehr, said: Mapping[str, Any], nonce: str) -> Person:
        """Who signed in, by the id token. It came from the EHR's own server over TLS, which stands for its signature
        (OpenID Connect Core 1.0 section 3.1.3.7, 6). Raises NotPermitted."""
        try:
            payload = str(said["id_token"]).split(".")[1]
            claims = loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            audience = claims["aud"]
            issuers = {ehr.issuer, self._configuration(ehr).get("issuer")}
            is_ours = ehr.client_id in (audience if isinstance(audience, list) else [audience])
            is_now = claims["exp"] > self._clock().timestamp()
            is_valid = is_ours and is_now and claims["nonce"] == nonce and str(claims["iss"]).rstrip("/") in issuers
            subject, name = claims["sub"], claims.get("name") or claims["sub"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise _nobody() from None
        if not is_valid or not all(isinstance(one, str) and 0 < len(one) <= 255 for one in (subject, name)):
            raise _nobody()
        return Person(subject, name, proved_at(claims))

    def _patient(self, ehr: Ehr, said: Mapping[str, Any]) -> str | None:
        """The number of the patient in context, with its issuer; None without one. Raises Unavailable."""
        key = said.get("patient")
        if not isinstance(key, str) or _ID.fullmatch(key) is None:
            return None
        try:
            found = self._fetch("GET", f"{ehr.issuer}/Patient/{key}", token=str(said.get("access_token")))
            identifiers = found.get("identifier") or []
            systems = Systems(self._systems.authorities, ehr.mrn_system or self._systems.mrn)
            mrn, issuer = number_of(identifiers, systems)
        except InvalidInput:
            return None
        except (OSError, ValueError, AttributeError, TypeError):
            raise _ehr_away() from None
        return f"{issuer}{BETWEEN}{mrn}" if issuer and systems.authorities else mrn


def _challenge(verifier: str) -> str:
    """RFC 7636 section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _not_begun() -> InvalidInput:
    return InvalidInput(
        "launch_not_begun", "This browser did not begin this sign-in, or it took too long; open the page again."
    )


def _nobody() -> NotPermitted:
    return NotPermitted("launch_refused", "The EHR does not say who has signed in.")


def _ehr_away() -> Unavailable:
    return Unavailable("ehr_unavailable", "The EHR does not answer as it should; try again in a moment.")
