"""An installation of two hospitals that give the same numbers, and a patient of each, as steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from ehr_bridge.api.app import create_app
from ehr_bridge.db.database import Database
from ehr_bridge.services.bundle import build_services
from ehr_bridge.settings import Settings
from tests.api.conftest import Api
from tests.support.archive import FakeArchive
from tests.support.server import SECRET

ANDERS: dict[str, Any] = {
    "family_name": "Anders",
    "given_name": "Anna",
    "birth_date": "1960-01-01",
    "sex": "female",
    "issuer": "SITE-A",
}
ZIMMER: dict[str, Any] = {
    "family_name": "Zimmer",
    "given_name": "Zeno",
    "birth_date": "1990-09-09",
    "sex": "male",
    "issuer": "SITE-B",
}
BOTH = "SITE-A=1.2.40.1, SITE-B=1.2.40.2"


def an_api(database: Database, folder: Path, authorities: str | None = None) -> Api:
    settings = Settings(
        jwt_secret=SecretStr(SECRET), data_dir=folder, max_dicom_file_size_mb=1, authorities=authorities
    )
    services = build_services(settings, database)
    archive = FakeArchive()
    app = create_app(services, archive, {"database": lambda: True, "worker": lambda: True})
    return Api(app, services, archive)


def put(api: Api, mrn: str = "7", **body: Any) -> Any:
    return api.call("PUT", f"/api/v1/patients/{mrn}", "service", json=body)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]
