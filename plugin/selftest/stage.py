"""The server that a self-test plays against, and what it has placed there so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from ehr_bridge.services.registry.authorities import authorities_of
from ehr_bridge.services.selftest.numbers import BIRTH_DATE, GIVEN_NAME, MARK, SEX, Run
from ehr_bridge.settings import Settings
from plugin.commands.remote import own_token
from plugin.selftest.outcomes import Failed, NotTried

PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.2
PERSON = {"family_name": MARK, "given_name": GIVEN_NAME, "birth_date": BIRTH_DATE, "sex": SEX}
NAME = f"{MARK}^{GIVEN_NAME}"


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that one of the doors has taken."""

    door: str
    accession_number: str
    mrn: str


@dataclass(slots=True)
class Stage:
    settings: Settings
    """With the secret."""
    run: Run
    placed: list[Placed] = field(default_factory=list)
    http: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.http.trust_env = False  # no proxy, no .netrc: the tokens are for this server only

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.settings.http_port}"

    @property
    def issuer(self) -> str | None:
        """The authority of its patients; None where there is only one."""
        return next((one.name for one in authorities_of(self.settings)), None)

    def token(self, role: str) -> str:
        return own_token(self.settings, "ehr-bridge selftest", role)

    def ask(self, method: str, path: str, role: str, *good: int, **content: Any) -> requests.Response:
        """A request to the server; Failed when its status is none of `good` (200)."""
        headers = {"Authorization": f"Bearer {self.token(role)}"} | content.pop("headers", {})
        url = path if path.startswith("http") else self.base + path
        answer = self.http.request(method, url, headers=headers, timeout=PATIENCE_SECONDS, **content)
        if answer.status_code not in (good or (200,)):
            expected = " or ".join(map(str, good or (200,)))
            raise Failed(f"{expected} to {method} {path.partition('?')[0]}", _said(answer))
        return answer

    def order(self, placed: Placed) -> Mapping[str, Any]:
        """An order as the API shows it. Failed when it is not there."""
        said: Mapping[str, Any] = self.ask("GET", f"/api/v1/orders/{placed.accession_number}", "service").json()
        return said

    def require_order(self, placed: Placed, status: str = "scheduled") -> None:
        """Failed when the order is not there, not this patient's, or in another state."""
        order = self.order(placed)
        came = f"{order['status']} of {order['mrn']}"
        if came != f"{status} of {placed.mrn}":
            raise Failed(f"order {placed.accession_number} {status} of {placed.mrn}", came)

    def patient(self, mrn: str) -> Mapping[str, Any]:
        """A patient as the API shows them. Failed when they are not there."""
        query = {"issuer": self.issuer} if self.issuer else None
        said: Mapping[str, Any] = self.ask("GET", f"/api/v1/patients/{mrn}", "service", params=query).json()
        return said

    def require_patient(self, mrn: str, **values: Any) -> None:
        """Failed when the patient is not there, or a value is another."""
        patient = self.patient(mrn)
        for name, value in values.items():
            if patient[name] != value:
                raise Failed(f"{name} {value}", patient[name])

    def of(self, door: str) -> Placed:
        """The order that came by this door. NotTried when none did."""
        found = next((one for one in self.placed if one.door == door), None)
        if found is None:
            raise NotTried(f"no order was placed by {door}")
        return found


def until[T](look: Callable[[], T], is_so: Callable[[T], bool], expected: str, told: Callable[[T], str] = str) -> T:
    """Look until it is so; after half a minute Failed with what was seen last, as `told` says it."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        seen = look()
        if is_so(seen):
            return seen
        if time.monotonic() > end:
            raise Failed(expected, told(seen))
        time.sleep(LOOK_SECONDS)


def _said(answer: requests.Response) -> str:
    try:
        body = answer.json()
        code = body.get("code") or body["issue"][0]["details"]["coding"][0]["code"]
        detail = body.get("detail") or body["issue"][0].get("diagnostics") or ""
        faults = "; ".join(f"{one['field']}: {one['message']}" for one in body.get("errors") or [])
        return f"{answer.status_code} {code}: {detail} {faults}".strip()
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return str(answer.status_code)
