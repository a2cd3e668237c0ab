"""The WSGI application under a test client, on both databases, with an archive in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from pydantic import SecretStr

from ehr_bridge.api.app import create_app
from ehr_bridge.auth import passwords
from ehr_bridge.db.database import Database
from ehr_bridge.services.bundle import Services, build_services
from ehr_bridge.settings import Settings
from tests.support.archive import FakeArchive
from tests.support.client import Answer, Client
from tests.support.server import SECRET, user_token

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NOBODY = CHEAP.hash("the password of no account")

type Who = str | Callable[[], str]
"""A token, or what makes one when a request is sent."""


class Api:
    """Calls the API as somebody with these roles."""

    def __init__(self, application: Flask, services: Services, archive: FakeArchive) -> None:
        self.client, self.services, self.archive = Client(application), services, archive

    def call(self, method: str, path: str, *roles: str, token: Who | None = None, **options: Any) -> Answer:
        headers = dict(options.pop("headers", {}))
        if token is None and roles:
            token = user_token(*roles, subject=roles[0])
        if token is not None:
            headers["Authorization"] = f"Bearer {token() if callable(token) else token}"
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, *roles: str, **options: Any) -> Answer:
        return self.call("GET", path, *roles, **options)

    def upload(self, data: bytes, *roles: str, headers: dict[str, str] | None = None) -> Answer:
        return self.call(
            "POST",
            "/api/v1/dicom/upload",
            *(roles or ("technician",)),
            data=data,
            content_type="application/dicom",
            headers=headers or {},
        )

    def place_order(self, accession_number: str = "ACC-1", mrn: str = "MRN-1", **patient: Any) -> dict[str, Any]:
        """A patient and an order for them; the order as answered."""
        person = {"family_name": "Lindqvist", "given_name": "Åsa", "birth_date": "1961-03-14", "sex": "female"}
        answer = self.call("PUT", f"/api/v1/patients/{mrn}", "service", json=person | patient)
        assert answer.status_code in (200, 201), answer.json
        order = {"mrn": mrn, "modality": "MR", "description": "MR brain", "ordered_by": "Ekström^Maria"}
        answer = self.call("PUT", f"/api/v1/orders/{accession_number}", "service", json=order)
        assert answer.status_code in (200, 201), answer.json
        return dict(answer.json)


def facts(detail: dict[str, Any]) -> dict[str, Any]:
    """What an audit event says, but for the id of the request that wrote it (it must have one)."""
    assert detail["request_id"]
    return {name: value for name, value in detail.items() if name != "request_id"}


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id without its price: that it is as dear as RFC 9106 says is for tests/unit/test_passwords.py."""
    monkeypatch.setattr(passwords, "_HASHER", CHEAP)
    monkeypatch.setattr(passwords, "_NOBODY", NOBODY)


@pytest.fixture
def api(database: Database, tmp_path: Path) -> Api:
    return make_api(database, tmp_path)


@pytest.fixture(scope="module")
def read_api(read_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Api:
    """An API whose data the file's tests only read: made once per database, not once per test."""
    return make_api(read_database, tmp_path_factory.mktemp("api"))


def make_api(database: Database, folder: Path) -> Api:
    settings = Settings(
        jwt_secret=SecretStr(SECRET),
        data_dir=folder,
        max_dicom_file_size_mb=1,
        max_dicom_files_per_upload=5,
        sharing=True,
    )
    services = build_services(settings, database)
    archive = FakeArchive()
    app = create_app(services, archive, {"database": lambda: True, "worker": lambda: True})
    return Api(app, services, archive)
