"""Sharing a study with somebody outside, and what they do with the link, as steps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ehr_bridge.api.app import create_app
from ehr_bridge.db.database import Database
from ehr_bridge.errors import NotAuthenticated
from ehr_bridge.services.bundle import build_services, utc_now
from ehr_bridge.settings import Settings
from tests.api.conftest import Api
from tests.api.report_steps import with_images
from tests.support.archive import FakeArchive
from tests.support.client import Answer
from tests.support.server import user_token

SHARES, OPEN = "/api/v1/dicom/shares", "/api/v1/share/open"
EXCHANGE = "/api/v1/dicom/viewer-token/exchange"
PUBLIC_URL = "https://images.clinic.example"
DAY = 24 * 3600


class Clock:
    """The time of day, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


def sharing_api(database: Database, settings: Settings, clock: Clock) -> Api:
    """A node that shares."""
    services, archive = build_services(settings, database, clock), FakeArchive()
    return Api(create_app(services, archive, {"database": lambda: True, "worker": lambda: True}), services, archive)


def share(api: Api, uid: str | None = None, role: str = "doctor", status: int = 201, **wish: Any) -> dict[str, Any]:
    """Somebody shares a study, for a day unless told otherwise; a new one where none is named."""
    body = {"study_instance_uid": uid or with_images(api), "ttl_seconds": DAY} | wish
    answer = api.call("POST", SHARES, role, json=body)
    assert answer.status_code == status, answer.json
    return dict(answer.json)


def secret_of(made: dict[str, Any]) -> str:
    return str(made["url"].partition("#")[2])


def opened(api: Api, made: dict[str, Any], pin: str | None = None) -> Answer:
    """Somebody outside comes with the link."""
    body = {"secret": secret_of(made)} | ({} if pin is None else {"pin": pin})
    return api.call("POST", OPEN, json=body)


def opens_nothing(api: Api, made: dict[str, Any], pin: str | None = None) -> bool:
    """Whether the link is answered as one that never was."""
    unknown = {"url": f"{PUBLIC_URL}/ehr/share#{'A' * 32}"}
    here, there = (opened(api, one, pin) for one in (made, unknown))
    assert there.status_code == 404
    same = (answer.json | {"request_id": ""} for answer in (here, there))
    return here.status_code == 404 and len({str(one) for one in same}) == 1


def token_of(api: Api, made: dict[str, Any], pin: str | None = None) -> str:
    answer = opened(api, made, pin)
    assert answer.status_code == 201, answer.json
    return str(answer.json["token"])


def listed(api: Api, query: str = "", role: str = "doctor") -> list[dict[str, Any]]:
    answer = api.get(f"{SHARES}{query}", role)
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def end(api: Api, made: dict[str, Any], role: str = "doctor") -> Answer:
    return api.call("DELETE", f"{SHARES}/{made['share']['id']}", role)


def sees(api: Api, token: str, uid: str) -> bool:
    """Whether the token opens the images of the study, as the gate finds out, after the worker's round."""
    api.services.sharing.fallen.run()
    api.services.grants.refresh()
    api.services.sight.refresh()
    try:
        caller = api.services.authenticator.authenticate(f"Bearer {token}")
    except NotAuthenticated:
        return False
    return api.services.sight.shows(caller, uid)


def said(api: Api, action: str) -> list[dict[str, Any]]:
    """What the audit trail has of an action, the oldest first."""
    items = api.get(f"/api/v1/audit?action={action}&limit=500", "admin").json["items"]
    return [dict(item) for item in reversed(items)]


def token(*roles: str, subject: str) -> str:
    return user_token(*roles, subject=subject)
