"""The two servers that are compared: Orthanc alone, and Orthanc with the bridge inside, each in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import requests

from ehr_bridge.settings import load_settings
from plugin.serving.pages import OHIF
from plugin.starting import orthanc_config
from plugin.starting.orthanc_config import ORTHANC
from tests.support import ports
from tests.support.server import SECRET, Server, user_token

START_SECONDS = 60
DICOM_JSON = "application/dicom+json"
INDEX = "EHR_BRIDGE_ORTHANC_DATABASE_URL"
ENVIRONMENT = {"TCP_NODELAY": "1", "MALLOC_ARENA_MAX": "4"}
"""As the launcher sets it, for both servers. The first is for DCMTK: without it each C-STORE response waits some 40 ms
for a delayed acknowledgement on loopback; servers that sleep most of the time would look alike, whatever they do. The
allocator that the launcher chooses is the product's own; with `LD_PRELOAD=libjemalloc.so.2` both servers have it."""


class Failed(Exception):
    """The benchmark cannot vouch for what it would report."""


class Side(Protocol):
    """One of the two, as far as the clients and the checks need it."""

    name: str
    http_port: int
    dicom_port: int

    def authorization(self) -> str | None:
        """The header that may read everything; None where nobody asks for one."""

    def stop(self) -> int:
        """End it; answers the exit code."""


class Bare:
    """The same packages and configuration without the Python plugin; on demand with OHIF, as Orthanc serves files."""

    name = "bare"

    def __init__(self, data_dir: Path, environ: Mapping[str, str], *, with_viewer: bool = False) -> None:
        self.http_port, self.dicom_port = ports.free(), ports.free()
        settings = load_settings(
            {
                "EHR_BRIDGE_DATA_DIR": str(data_dir),
                "EHR_BRIDGE_HTTP_PORT": str(self.http_port),
                "EHR_BRIDGE_DICOM_PORT": str(self.dicom_port),
                "EHR_BRIDGE_JWT_SECRET": SECRET,
                **environ,
            }
        )
        path = orthanc_config.write(settings)
        config = without_bridge(orthanc_config.render(settings))
        path.write_text(json.dumps(with_ohif(config) if with_viewer else config, indent=2))
        self._log = data_dir / "orthanc.log"
        self._command = [ORTHANC, str(path)]
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(self._command, stdout=log, stderr=log, env=os.environ | ENVIRONMENT)

    def die(self) -> None:
        """kill -9, and a new start at once."""
        self._process.kill()
        self._process.wait()
        self._process = self._start()

    def wait_until_ready(self) -> None:
        """Raises Failed when it ends or does not answer."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if requests.get(f"http://127.0.0.1:{self.http_port}/system", timeout=2).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise Failed(f"bare Orthanc did not start:\n{self._log.read_text(errors='replace')[-2000:]}")

    def authorization(self) -> str | None:
        return None

    def stop(self) -> int:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=60)


class Product:
    """Started by its launcher, as a user starts it."""

    name = "product"

    def __init__(self, data_dir: Path, environ: Mapping[str, str] | None = None) -> None:
        self._server = Server(data_dir, ENVIRONMENT | dict(environ or {}))
        self.http_port, self.dicom_port = self._server.http_port, self._server.dicom_port

    @property
    def database_url(self) -> str:
        return self._server.database_url

    def wait_until_ready(self) -> None:
        try:
            self._server.start()
        except AssertionError as error:
            raise Failed(f"the product {error}") from error

    def authorization(self) -> str | None:
        return f"Bearer {self.token('radiologist')}"

    def token(self, role: str, number: int = 0) -> str:
        """The EHR's token for one of its people, by number."""
        return user_token(role, subject=f"bench-{number}-{time.monotonic_ns()}" if number else "bench")

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Write a patient or an order as the EHR does."""
        answer = self._server.put(path, body)
        if answer.status_code not in (200, 201):
            raise Failed(f"PUT {path}: {answer.status_code} {answer.text}")
        written: dict[str, Any] = answer.json()
        return written

    def register(self, ae_title: str, *may: str) -> None:
        """A modality on this machine that may do this."""
        body = {"host": "127.0.0.1", "port": 104, "may": list(may)}
        answer = self._server.put(f"/api/v1/modalities/{ae_title}", body, "admin")
        if answer.status_code not in (200, 201):
            raise Failed(f"modality: {answer.status_code} {answer.text}")

    def viewer_token(self, wish: dict[str, Any]) -> str:
        """What OHIF gets to see the wished studies with."""
        answer = self._server.request(
            "POST", "/api/v1/dicom/viewer-token", self.token("radiologist"), json={**wish, "ttl_seconds": 3600}
        )
        if answer.status_code != 201:
            raise Failed(f"viewer token: {answer.status_code} {answer.text}")
        token: str = answer.json()["token"]
        return token

    def viewer_link(self, study_instance_uid: str) -> str:
        """Where the EHR sends the browser, without the host."""
        link: str = get_json(self, f"/api/v1/dicom/viewer-url/{study_instance_uid}", self.authorization())["url"]
        return link

    def stored_files(self) -> list[Path]:
        """The DICOM files in its archive, as they lie there."""
        folder = load_settings({"EHR_BRIDGE_DATA_DIR": str(self._server.data_dir)}).storage_path
        return [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_dicom(path)]

    def die(self) -> None:
        """kill -9 of Orthanc; the supervisor lives on."""
        (orthanc,) = self._server.children()
        os.kill(int(orthanc), signal.SIGKILL)
        while orthanc in self._server.children():
            time.sleep(0.001)

    def processor(self) -> float:
        """Seconds of processor time that this Orthanc has taken, the user's and the system's (proc_pid_stat(5))."""
        (orthanc,) = self._server.children()
        fields = Path(f"/proc/{orthanc}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> int:
        process = self._server.process
        return self._server.stop() if process is not None and process.poll() is None else 0


def _is_dicom(path: Path) -> bool:
    """Whether it begins as PS3.10 section 7.1 says."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def without_bridge(config: dict[str, Any]) -> dict[str, Any]:
    """The product's configuration minus its Python plugin, open to loopback only. Orthanc's own checksum of each file
    is on, as it is by default: the product keeps another in its place (ADR 0015)."""
    plugins = [path for path in config["Plugins"] if not path.endswith("libOrthancPython.so")]
    rest = {name: value for name, value in config.items() if name != "Python"}
    own = {"StoreMD5ForAttachments": True, "AuthenticationEnabled": False, "RemoteAccessAllowed": False}
    return {**rest, **own, "Plugins": plugins}


def with_ohif(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the same OHIF build under the same address, cached by browsers as the product's is."""
    folders = {"Folders": {"/ohif": str(OHIF)}, "AllowCache": True, "Extensions": {"wasm": "application/wasm"}}
    plugin = orthanc_config.PLUGINS / "libServeFolders.so"
    return config | {"Plugins": [*config["Plugins"], str(plugin)], "ServeFolders": folders}


def get_json(side: Side, path: str, authorization: str | None = None) -> Any:
    """One GET outside the timing; raises Failed unless it answers 200."""
    headers = {"Accept": DICOM_JSON if path.startswith("/dicom-web") else "application/json"}
    if (value := authorization or side.authorization()) is not None:
        headers["Authorization"] = value
    answer = requests.get(f"http://127.0.0.1:{side.http_port}{path}", headers=headers, timeout=60)
    if answer.status_code != 200:
        raise Failed(f"{side.name}: GET {path}: {answer.status_code} {answer.text[:300]}")
    return answer.json()
