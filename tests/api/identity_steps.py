"""Merging patients and taking it back, as steps."""

from __future__ import annotations

from typing import Any

from pydicom.uid import generate_uid

from tests.api.conftest import Api
from tests.api.link_steps import (
    post,
)
from tests.support.samples import small


def linked(api: Api, number: int = 2, **values: Any) -> str:
    """A study for order ACC-1, linked on arrival; its UID."""
    uid = generate_uid()
    for _ in range(number):
        answer = api.upload(small(StudyInstanceUID=uid, **values), headers={"X-Order-Id": "ACC-1"})
        assert answer.status_code == 201, answer.json
    return str(uid)


def merge(api: Api, mrn: str, into: str, status: int = 202) -> dict[str, Any]:
    return post(api, f"/api/v1/patients/{mrn}/merge", {"into": into, "reason": "registered twice"}, status, "service")


def take_back(api: Api, change: str, status: int = 202) -> dict[str, Any]:
    return post(api, f"/api/v1/changes/{change}/undo", {"reason": "it was right"}, status, "service")
