"""Opaque tokens through the application: an authorization server that does not answer lets nobody in."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from ehr_bridge.api.app import create_app
from ehr_bridge.db.database import Database
from ehr_bridge.services.bundle import build_services
from ehr_bridge.settings import Settings
from tests.api.conftest import Api
from tests.api.fhir_steps import code, fhir_of
from tests.support import ports
from tests.support.archive import FakeArchive
from tests.support.server import SECRET


def test_an_authorization_server_that_is_away_lets_nobody_in(database: Database, tmp_path: Path) -> None:
    """503 with Retry-After on both ports; tokens that are verified here go on working."""
    settings = Settings(
        jwt_secret=SecretStr(SECRET),
        data_dir=tmp_path,
        introspection_url=f"http://127.0.0.1:{ports.free()}/introspect",
        introspection_client="bridge",
        introspection_secret=SecretStr("secret"),
    )
    services, archive = build_services(settings, database), FakeArchive()
    api = Api(create_app(services, archive, {}), services, archive)
    answer = api.get("/api/v1/patients", token="opaque")
    assert (answer.status_code, answer.json["code"]) == (503, "introspection_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    fhir = fhir_of(api)
    answer = fhir.get("/fhir/Patient", token="opaque")
    assert (answer.status_code, code(answer)) == (503, "introspection_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert api.get("/api/v1/patients", "nurse").status_code == 200
