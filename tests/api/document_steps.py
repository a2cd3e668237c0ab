"""Attaching documents, as short steps for tests."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.api.conftest import Api
from tests.support.client import Answer
from tests.unit.document_steps import pdf

OF_ORDER, OF_PATIENT = "/api/v1/orders/ACC-1/documents", "/api/v1/patients/MRN-1/documents"
BY_ORDER, BY_PATIENT = "/api/v1/documents?order=ACC-1", "/api/v1/documents?patient=MRN-1"


def attach(
    api: Api,
    path: str = OF_ORDER,
    data: bytes | None = None,
    media_type: str = "application/pdf",
    role: str = "reception",
    **said: str,
) -> Answer:
    """`said`: title, kind, date, patient, key."""
    names = {
        "title": "X-Document-Title",
        "kind": "X-Document-Kind",
        "date": "X-Document-Date",
        "patient": "X-Patient-Id",
        "key": "Idempotency-Key",
    }
    headers = {names[name]: quote(value) for name, value in said.items()}
    content = pdf() if data is None else data
    return api.call("POST", path, role, data=content, content_type=media_type, headers=headers)


def attached(api: Api, path: str = OF_ORDER, data: bytes | None = None, **said: str) -> dict[str, Any]:
    answer = attach(api, path, data, **said)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def listed(api: Api, path: str = BY_ORDER, role: str = "nurse") -> list[dict[str, Any]]:
    answer = api.get(path, role)
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])
