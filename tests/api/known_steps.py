"""Asking which files the server has already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from tests.api.conftest import Api
from tests.support.steps import stating

KNOWN = "/api/v1/dicom/known"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def ask(api: Api, digests: Iterable[str], role: str = "technician") -> Any:
    return api.call("POST", KNOWN, role, json={"sha256": list(digests)})


def is_known(api: Api, data: bytes, role: str = "technician") -> bool:
    answer = ask(api, [digest(data)], role)
    assert answer.status_code == 200, answer.json
    return [file["sha256"] for file in answer.json["files"]] == [digest(data)]


def stored(api: Api, data: bytes, headers: dict[str, str] | None = None) -> str:
    answer = api.upload(data, headers=stating(data) | (headers or {}))
    assert answer.status_code == 201, answer.json
    return str(answer.json["studies"][0]["study_instance_uid"])
