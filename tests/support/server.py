"""The real thing for tests: Orthanc with the plugin, started as a user starts it, on free ports, in its own folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from ehr_bridge.auth.tokens import TokenRules, make_user_token
from ehr_bridge.shared_folders import OURS
from tests.support import ports

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180
"""Seconds for one request, and for a server to end: a machine that does other things too may need most of them."""
MOST_OF_AN_ANSWER = 500
A_LONG_DAY = timedelta(hours=12)
"""Tests make tokens when they are collected, and use them when it is their turn: on a slow machine much later."""
SECRET = "a-secret-that-only-the-tests-know-0123456789"
RULES = TokenRules(SECRET, "orthanc-ehr-bridge")


def user_token(*roles: str, subject: str = "tester", ttl: timedelta = A_LONG_DAY, **changes: Any) -> str:
    """A token as the EHR makes it."""
    rules = TokenRules(changes.get("secret", SECRET), changes.get("audience", "orthanc-ehr-bridge"))
    called = changes.get("name", subject)
    return make_user_token(rules, subject=subject, name=called, roles=roles, now=datetime.now(UTC), ttl=ttl)


_last: list[requests.Response] = []


def last_answer() -> str:
    """What a server said last to a test of this process: for the message of a test that waited in vain."""
    return "; ".join(
        f"{answer.status_code} to {answer.request.method} {answer.url}: {answer.content[:MOST_OF_AN_ANSWER]!r}"
        for answer in _last
    )


class Server:
    """One running Orthanc with the bridge inside."""

    def __init__(self, data_dir: Path, environ: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.http_port, self.dicom_port = ports.free(), ports.free()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.environ = dict(environ or {})
        self.process: subprocess.Popen[str] | None = None
        self.output: list[str] = []
        self._resting: list[int] = []

    @property
    def shared(self) -> Path:
        """The folder that nodes share, inside that of the images."""
        return Path(self.environ.get("DICOM_STORAGE_PATH", self.data_dir / "images")) / OURS

    def stored_files(self) -> list[Path]:
        """What Orthanc keeps in the folder of the images."""
        paths = sorted(self.shared.parent.rglob("*"))
        return [path for path in paths if path.is_file() and not path.is_relative_to(self.shared)]

    @property
    def database_url(self) -> str:
        default = f"sqlite:///{self.data_dir / 'ehr-bridge.sqlite3'}"
        return self.environ.get("EHR_BRIDGE_DATABASE_URL", default)

    def set(self, variable: str, value: str) -> None:
        """An environment variable for the next start."""
        self.environ[variable] = value

    @property
    def program(self) -> list[str]:
        """The launcher, as a command."""
        return [sys.executable, "-m", "plugin.launch"]

    def start(self, *arguments: str) -> None:
        """Start and wait for the ready line."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("EHR_BRIDGE_", "MAX_", "ORTHANC_"))}
        environ |= {"PYTHONPATH": str(ROOT), "EHR_BRIDGE_JWT_SECRET": SECRET}
        environ |= {"EHR_BRIDGE_FHIR_PORT": "0", **self.environ}  # the port beside ours may be another server's
        command = [*self.program, "--http-port", str(self.http_port)]
        command += ["--dicom-port", str(self.dicom_port), "--data-dir", str(self.data_dir), *arguments]
        if "--demo" in command:
            command.remove("--demo")
        else:
            command.append("--no-demo")
        self.process = subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.data_dir.parent
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line.rstrip())
            if line.startswith("ready:"):
                return
        raise AssertionError("did not start:\n" + "\n".join(self.output))

    def stop(self) -> int:
        """Ctrl-C; answers the exit code.

        Orthanc's listeners look every two seconds (HTTP) and every second (DICOM) whether they are to end, and whenever
        somebody connects.
        """
        assert self.process is not None
        self.wake()
        self.process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    raise
                ports.knock(self.http_port)
                ports.knock(self.dicom_port)

    def children(self) -> list[str]:
        """The process ids below the launcher: Orthanc's."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()

    def kill(self) -> None:
        """kill -9 Orthanc and its launcher, at once."""
        assert self.process is not None
        self.wake()
        children = self.children()
        self.process.kill()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        self.process.wait()
        for child in children:
            while not is_dead(child):
                time.sleep(0.001)

    def rest(self) -> None:
        """Stop all its processes where they are (SIGSTOP) until `wake`; it takes nothing of the processor meanwhile."""
        if not self._resting and self.process is not None and self.process.poll() is None:
            self._resting = [self.process.pid]
            for process in self._resting:  # grows: a stopped process starts no other
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGSTOP)
                self._resting += children_of(process)

    def wake(self) -> None:
        """Those that a process waits for go on before it does."""
        while self._resting:
            with suppress(ProcessLookupError):
                os.kill(self._resting.pop(), signal.SIGCONT)

    def end(self) -> None:
        """Whatever state it is in: afterwards it does not run."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def request(self, method: str, path: str, token: str | None = None, **options: Any) -> requests.Response:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        answer = requests.request(method, self.url + path, headers=headers, timeout=PATIENCE, **options)
        if not options.get("stream"):
            _last[:] = [answer]
        return answer

    def get(self, path: str, *roles: str, **options: Any) -> requests.Response:
        return self.request("GET", path, user_token(*roles) if roles else None, **options)

    def put(self, path: str, body: Mapping[str, Any], *roles: str) -> requests.Response:
        return self.request("PUT", path, user_token(*(roles or ("service",))), json=body)

    def log(self) -> str:
        return (self.data_dir / "orthanc.log").read_text(errors="replace")


def children_of(pid: int) -> list[int]:
    """Of any of its threads; none when it has ended."""
    with suppress(OSError):
        tasks = sorted(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return []


def is_dead(pid: str) -> bool:
    """Whether all threads have ended. The first one may be a zombie while another still writes a file, and the ports
    are in use until the last has ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        return state == "Z" and len(list(Path(f"/proc/{pid}/task").iterdir())) == 1
    except OSError:
        return True
