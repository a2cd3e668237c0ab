"""`ehr-bridge selftest` against the real server: every transaction with its outcome, and nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import MetaData, create_engine, func, select

from plugin import cli
from tests.conftest import ENGINES
from tests.live.account_steps import program
from tests.live.worklist_steps import register
from tests.support import ports
from tests.support.running import databases, running
from tests.support.samples import small
from tests.support.scu import message_of, send
from tests.support.server import ROOT, SECRET, Server, user_token
from tests.support.steps import eventually, study

STAYS = {"alembic_version", "audit_events", "events", "cursors", "access_versions", "viewings"}
"""What happened is on record, by ids; a viewing becomes an audit event ten minutes after it."""
IHE = {f"RAD-{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 42, 49, 106, 141)}
HIS = """
[[source]]
name = "his"
application = "HIS"
facility = "NORTHWING"
profile = "rad-4-2.5.1"
addresses = ["10.1.7.12"]
charset = "latin1"
"""
OPEN = ("EHR_BRIDGE_HL7_PORT", "EHR_BRIDGE_MPPS_PORT", "EHR_BRIDGE_FHIR_PORT")


@pytest.fixture(scope="module", params=ENGINES)
def all_open(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with every door open, which only registered modalities may speak with."""
    environ = {name: str(ports.free()) for name in OPEN}
    environ |= {"EHR_BRIDGE_DICOM_ACCESS": "known", "EHR_BRIDGE_TIME_ZONE": "Pacific/Auckland"}
    with running(tmp_path_factory.mktemp("open"), **environ, **databases(request, request.param)) as server:
        ready(server)
        yield server


def ready(server: Server) -> None:
    """The other ports are opened after the gate."""
    checks = eventually(lambda: server.get("/api/v1/health").json()["checks"])
    eventually(lambda: set(server.get("/api/v1/health").json()["checks"].values()) == {"ok"} and checks)


def selftest(server: Server, *options: str, **environ: str) -> Result:
    """The command without a process of its own, which would take as long to load as to play; the first test, and those
    that end it, run the program."""
    settings = {
        "EHR_BRIDGE_JWT_SECRET": SECRET,
        "EHR_BRIDGE_HTTP_PORT": str(server.http_port),
        "EHR_BRIDGE_DICOM_PORT": str(server.dicom_port),
    }
    on_term = signal.getsignal(signal.SIGTERM)
    try:
        arguments = ["--data-dir", str(server.data_dir), "selftest", *options]
        return CliRunner().invoke(cli.main, arguments, env=settings | server.environ | environ)
    finally:
        signal.signal(signal.SIGTERM, on_term)


def told(said: str) -> dict[str, Any]:
    return dict(json.loads(said))


def left(server: Server) -> dict[str, int]:
    """Tables with rows, but for those whose rows stay."""
    engine = create_engine(server.database_url)
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        counts = {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in tables.sorted_tables
            if table.name not in STAYS
        }
    engine.dispose()
    return {name: count for name, count in counts.items() if count}


def files(server: Server) -> list[Path]:
    return server.stored_files()


def test_with_every_door_open_all_pass_and_nothing_is_left(all_open: Server) -> None:
    before = left(all_open)
    done = program(all_open, "selftest", "--json", **all_open.environ)
    said = told(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {row["outcome"] for row in said["transactions"]} == {"passed"}
    assert {row["transaction"] for row in said["transactions"]} - {""} == IHE
    assert (said["failed"], said["left"]) == (0, [])
    assert left(all_open) == before
    assert files(all_open) == []
    assert all_open.get("/api/v1/modalities", "admin").json()["items"] == []
    actions = {event["action"] for event in all_open.get("/api/v1/audit?limit=500", "admin").json()["items"]}
    assert {"deletion.approved", "deletion.purged", "selftest.removed", "modality.removed"} <= actions
    assert all_open.get("/api/v1/audit/verify", "admin").json()["ok"]


def started(server: Server) -> subprocess.Popen[str]:
    environ = {
        "PATH": "/usr/bin:/bin",
        "EHR_BRIDGE_JWT_SECRET": SECRET,
        "EHR_BRIDGE_HTTP_PORT": str(server.http_port),
        "EHR_BRIDGE_DICOM_PORT": str(server.dicom_port),
    }
    arguments = [str(ROOT / "scripts" / "ehr-bridge"), "--data-dir", str(server.data_dir), "selftest"]
    # a shell that runs the suite in the background has it ignore Ctrl-C, and so would every program that it starts
    listening = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            arguments, env=environ | server.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, listening)


def until_line(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(f"{word} was not played")


def test_what_a_killed_one_has_left_the_next_one_removes(all_open: Server) -> None:
    """kill -9 with orders on the worklist, with images in the archive, with a viewer token."""
    before = left(all_open)
    for word in ("RAD-4", "RAD-8", "RAD-106"):
        process = started(all_open)
        until_line(process, word)
        process.kill()
        process.wait()
        assert left(all_open).keys() > {"patients", "orders", "modalities"}
        done = selftest(all_open, "--clean")
        assert (done.exit_code, done.stderr) == (0, "")
        assert left(all_open) == before
    assert files(all_open) == []


def test_ctrl_c_and_sigterm_remove_what_was_made(all_open: Server) -> None:
    before = left(all_open)
    for number in (signal.SIGINT, signal.SIGTERM):
        process = started(all_open)
        until_line(process, "RAD-8")
        process.send_signal(number)
        _, error = process.communicate(timeout=300)
        assert (process.returncode, "stopped" in error) == (1, True)
        assert left(all_open) == before
    assert files(all_open) == []


@pytest.fixture(scope="module", params=ENGINES)
def closed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that speaks neither HL7 over MLLP, nor MPPS, nor FHIR."""
    environ = {"EHR_BRIDGE_FHIR_PORT": "0", **databases(request, request.param)}
    with running(tmp_path_factory.mktemp("closed"), **environ) as server:
        yield server


def test_a_closed_door_is_told_with_what_opens_it_and_is_no_failure(closed: Server) -> None:
    done = selftest(closed, "--json")
    said = told(done.stdout)
    assert done.exit_code == 0, done.stdout + done.stderr
    off = {row["door"]: row["note"] for row in said["transactions"] if row["outcome"] == "not_configured"}
    assert off["HL7 v2, MLLP"] == "EHR_BRIDGE_HL7_PORT"
    assert off["DIMSE"] == "EHR_BRIDGE_MPPS_PORT"
    assert off["FHIR R4"].startswith("EHR_BRIDGE_FHIR_PORT")
    passed = {row["transaction"] for row in said["transactions"] if row["outcome"] == "passed"}
    assert passed - {""} == {"RAD-2", "RAD-5", "RAD-8", "RAD-10", "RAD-42", "RAD-49", "RAD-106"}


def test_where_sources_are_listed_it_needs_one_of_its_own(tmp_path: Path) -> None:
    """The lines that the page on interfaces shows for it."""
    page = (ROOT / "docs" / "interfaces.md").read_text().split("### Does all of it work?")[1]
    sources = tmp_path / "sources.toml"
    sources.write_text(HIS)
    port = str(ports.free())
    with running(tmp_path, EHR_BRIDGE_HL7_PORT=port, EHR_BRIDGE_HL7_SOURCES=str(sources)) as server:
        ready(server)
        rows = [row for row in told(selftest(server, "--json").stdout)["transactions"] if row["door"] == "HL7 v2, MLLP"]
        assert {row["outcome"] for row in rows} == {"not_configured"}
        assert all('application = "EHR-BRIDGE"' in row["note"] for row in rows)
        server.stop()
        sources.write_text(HIS + page.split("```toml\n")[1].split("```")[0])
        server.start()
        ready(server)
        rows = [row for row in told(selftest(server, "--json").stdout)["transactions"] if row["door"] == "HL7 v2, MLLP"]
        assert {row["outcome"] for row in rows} == {"passed"}
        events = server.get("/api/v1/audit?actor=hl7:selftest", "admin").json()
        assert events["total"] > 0


def test_what_fails_says_what_was_expected_and_what_came(closed: Server) -> None:
    """A setting of the command's that is not the server's: the called AE title, and a port where nothing listens."""
    nowhere = str(ports.free())
    done = selftest(closed, "--json", EHR_BRIDGE_DICOM_PORT=nowhere, EHR_BRIDGE_HL7_PORT=nowhere)
    said = told(done.stdout)
    assert done.exit_code == 3
    rows = {row["what"].partition(" ")[0]: row for row in said["transactions"]}
    assert rows["C-ECHO"]["expected"] == f"an association of EHR-SELFTEST with ORTHANC at port {nowhere}"
    assert rows["C-ECHO"]["came"] == "an abort, or no answer"
    by_name = {row["transaction"]: row for row in said["transactions"]}
    assert (by_name["RAD-1"]["outcome"], by_name["RAD-1"]["came"]) == ("failed", "ConnectionRefusedError")
    assert by_name["RAD-8"]["outcome"] == "not_tried"
    assert said["left"] == [] and "patients" not in left(closed)


def test_the_table_says_the_same_in_words(sqlite_server: Server) -> None:
    """What opens a closed door, what was expected, and that nothing is left."""
    table = selftest(sqlite_server).stdout
    assert "opened by EHR_BRIDGE_MPPS_PORT" in table
    assert table.rstrip().endswith("nothing is left but the audit trail")
    nowhere = str(ports.free())
    text = selftest(sqlite_server, EHR_BRIDGE_DICOM_PORT=nowhere).stdout
    assert f"expected an association of EHR-SELFTEST with ORTHANC at port {nowhere}" in text


def test_a_wrong_secret_another_database_and_no_server_stop_it_before_anything_is_made(
    closed: Server, tmp_path: Path
) -> None:
    before = left(closed)
    wrong = selftest(closed, EHR_BRIDGE_JWT_SECRET="another-secret-0123456789-0123456789")
    assert wrong.exit_code == 1
    assert "does not take a token of this installation (401 token_invalid" in wrong.stderr
    away = selftest(closed, EHR_BRIDGE_HTTP_PORT=str(ports.free()))
    assert (away.exit_code, "no server answers at" in away.stderr) == (1, True)
    elsewhere = {"EHR_BRIDGE_DATABASE_URL": f"sqlite:///{tmp_path / 'other.sqlite3'}"}
    options = ("add", "ada", "--name", "Ada", "--role", "admin")
    assert program(closed, "user", *options, typed="a long password\n", **elsewhere).returncode == 0
    other = selftest(closed, **elsewhere)
    assert (other.exit_code, "uses another database than this command" in other.stderr) == (1, True)
    assert left(closed) == before


def test_a_device_with_its_name_is_left_alone(closed: Server) -> None:
    register(closed, "EHR-SELFTEST", "store")
    done = selftest(closed)
    assert (done.exit_code, "a modality is registered as EHR-SELFTEST" in done.stderr) == (1, True)
    (kept,) = closed.get("/api/v1/modalities", "admin").json()["items"]
    assert kept["may"] == ["store"]
    assert closed.request("DELETE", "/api/v1/modalities/EHR-SELFTEST", user_token("admin")).status_code == 204


def test_what_a_person_has_used_is_not_removed(closed: Server) -> None:
    """Neither an image of somebody else's in its study, nor an order of theirs for its patient.

    The last test of this server: it leaves them there.
    """
    process = started(closed)
    until_line(process, "RAD-8")
    process.kill()
    process.wait()
    (order,) = closed.get("/api/v1/orders?status=in_progress", "nurse").json()["items"]
    said = {
        "PatientID": order["mrn"],
        "AccessionNumber": order["accession_number"],
        "PatientName": "SELFTEST^NOT A PATIENT",
    }
    theirs = small(StudyInstanceUID=order["study_instance_uid"], **said)
    assert send(closed.dicom_port, [message_of(theirs)]) == [0]
    eventually(lambda: (study(closed, order["study_instance_uid"]) or {}).get("number_of_instances") == 3)
    refused = selftest(closed, "--clean")
    assert refused.exit_code == 3
    assert f"the study {order['study_instance_uid']} has images that the self-test did not send" in refused.stdout
    body = {"mrn": order["mrn"], "modality": "MR", "description": "Brain"}
    assert closed.put("/api/v1/orders/REAL-1", body).status_code == 201
    assert selftest(closed, "--clean").exit_code == 3
    assert closed.get("/api/v1/orders/REAL-1", "nurse").json()["mrn"] == order["mrn"]
    assert len(files(closed)) == 3
