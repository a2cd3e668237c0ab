"""Restricting a patient and breaking the glass, as steps."""

from __future__ import annotations

from typing import Any

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import ROLE_PERMISSIONS
from tests.api.conftest import Api

ACCESS = "/api/v1/access"


def person(role: str) -> Caller:
    return Caller(role, role, (role,), ROLE_PERMISSIONS[role])


def restrict(api: Api, mrn: str, *staff: str) -> None:
    body = {"reason": "Member of staff", "staff": list(staff)}
    answer = api.call("PUT", f"{ACCESS}/restrictions/{mrn}", "admin", json=body)
    assert answer.status_code == 200, answer.json


def break_glass(api: Api, role: str, **body: Any) -> Any:
    return api.call("POST", f"{ACCESS}/break-glass", role, json={"reason": "Emergency"} | body)
