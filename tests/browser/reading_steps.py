"""Opening studies in OHIF with tokens made for them."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page

from tests.support.server import Server, user_token

TOKENS = "/api/v1/dicom/viewer-token"


def a_study(demo: Server, mrn: str = "MRN-1001") -> str:
    uid: str = demo.get(f"/api/v1/dicom/studies?mrn={mrn}", "nurse").json()["items"][0]["study_instance_uid"]
    return uid


def mint(demo: Server, uid: str, **wish: Any) -> dict[str, Any]:
    body = {"study_instance_uids": [uid]} | wish
    answer = demo.request("POST", TOKENS, user_token("radiologist", subject="rosa"), json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def renew(page: Page) -> str:
    """Let the time pass after which OHIF's token is exchanged for another, and wait until it has been; the new one."""
    with page.expect_response(re.compile("/viewer-token/exchange$")) as renewed:
        page.clock.fast_forward("10:00")
    assert renewed.value.status == 201
    token = str(renewed.value.json()["token"])
    page.wait_for_function("(token) => Object.values(sessionStorage).includes(token)", arg=token)
    return token


def open_link(page: Page, demo: Server, uid: str, token: str) -> None:
    page.goto(f"{demo.url}/ohif/viewer?StudyInstanceUIDs={uid}&token={token}")
