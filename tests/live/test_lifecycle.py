"""Start, stop, wrong settings, and a plug that is pulled."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pydicom
import pytest
import requests

from tests.conftest import PostgresCluster
from tests.live.door_steps import c_store
from tests.support import ports
from tests.support.running import running
from tests.support.samples import small
from tests.support.server import ROOT, SECRET, Server
from tests.support.steps import eventually, place_order, study, the_study, upload


def launch(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    base = {k: v for k, v in os.environ.items() if not k.startswith(("EHR_BRIDGE_", "ORTHANC_"))}
    return subprocess.run(
        [sys.executable, "-m", "plugin.launch", *arguments],
        env=base | {"PYTHONPATH": str(ROOT)} | environ,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("EHR_BRIDGE_HTTP_PORT", "http"),
        ("EHR_BRIDGE_HTTP_PROT", "8042"),
        ("EHR_BRIDGE_JWT_SECRET", "short"),
        ("EHR_BRIDGE_DATABASE_URL", "mysql://x"),
        ("EHR_BRIDGE_BIND", "example.org"),
        ("EHR_BRIDGE_DEMO", "maybe"),
        ("MAX_DICOM_FILE_SIZE_MB", "-1"),
        ("ORTHANC_USERNAME", "ehr"),
        ("OHIF_VIEWER_URL", "viewer"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(tmp_path: Path, variable: str, value: str) -> None:
    """Said in one line, before anything is created."""
    result = launch("--data-dir", str(tmp_path / "var"), **{variable: value})
    assert result.returncode == 2
    assert variable in result.stderr
    assert value not in result.stderr or variable.endswith("PROT")
    assert not (tmp_path / "var").exists()


def test_a_database_of_a_newer_version_stops_the_start(tmp_path: Path) -> None:
    """Said in one line; nothing in it is changed."""
    (tmp_path / "var").mkdir()
    path = tmp_path / "var" / "ehr-bridge.sqlite3"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('9999_later')")
    ports_ = ("--http-port", str(ports.free()), "--dicom-port", str(ports.free()))
    result = launch("--data-dir", str(tmp_path / "var"), *ports_)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("cannot start: the database has the schema 9999_later")
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("alembic_version",)]


def test_an_unknown_option_stops_the_start() -> None:
    """With the known ones."""
    result = launch("--port", "1")
    assert result.returncode == 2 and "--http-port" in result.stderr


def test_a_taken_port_is_named(sqlite_server: Server, tmp_path: Path) -> None:
    """With the variable to change."""
    result = launch("--data-dir", str(tmp_path), "--http-port", str(sqlite_server.http_port))
    assert result.returncode == 1 and "EHR_BRIDGE_HTTP_PORT" in result.stderr


def test_a_database_that_is_away_stops_the_start_with_a_reason(tmp_path: Path) -> None:
    """Without its password in the message."""
    url = "postgresql+psycopg://bridge:s3cret-pass@127.0.0.1:1/none"
    result = launch("--data-dir", str(tmp_path), EHR_BRIDGE_DATABASE_URL=url)
    assert result.returncode == 1
    assert "database" in result.stderr and "s3cret-pass" not in result.stderr + result.stdout


def test_the_memory_of_orthanc_comes_from_jemalloc_unless_told_otherwise(sqlite_server: Server, tmp_path: Path) -> None:
    """What is mapped into the running process says it. The library that bounds nesting is there either way."""
    with running(tmp_path, LD_PRELOAD="") as told_otherwise:
        for server, is_loaded in ((sqlite_server, True), (told_otherwise, False)):
            (orthanc,) = server.children()
            maps = Path(f"/proc/{orthanc}/maps").read_text()
            assert ("libjemalloc" in maps) is is_loaded
            assert "ehr-bridge-depth.so" in maps


def launch_without_preload(folder: Path, **environ: str) -> subprocess.Popen[str]:
    """The launcher, which loads no library of ours and would not miss it."""
    script = (
        "import sys; from plugin import launch; launch._preload = lambda _: None; sys.exit(launch.main(sys.argv[1:]))"
    )
    return subprocess.Popen(
        [
            sys.executable,
            *("-c", script, "--data-dir", str(folder / "var"), "--no-demo"),
            *("--http-port", str(ports.free()), "--dicom-port", str(ports.free())),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "EHR_BRIDGE_JWT_SECRET": SECRET, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_with_the_thread_stacks_of_orthanc_the_server_refuses_to_serve(tmp_path: Path) -> None:
    """100 kB for a thread that serves HTTP; measured on such a thread."""
    process = launch_without_preload(tmp_path)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "stack of 102400 bytes" in said and "EHR_BRIDGE_SMALL_STACKS" in said


def test_a_setting_lets_the_server_serve_on_small_stacks(tmp_path: Path) -> None:
    """Whoever cannot compile decides himself; what comes by HTTP is counted before it is read all the same."""
    process = launch_without_preload(tmp_path, EHR_BRIDGE_SMALL_STACKS="1")
    assert process.stdout is not None
    assert any(line.startswith("ready:") for line in process.stdout)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=300) == 0


def test_demo_data_is_made_once_and_a_second_start_keeps_everything(tmp_path: Path) -> None:
    """Two starts: the same accounts, orders and images; a demo account can sign in; Ctrl-C ends cleanly."""
    for _ in range(2):
        server = Server(tmp_path / "var")
        server.start("--demo")
        assert server.process is not None and server.process.stdout is not None
        lines = [server.process.stdout.readline() for _ in range(2)]
        password = next(line for line in lines if line.startswith("password:")).split()[1]
        body = {"username": "radiographer", "password": password}
        answer = server.request("POST", "/api/v1/auth/login", json=body)
        assert answer.status_code == 200
        studies = server.get("/api/v1/dicom/studies", "nurse").json()
        assert sorted(s["number_of_instances"] for s in studies["items"]) == [7, 120]
        assert server.get("/api/v1/orders", "nurse").json()["total"] == 5
        assert server.stop() == 0


def test_a_database_that_goes_away_refuses_uploads_and_keeps_modalities_images(
    tmp_path: Path, own_postgres: PostgresCluster
) -> None:
    """HTTP hears 503 and sends again; C-STORE is kept as it came and recorded when the database is back."""
    server = Server(tmp_path / "var", {"EHR_BRIDGE_DATABASE_URL": own_postgres.new_database()})
    server.start()
    order = place_order(server)
    data = small()
    uid = str(pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID)
    own_postgres.stop()
    try:
        answer = upload(server, small(), X_Order_Id=order["id"])
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert "Retry-After" in answer.headers
        assert c_store(server, data) == [0]
        assert server.get("/api/v1/health").json()["status"] == "degraded"
    finally:
        own_postgres.restart()
    kept = {"link_status": "unlinked", "number_of_instances": 1}
    eventually(lambda: kept.items() <= the_study(server, uid).items())
    eventually(lambda: upload(server, small(), X_Order_Id=order["id"]).status_code == 201)
    assert server.stop() == 0


def test_without_the_gate_in_the_path_the_server_refuses_to_serve(tmp_path: Path) -> None:
    """A filter that does not see the requests: Orthanc is ended, not left open."""
    script = tmp_path / "main.py"
    source = (ROOT / "plugin" / "main.py").read_text()
    source = source.replace("Path(__file__).resolve().parents[1]", f"Path({str(ROOT)!r})")
    script.write_text(
        source.replace(
            "CALLBACKS = install(orthanc, os.environ)",
            "class WithoutFilter:\n"
            "    def __getattr__(self, name):\n"
            "        return getattr(orthanc, name)\n"
            "    def RegisterIncomingHttpRequestFilter(self, callback):\n"
            "        pass\n"
            "CALLBACKS = install(WithoutFilter(), os.environ)\n",
        )
    )
    launcher = (
        "import sys, pathlib; from plugin import launch; from plugin.starting import orthanc_config\n"
        "render = orthanc_config.render\n"
        "def broken(settings):\n"
        "    config = render(settings)\n"
        f"    config['Python']['Path'] = {str(script)!r}\n"
        "    return config\n"
        "orthanc_config.render = broken\n"
        "sys.exit(launch.main(sys.argv[1:]))\n"
    )
    result = subprocess.run(
        [
            sys.executable,
            *("-c", launcher, "--data-dir", str(tmp_path / "var"), "--no-demo"),
            *("--http-port", str(ports.free()), "--dicom-port", str(ports.free())),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "EHR_BRIDGE_JWT_SECRET": SECRET},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 1
    assert "refusing to serve" in result.stderr


def wait_until_back(server: Server, dead: str) -> None:
    """Another process answers with its gate open."""
    eventually(lambda: server.children() not in ([], [dead]) and is_well(server))


def is_well(server: Server) -> bool:
    try:
        return bool(server.get("/api/v1/health").json()["checks"]["gate"] == "ok")
    except (requests.RequestException, ValueError):
        return False


def stored_pixels(server: Server) -> dict[str, bytes]:
    """Of each image in the folder of the images, by its SOP Instance UID."""
    found = {}
    for file in (server.data_dir / "images").glob("??/??/*"):
        with suppress(FileNotFoundError):  # just replaced, because the order is written into it
            image = pydicom.dcmread(file, force=True)
            found[str(image.get("SOPInstanceUID"))] = bytes(image.get("PixelData", b""))
    return found


def test_an_orthanc_that_dies_is_started_again_and_counted(tmp_path: Path) -> None:
    """What was acknowledged just before is there after, to the last pixel, and has its rows; the launcher still stops
    it at Ctrl-C."""
    with running(tmp_path) as server:
        order = place_order(server)
        sent = [small() for _ in range(3)]
        assert upload(server, sent[0], X_Order_Id=order["id"]).status_code == 201
        assert c_store(server, *sent[1:]) == [0, 0]
        (dead,) = server.children()
        os.kill(int(dead), signal.SIGSEGV)
        wait_until_back(server, dead)
        for image in (pydicom.dcmread(io.BytesIO(data)) for data in sent):
            uid = str(image.StudyInstanceUID)
            eventually(lambda uid=uid: (seen := study(server, uid)) and seen["number_of_instances"] == 1)
            pixels = str(image.SOPInstanceUID), bytes(image.PixelData)
            eventually(lambda pixels=pixels: pixels in stored_pixels(server).items())
        said = server.get("/api/v1/system", "admin").json()
        assert (said["restarts"]["recent"], said["restarts"]["cause"]) == (1, "signal SIGSEGV")
        assert "restarted" in [each["code"] for each in said["attention"]]
        assert c_store(server, small()) == [0]


def test_scripts_serve_supervises_passes_signals_on_and_gives_up_in_the_end(tmp_path: Path) -> None:
    """SIGTERM ends it with 0; what dies five times within five minutes is left dead, in words."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("EHR_BRIDGE_", "ORTHANC_"))}
    http, dicom = str(ports.free()), str(ports.free())
    command = [str(ROOT / "scripts" / "serve"), "--data-dir", str(tmp_path / "var")]
    command += ["--http-port", http, "--dicom-port", dicom]

    def serve() -> subprocess.Popen[str]:
        log = (tmp_path / "log").open("w")
        return subprocess.Popen(
            command, env=environ | {"EHR_BRIDGE_JWT_SECRET": SECRET}, stdout=log, stderr=log, text=True
        )

    def child(process: subprocess.Popen[str]) -> str:
        try:
            return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().strip()
        except OSError:  # it has just ended
            return ""

    def orthanc_of(process: subprocess.Popen[str]) -> str:
        """The launcher's child once it serves: before, the launcher asks Orthanc for its version."""
        try:
            pid = child(process)
            return pid if pid.isdigit() and "orthanc.json" in Path(f"/proc/{pid}/cmdline").read_text() else ""
        except OSError:
            return ""

    def answers() -> bool:
        try:
            health = requests.get(f"http://127.0.0.1:{http}/api/v1/health", timeout=60).json()
            return bool(health["checks"]["gate"] == "ok")
        except (requests.RequestException, ValueError):
            return False

    process = serve()
    try:
        os.kill(int(eventually(lambda: orthanc_of(process))), signal.SIGKILL)  # before it answers
        eventually(answers)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=300) == 0
        process = serve()
        eventually(answers)
        for _ in range(5):
            orthanc = eventually(lambda: child(process))
            os.kill(int(orthanc), signal.SIGKILL)
            eventually(lambda dead=orthanc: process.poll() is not None or child(process) not in ("", dead))
        assert process.wait(timeout=300) == 1
        assert "died 5 times within 300 seconds, at last with signal SIGKILL" in (tmp_path / "log").read_text()
        assert not answers()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=300)
