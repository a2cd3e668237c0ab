"""The process beside Orthanc: it serves the open port, is started again when it dies, and never outlives Orthanc."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from plugin.beside import lines
from plugin.beside import process as process_beside
from plugin.beside.lines import READY, STOP, heard
from plugin.beside.process import Beside
from tests.conftest import sqlite_template
from tests.support.server import SECRET, is_dead
from tests.support.steps import eventually

CHILD = "tests.support.beside_child"
HERE = Path(__file__).resolve().parents[2]


def told_of_others(log: pytest.LogCaptureFixture, text: str) -> bool:
    return any(text in record.getMessage() for record in log.records)


@contextmanager
def beside(told: list[str]) -> Iterator[Beside]:
    kept = Beside(CHILD, lambda: socket.create_server(("127.0.0.1", 0)), {"changed": partial(told.append, "changed")})
    kept.start()
    try:
        yield kept
    finally:
        kept.stop()


def ask(port: int, word: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(word)
        return peer.recv(100)


def nobody_answers(port: int) -> bool:
    """As the child does: a port that is free again may be another test's by now."""
    try:
        return ask(port, b"change") != b"done"
    except OSError:
        return True


def test_what_the_process_says_is_followed_and_its_log_is_passed_on(caplog: pytest.LogCaptureFixture) -> None:
    """Also what Python prints when something fails is in the log."""
    told: list[str] = []
    with beside(told) as kept, caplog.at_level(logging.INFO):
        assert kept.is_well
        assert ask(kept.port, b"change") == b"done"
        assert eventually(lambda: told == ["changed"])
        assert ask(kept.port, b"log") == b"done"
        assert eventually(lambda: told_of_others(caplog, "a line of the child"))
        assert ask(kept.port, b"print") == b"done"
        assert eventually(lambda: told_of_others(caplog, "printed, and not in our form"))
        process, port = kept.process_id, kept.port
    assert process is not None and eventually(lambda: is_dead(str(process)))
    assert nobody_answers(port)


def test_what_a_message_has_to_say_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is answered, however it went. Log records do not wait for it."""
    heard, said = os.pipe()
    monkeypatch.setattr(lines, "STDOUT", said)

    def written() -> list[str]:
        return [json.loads(one)["what"] for one in os.read(heard, 65_536).splitlines()]

    record = logging.LogRecord("hl7", logging.WARNING, __file__, 1, "late", None, None)
    with pytest.raises(ZeroDivisionError), lines.saying_at_once():
        lines.say(lines.CHANGED)
        lines.say_counted("events", ("order.created",))
        lines.LineHandler().emit(record)
        assert written() == [lines.LOG]
        raise ZeroDivisionError
    assert written() == [lines.CHANGED, lines.COUNTED]
    lines.say(lines.CHANGED)
    assert written() == [lines.CHANGED]
    os.close(heard)
    os.close(said)


def test_a_process_that_dies_is_started_again_and_its_peers_wait(caplog: pytest.LogCaptureFixture) -> None:
    """kill -9: who connects meanwhile is answered by the next one, on the same port. What the dead one may have
    committed without saying so is followed."""
    told: list[str] = []
    with beside(told) as kept:
        assert ask(kept.port, b"change") == b"done"
        first = kept.process_id
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: is_dead(str(first)))
        assert ask(kept.port, b"change") == b"done"
        assert kept.process_id != first
        assert eventually(lambda: kept.is_well)
        assert eventually(lambda: len(told) == 3)
    assert told_of_others(caplog, "is started again")


def test_it_ends_with_orthanc_however_that_ends() -> None:
    """kill -9 of the process that started it: nobody is left who could write or hold the port."""
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.support.beside_keeper", CHILD], stdout=subprocess.PIPE, cwd=HERE
    )
    assert keeper.stdout is not None
    child, port = map(int, keeper.stdout.readline().split())
    assert ask(port, b"change") == b"done"
    keeper.kill()
    keeper.wait()
    assert eventually(lambda: is_dead(str(child)))
    assert nobody_answers(port)


@pytest.fixture
def taker(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process that takes HL7 messages, serving on a database of its own."""
    shutil.copy(sqlite_template(), tmp_path / "ehr-bridge.sqlite3")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EHR_BRIDGE_")}
    environ |= {"EHR_BRIDGE_DATA_DIR": str(tmp_path), "EHR_BRIDGE_JWT_SECRET": SECRET, "PYTHONPATH": str(HERE)}
    with socket.create_server(("127.0.0.1", 0)) as port:
        process = subprocess.Popen(
            [sys.executable, "-m", "plugin.beside.hl7", str(port.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(port.fileno(),),
            env=environ,
        )
        assert process.stdout is not None
        assert any(heard(line) == READY for line in process.stdout)
        yield process
        process.kill()
        process.communicate()


def test_the_service_manager_does_not_end_it_in_the_middle_of_a_message(taker: subprocess.Popen[bytes]) -> None:
    """systemd tells all processes of a service to end, at the same time; Orthanc says when. It ends as it should."""
    for one in (signal.SIGTERM, signal.SIGINT):
        taker.send_signal(one)
    assert taker.stdin is not None and taker.stdout is not None
    taker.stdin.write(STOP)
    taker.stdin.flush()
    assert (taker.wait(120), taker.stdout.read()) == (0, b"")


def test_what_ends_both_is_no_error(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends a moment before Orthanc says that it ends too: that is not in the log as a failure."""
    monkeypatch.setattr(process_beside, "FIRST_PAUSE", 60.0)
    with beside([]) as kept:
        assert ask(kept.port, b"change") == b"done"
        process = kept.process_id
        assert process is not None
        os.kill(process, signal.SIGTERM)
        assert eventually(lambda: not kept.is_well)
    assert not told_of_others(caplog, "is started again")
