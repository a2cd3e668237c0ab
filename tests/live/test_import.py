"""`ehr-bridge import` and `ehr-bridge doctor` against the real server."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import uuid
from pathlib import Path

from pydicom.uid import generate_uid

from tests.live.account_steps import command, program
from tests.live.import_steps import Relay
from tests.support.samples import small
from tests.support.server import ROOT, SECRET, Server
from tests.support.steps import eventually, place_order, study


def fill(folder: Path, accession_number: str = "", mrn: str = "CD-1", name: str = "Lindqvist^Åsa") -> tuple[str, str]:
    """A CD: 30 files of two studies, one of which is cut off, in nested folders; the UIDs of the studies."""
    known, unknown = generate_uid(), generate_uid()
    for number in range(30):
        uid, accession, patient = (known, accession_number, mrn) if number < 20 else (unknown, "", "CD-2")
        data = small(
            StudyInstanceUID=uid,
            AccessionNumber=accession,
            PatientID=patient,
            PatientName=name,  # unless said, as the order's patient is called
            InstanceNumber=number,
        )
        path = folder / "DICOM" / f"S{number // 10}" / f"I{number:03}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data[:-60] if number == 25 else data)
    return known, unknown


def uploads(server: Server) -> list[dict[str, object]]:
    return list(server.get("/api/v1/dicom/uploads?limit=500", "nurse").json()["items"])


def test_a_folder_is_imported_and_goes_on_after_an_interruption(server: Server, tmp_path: Path) -> None:
    """Thirty files, one of them broken; killed after twelve, run again: each is there once, in one upload."""
    order = place_order(server)
    folder = tmp_path / "cd"
    known, unknown = fill(folder, order["accession_number"], order["mrn"])
    memory = server.data_dir / "imports"
    relay = Relay(server, silent_after=12)
    environ = {
        "PATH": "/usr/bin:/bin",
        "EHR_BRIDGE_JWT_SECRET": SECRET,
        "EHR_BRIDGE_DATABASE_URL": server.database_url,
    }
    call = [str(ROOT / "scripts" / "ehr-bridge"), "--data-dir", str(server.data_dir), "import", str(folder)]
    process = subprocess.Popen([*call, "--url", relay.url], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    eventually(lambda: relay.passed_on > 12)  # one more was stored, whose answer never came
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (remembered,) = memory.iterdir()
    assert len(remembered.read_text().splitlines()) == 1 + 12
    assert "I0" not in remembered.read_text()  # names of files can be names of patients

    relay.silent_after = 10_000
    again = command(server, "import", str(folder), "--url", relay.url)
    relay.close()
    assert again.returncode == 3, again.stderr
    assert "going on where" in again.stdout and "12 sent before" in again.stdout
    assert "16 stored, 1 stored before by somebody" in again.stdout
    assert "refused: DICOM/S2/I025: truncated" in again.stderr
    assert list(memory.iterdir()) == []  # a complete import leaves no memory
    eventually(lambda: (study(server, known) or {}).get("number_of_instances") == 20)
    eventually(lambda: (study(server, unknown) or {}).get("number_of_instances") == 9)
    shown = study(server, known)
    assert shown is not None and shown["order_id"] == order["id"]

    def entries() -> list[dict[str, object]]:
        return [entry for entry in uploads(server) if entry["study_instance_uid"] in (known, unknown)]

    # 29 were sent, the cut one was not: complete
    complete = {
        "announced_files": 29,
        "under_way_since": None,
        "upload_status": "success",
        "upload_source": "cd_import",
    }
    eventually(lambda: [complete.items() <= entry.items() for entry in entries()] == [True, True])
    assert len({entry["upload_id"] for entry in entries()}) == 1


def test_a_dry_run_says_what_would_happen_and_sends_nothing(server: Server, tmp_path: Path) -> None:
    """The verdict of the arrival, per study; with an order named, it is the confirmed one."""
    order = place_order(server)
    folder = tmp_path / "cd"
    known, unknown = fill(folder, name="Quattlebaum^Zebedee")
    run = command(server, "import", str(folder), "--dry-run")
    assert run.returncode == 0, run.stderr
    lines = {line.split("\t")[0]: line.split("\t")[1:] for line in run.stdout.splitlines() if "\t" in line}
    assert lines[known][:2] == ["20", "none"] and lines[unknown][:2] == ["9", "none"]
    confirmed = command(server, "import", str(folder), "--dry-run", "--order", order["accession_number"])
    assert f"{known}\t20\texact\t{order['mrn']}\t{order['accession_number']}" in confirmed.stdout
    nobody = command(server, "import", str(folder), "--dry-run", "--order", "NO-SUCH")
    assert f"{known}\t20\trefused\t-\t-\torder_not_found" in nobody.stdout
    assert study(server, known) is None and study(server, unknown) is None


def test_an_import_for_an_order_is_linked_to_it_and_a_second_one_stores_nothing_twice(
    sqlite_server: Server, tmp_path: Path
) -> None:
    """As on the upload page with an order chosen."""
    order = place_order(sqlite_server)
    uid = generate_uid()
    for number in range(3):
        (tmp_path / f"{number}.dcm").write_bytes(small(StudyInstanceUID=uid, InstanceNumber=number))
    first = command(sqlite_server, "import", str(tmp_path), "--order", order["accession_number"])
    assert first.returncode == 0 and first.stdout.rstrip().splitlines()[-1].startswith("3 stored, 0 stored before")
    shown = study(sqlite_server, uid)
    assert shown is not None and shown["accession_number"] == order["accession_number"]
    (tmp_path / "new.dcm").write_bytes(small(StudyInstanceUID=uid, InstanceNumber=9))
    call = ("import", str(tmp_path), "--order", order["accession_number"])
    second = command(sqlite_server, *call)
    assert second.returncode == 0 and "1 stored, 0 stored before by somebody, 3 skipped" in second.stdout
    third = command(sqlite_server, *call)
    assert third.returncode == 0 and "0 stored, 0 stored before by somebody, 4 skipped" in third.stdout
    again = command(sqlite_server, *call, "--again")
    assert again.returncode == 0 and "0 stored, 4 stored before by somebody, 0 skipped" in again.stdout

    def told() -> list[tuple[object, ...]]:
        return [
            (entry["announced_files"], entry["upload_status"], entry["under_way_since"])
            for entry in uploads(sqlite_server)
            if entry["study_instance_uid"] == uid
        ]

    eventually(lambda: told() == [(files, "success", None) for files in (4, 1, 3)])


def test_what_somebody_else_has_is_sent_for_an_order_so_that_the_server_says_so(
    sqlite_server: Server, tmp_path: Path
) -> None:
    """Skipping it would leave the order without images, and nobody the wiser; without an order it is simply there."""
    theirs, ours = place_order(sqlite_server), place_order(sqlite_server)
    (tmp_path / "a.dcm").write_bytes(small())
    first = command(sqlite_server, "import", str(tmp_path), "--order", theirs["accession_number"])
    assert first.returncode == 0, first.stderr
    for option in (["--order", ours["accession_number"]], ["--patient", ours["mrn"]]):
        other = command(sqlite_server, "import", str(tmp_path), *option)
        assert other.returncode == 3 and "refused: a.dcm: study_recorded_otherwise" in other.stderr, other.stdout
    for option in ([], ["--patient", theirs["mrn"]]):
        same = command(sqlite_server, "import", str(tmp_path), *option)
        assert same.returncode == 0 and "1 skipped" in same.stdout, same.stderr


def test_an_interrupted_import_of_a_folder_that_was_there_in_part_ends_complete(
    sqlite_server: Server, tmp_path: Path
) -> None:
    """Left out before and after; the file on its way is sent again, and the entry has what was announced."""
    uid = generate_uid()
    for number in range(4):
        (tmp_path / f"{number}.dcm").write_bytes(small(StudyInstanceUID=uid, InstanceNumber=number))
    assert command(sqlite_server, "import", str(tmp_path)).returncode == 0
    for number in range(4, 10):
        (tmp_path / f"{number}.dcm").write_bytes(small(StudyInstanceUID=uid, InstanceNumber=number))
    relay = Relay(sqlite_server, silent_after=3)
    environ = {"PATH": "/usr/bin:/bin", "EHR_BRIDGE_JWT_SECRET": SECRET}
    call = [str(ROOT / "scripts" / "ehr-bridge"), "--data-dir", str(sqlite_server.data_dir), "import", str(tmp_path)]
    process = subprocess.Popen([*call, "--url", relay.url], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    eventually(lambda: relay.passed_on > 3)
    process.kill()
    process.communicate()
    relay.silent_after = 1000
    again = command(sqlite_server, "import", str(tmp_path), "--url", relay.url)
    relay.close()
    assert again.returncode == 0, again.stderr
    told = (
        "2 stored, 1 stored before by somebody, 4 skipped because the server has them, 3 sent before the interruption"
    )
    assert told in again.stdout
    complete = {"announced_files": 6, "upload_status": "success", "under_way_since": None}

    def latest() -> dict[str, object]:
        return next(entry for entry in uploads(sqlite_server) if entry["study_instance_uid"] == uid)

    eventually(lambda: complete.items() <= latest().items())


def test_an_import_that_no_file_can_pass_stops_at_once(sqlite_server: Server, tmp_path: Path) -> None:
    """An order that does not exist; an empty folder. What to do stands in the message."""
    (tmp_path / "a.dcm").write_bytes(small())
    wrong = command(sqlite_server, "import", str(tmp_path), "--order", "NO-SUCH")
    assert wrong.returncode == 1 and "order_not_found" in wrong.stderr
    (tmp_path / "empty").mkdir()
    empty = command(sqlite_server, "import", str(tmp_path / "empty"))
    assert empty.returncode == 1 and "no files" in empty.stderr


def test_the_doctor_finds_a_running_server_well(server: Server) -> None:
    """Every line is ok."""
    run = program(server, "doctor")
    assert "ok    server: runs" in run.stdout and "ok    database:" in run.stdout
    assert "FAIL" not in run.stdout, run.stdout
    assert run.returncode == 0


def test_the_doctor_names_what_is_wrong_and_what_to_do(sqlite_server: Server, tmp_path: Path) -> None:
    """An open data directory, a short secret, no database, a stranger at the port; nothing is changed."""
    data_dir = tmp_path / "var"
    data_dir.mkdir()
    data_dir.chmod(0o755)
    secret = data_dir / "jwt-secret"
    secret.write_text("short")
    secret.chmod(0o600)
    (data_dir / "orthanc.json").write_text(json.dumps({}))
    (data_dir / "orthanc.json").chmod(0o644)
    sick = Server(data_dir)
    sick.http_port = sqlite_server.dicom_port  # something answers there, and it is no HTTP server of ours
    environ = {"EHR_BRIDGE_JWT_SECRET": "", "EHR_BRIDGE_DATABASE_URL": ""}
    run = command(sick, "doctor", **environ)
    assert run.returncode == 1
    for told in (
        "FAIL  data directory: others can enter it",
        "chmod 0700",
        "FAIL  secret: shorter than 32 bytes",
        "FAIL  database: there is none yet",
        f"FAIL  server: an answer at port {sick.http_port} broke off",
        "If it is no server of ours, set EHR_BRIDGE_HTTP_PORT",
        "FAIL  orthanc.json: others can read it",
    ):
        assert told in run.stdout, run.stdout
    assert "short\n" not in run.stdout
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o755
    assert sorted(path.name for path in data_dir.iterdir()) == ["jwt-secret", "orthanc.json"]
    away = command(
        sick, "doctor", **environ | {"EHR_BRIDGE_DATABASE_URL": "postgresql+psycopg://u:s3cret@127.0.0.1:1/x"}
    )
    assert "PostgreSQL does not answer" in away.stdout and "s3cret" not in away.stdout + away.stderr


def test_the_audit_command_finds_an_altered_event(tmp_path: Path) -> None:
    """Behind the triggers' back, without a server."""
    import sqlite3

    server = Server(tmp_path / "var")
    made = command(server, "user", "add", "ada", "--name", "Ada", "--role", "admin", typed="long enough\n")
    assert made.returncode == 0, made.stderr
    assert "1 events, every one there" in command(server, "audit", "verify").stdout
    with sqlite3.connect(server.data_dir / "ehr-bridge.sqlite3") as connection:
        connection.execute("DROP TRIGGER audit_events_no_update")
        connection.execute(f"UPDATE audit_events SET actor = '{uuid.uuid4()}'")
    broken = command(server, "audit", "verify")
    assert broken.returncode == 1 and "broken at event 1" in broken.stderr
