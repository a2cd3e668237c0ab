"""The log of the real server: JSON by setting, turned over while it runs, and shown in the foreground."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from tests.live.door_steps import c_store
from tests.live.worklist_steps import audited
from tests.support.samples import small
from tests.support.server import SECRET, Server, user_token
from tests.support.steps import eventually, place_order, upload

SERVES = "the gate stands in the path"
HL7 = {"Content-Type": "application/hl7-v2"}


def test_the_file_is_turned_over_and_the_next_process_writes_to_the_new_one(tmp_path: Path) -> None:
    """Orthanc's own lines too; and what it says after it died and was started again is not in the old file."""
    data_dir = tmp_path / "var"
    data_dir.mkdir()
    (data_dir / "orthanc.log").write_bytes(b"an old line\n" * 100_000)
    server = Server(data_dir, {"EHR_BRIDGE_LOG_MAX_MB": "1", "EHR_BRIDGE_LOG_KEPT": "1"})
    server.start()
    try:
        former = data_dir / "orthanc.log.1"
        eventually(former.exists)
        eventually(lambda: SERVES in former.read_text())
        assert former.read_text().startswith("an old line\n")
        assert SERVES not in server.log()
        os.kill(int(server.children()[0]), signal.SIGKILL)
        eventually(lambda: SERVES in server.log())
        assert "Orthanc version" in server.log()
        assert (data_dir / "orthanc.log").stat().st_mode & 0o077 == 0
    finally:
        server.end()


def test_our_lines_are_json_where_the_setting_says_so(tmp_path: Path) -> None:
    """Beside Orthanc's own lines, which stay text."""
    server = Server(tmp_path / "var", {"EHR_BRIDGE_LOG_FORMAT": "json"})
    server.start()
    try:

        def ours() -> list[dict[str, str]]:
            lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
            return [line for line in lines if SERVES in line["message"]]

        (serves,) = eventually(ours)
        assert (serves["level"], serves["logger"]) == ("WARNING", "plugin.running.compose")
        assert set(serves) == {"time", "level", "logger", "message", "request_id"}
        assert SERVES not in "".join(line for line in server.log().splitlines() if not line.startswith("{"))
    finally:
        server.end()


def test_no_log_names_a_patient_or_holds_a_token(sqlite_server: Server) -> None:
    """Whoever reads the log to find a fault must not learn who was here. Every door, right and wrong, and a defect of
    the caller's in each."""
    server, token = sqlite_server, user_token("technician", subject="walburga")
    order = place_order(server, family_name="Grauvogel", given_name="Zdenka")
    named = {"PatientName": "GRAUVOGEL^ZDENKA", "PatientID": order["mrn"], "StudyDescription": "Oberbauchsonographie"}
    image = small(**named, AccessionNumber=order["accession_number"])
    assert upload(server, image).status_code == 201
    assert c_store(server, small(**named)) == [0]
    assert upload(server, image[:700]).status_code == 422
    assert upload(server, small(**named, StudyInstanceUID="1.2.GRAUVOGEL")).status_code == 422
    ask = server.request
    assert ask("GET", f"/api/v1/patients/{order['mrn']}", "x" + token).status_code == 401
    assert ask("PUT", f"/api/v1/patients/{order['mrn']}", token, json={"family_name": 7}).status_code == 422
    assert ask("POST", "/api/v1/auth/login", json={"username": "Grauvogel", "password": "Zdenka-7"}).status_code == 401
    assert ask("POST", "/api/v1/hl7", user_token("service"), data=b"MSH|^~\\&|GRAUVOGEL", headers=HL7).status_code < 500
    assert ask("GET", f"/studies?q={order['mrn']}", token).status_code == 403
    eventually(lambda: server.get("/api/v1/system", "admin").json()["queue"]["instances_to_record"] == 0)
    said = "".join(file.read_text(errors="replace") for file in server.data_dir.glob("orthanc.log*")).lower()
    assert SERVES in said
    of_people = "grauvogel", "zdenka", "oberbauch", "walburga", order["mrn"], order["accession_number"]
    for secret in (*of_people, token, token.split(".")[2], SECRET):
        assert secret.lower() not in said, secret


def test_in_the_foreground_all_is_shown_and_orthanc_waits_for_no_reader_nor_its_launcher(tmp_path: Path) -> None:
    """What Orthanc refuses by itself is in the audit trail as under scripts/run. A launcher that is killed takes
    nothing with it, and what it had shown is what the file says."""
    server = Server(tmp_path / "var", {"EHR_BRIDGE_DICOM_ACCESS": "known"})
    (tmp_path / "one.dcm").write_bytes(small())
    server.start("--foreground")
    (orthanc,) = server.children()
    assert server.process is not None and server.process.stdout is not None
    try:
        _store(server, "STRANGER", tmp_path / "one.dcm")
        eventually(lambda: [one["detail"]["route"] for one in audited(server, "STRANGER")] == ["DIMSE Store"])
        assert server.get("/api/v1/health").status_code == 200
        server.process.kill()
        server.process.wait()
        shown = "\n".join(server.output) + "\n" + server.process.stdout.read()
        assert SERVES in shown and 'Rejected Store request from remote DICOM modality with AET "STRANGER"' in shown
        _store(server, "LATER", tmp_path / "one.dcm")
        eventually(lambda: [one["detail"]["route"] for one in audited(server, "LATER")] == ["DIMSE Store"])
        assert 'with AET "LATER"' in server.log() and 'with AET "LATER"' not in shown
        assert set(server.log().splitlines()) >= {line for line in shown.splitlines() if line.startswith("W")}
    finally:
        server.end()
        os.kill(int(orthanc), signal.SIGKILL)


def _store(server: Server, calling: str, file: Path) -> None:
    """It is refused."""
    command = ["/usr/bin/storescu", "-aet", calling, "-aec", "ORTHANC", "127.0.0.1", str(server.dicom_port), str(file)]
    assert subprocess.run(command, capture_output=True, timeout=180, check=False).returncode != 0
