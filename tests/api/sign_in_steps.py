"""Making accounts and signing in, as steps."""

from __future__ import annotations

from ehr_bridge.services.audit.trail import Origin
from tests.api.conftest import Api
from tests.support.client import Answer

PASSWORD = "correct horse"


def make(api: Api, username: str = "dora", *roles: str) -> None:
    api.services.accounts.create(username, "Dora Doctor", PASSWORD, roles or ("doctor",), Origin("test"))


def sign_in(api: Api, username: str = "dora", password: str = PASSWORD) -> Answer:
    return api.call("POST", "/api/v1/auth/login", json={"username": username, "password": password})


def token_of(api: Api, username: str = "dora", password: str = PASSWORD) -> str:
    answer = sign_in(api, username, password)
    assert answer.status_code == 200, answer.json
    return str(answer.json["token"])


def actions(api: Api) -> list[str]:
    return [event["action"] for event in api.get("/api/v1/audit?limit=500", "admin").json["items"]]
