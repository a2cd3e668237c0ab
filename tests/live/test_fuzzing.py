"""The OpenAPI document against the live server: thousands of requests nobody would think of sending.

Every answer must be one that the document announces: its status, its media type, its schema; never a 5xx. Left out are
header values with a TAB and addresses of more than 16 kB: Orthanc's web server answers them itself, with a plain 400,
before any plugin sees them. Once on PostgreSQL with identifiers that exist: limits and wrong kinds of every value, and
requests that chance makes. Once on SQLite with identifiers of nothing: the limits of every value, and other requests by
chance, none of which is wrong by the document. Wrong ones are refused before a database is asked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ENGINES
from tests.live.fuzzing_steps import NO_LIMITS
from tests.support.running import SMALL_LIMITS, databases, running
from tests.support.samples import small
from tests.support.server import ROOT, Server, user_token
from tests.support.steps import place_order, upload

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
ROLES = ("technician", "doctor", "radiologist", "service", "admin")
EXAMPLES = "5"
"""That chance makes, per route and database. docs/testing.md says how to send more."""
SEEDS = {"sqlite": "20261124", "postgresql": "20261130"}
"""Where chance begins: the same requests at every run, others on each database."""
MODES = {"sqlite": "positive", "postgresql": "all"}
"""Whether requests that are wrong by the document are sent too."""


@pytest.fixture(params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server of this test's own: nobody else shall meet what it leaves behind."""
    environ = SMALL_LIMITS | NO_LIMITS | databases(request, request.param)
    with running(tmp_path, **environ) as server:
        yield server


def settings(known: dict[str, str]) -> str:
    """schemathesis.toml: identifiers to use in every path that has them."""
    parameters = "".join(f'"path.{name}" = "{value}"\n' for name, value in known.items())
    return f'[generation]\nexclude-header-characters = "\\t"\n\n[parameters]\n{parameters}'


def fuzz(server: Server, folder: Path, known: dict[str, str], engine: str) -> subprocess.CompletedProcess[str]:
    """One run of schemathesis; its exit code is 0 when every answer was as announced."""
    (folder / "schemathesis.toml").write_text(settings(known))
    token = user_token(*ROLES, subject="fuzz")
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/api/v1/openapi.json",
        "--header", f"Authorization: Bearer {token}", "--phases", "examples,coverage,fuzzing", "--checks", CHECKS,
        "--max-examples", os.environ.get("FUZZ_EXAMPLES", EXAMPLES), "--mode", MODES[engine],
        "--seed", os.environ.get("FUZZ_SEED", SEEDS[engine]),
        "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off", "--workers", "2",
        "--request-timeout", "300",
    ]  # fmt: skip
    environ = os.environ | {"SCHEMATHESIS_HOOKS": "tests.support.fuzzing", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environ, timeout=3600)


def existing(server: Server) -> dict[str, str]:
    """Identifiers of a patient, an order, a study, an upload and an account that are there."""
    order = place_order(server)
    stored = upload(server, small(), X_Order_Id=order["id"]).json()
    account = {"username": "nora", "full_name": "Nora Nurse", "roles": ["nurse"], "password": "a first password"}
    assert server.request("POST", "/api/v1/accounts", user_token("admin"), json=account).status_code == 201
    number = order["accession_number"]
    return {
        "mrn": order["mrn"], "patient": order["mrn"], "patient_id": order["mrn"], "username": "nora",
        "accession_number": number, "order": number, "order_id": number,
        "study_uid": stored["studies"][0]["study_instance_uid"], "upload_id": stored["upload_id"],
    }  # fmt: skip


def test_every_answer_is_one_that_the_document_announces(server: Server, tmp_path: Path) -> None:
    """A person with nearly every permission sends good requests, nearly good ones and nonsense to every route."""
    engine = "postgresql" if server.database_url.startswith("postgresql") else "sqlite"
    known = existing(server) if engine == "postgresql" else {}
    assert server.get("/api/v1/openapi.json", *ROLES).ok  # made once; schemathesis waits for it ten seconds, no longer
    done = fuzz(server, tmp_path, known, engine)
    assert done.returncode == 0, done.stdout[-8000:]
    health = server.get("/api/v1/health").json()
    assert health["status"] == "ok", (health["checks"], server.log()[-3000:])
