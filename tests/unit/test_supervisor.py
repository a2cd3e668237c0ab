"""Orthanc is started again when it dies, and not for ever."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugin.starting.supervisor import MOST_DEATHS, WITHIN, Drain, Supervisor, cause_of, exit_code
from tests.support.steps import eventually

SLEEP = "import time; time.sleep(600)"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """The supervisor takes the process's signals; the tests get theirs back."""
    kept = [signal.getsignal(name) for name in SIGNALS]
    yield
    for name, handler in zip(SIGNALS, kept, strict=True):
        signal.signal(name, handler)


class Clock:
    """Moves on by a step whenever it is looked at."""

    def __init__(self, step: float) -> None:
        self.step, self.now = step, 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def supervisor(folder: Path, script: str, step: float = 1.0) -> Supervisor:
    return Supervisor([sys.executable, "-c", script], None, folder / "restarts.log", Clock(step))


def counting(folder: Path, then: str) -> str:
    """A script that leaves a mark for each start, and does `then` with `starts`, their number."""
    path = str(folder / "starts")
    return f"f = open({path!r}, 'a+'); f.write('x'); f.flush(); f.seek(0); starts = len(f.read()); {then}"


def starts(folder: Path) -> int:
    return len((folder / "starts").read_text())


def ends_with_what_it_sees(folder: Path) -> str:
    """A script that ends with 0 on SIGINT if the server is said to be draining, else with 9; it marks its start."""
    mark, started = str(folder / "draining"), str(folder / "started")
    return (
        "import pathlib, signal, sys\n"
        f"signal.signal(signal.SIGINT, lambda *_: sys.exit(0 if pathlib.Path({mark!r}).exists() else 9))\n"
        f"pathlib.Path({started!r}).touch()\n"
        "while True: signal.pause()"
    )


def test_one_that_must_not_be_started_again_is_not(tmp_path: Path) -> None:
    """The file system of the images went away, and Orthanc with it."""
    command = [sys.executable, "-c", counting(tmp_path, "sys.exit(9)").replace("f = ", "import sys; f = ", 1)]
    watched = Supervisor(command, None, tmp_path / "restarts.log", obstacle=lambda: "is it mounted?")
    watched.start()
    assert (watched.watch(), starts(tmp_path)) == (1, 1)


@pytest.mark.parametrize(("seconds", "signals", "code"), [(0.05, 1, 0), (3600, 2, 0), (0, 1, 9)])
def test_a_stop_is_announced_before_it_happens(tmp_path: Path, seconds: float, signals: int, code: int) -> None:
    """For as long as the setting says; a second signal does not wait, and without the setting nothing is announced."""
    command = [sys.executable, "-c", ends_with_what_it_sees(tmp_path)]
    drain = Drain(tmp_path / "draining", seconds)
    watched = Supervisor(command, None, tmp_path / "restarts.log", drain=drain)
    watched.start()
    eventually((tmp_path / "started").exists)
    for _ in range(signals):
        signal.raise_signal(signal.SIGTERM)
    assert watched.watch() == code
    assert (tmp_path / "draining").exists() == bool(seconds)


def test_one_that_dies_while_it_drains_is_started_again(tmp_path: Path) -> None:
    """It was said that everything is still served; then it stops as it was asked to."""
    command = [sys.executable, "-c", ends_with_what_it_sees(tmp_path)]
    drain = Drain(tmp_path / "draining", 3600)
    watched = Supervisor(command, None, tmp_path / "restarts.log", drain=drain)
    process = watched.start()
    eventually((tmp_path / "started").exists)
    signal.raise_signal(signal.SIGTERM)
    (tmp_path / "started").unlink()
    process.kill()
    main = threading.main_thread().ident or 0

    def stop_the_next() -> None:
        eventually((tmp_path / "started").exists)
        signal.pthread_kill(main, signal.SIGTERM)

    threading.Thread(target=stop_the_next).start()
    assert watched.watch() == 0
    assert watched.process is not process


def test_it_is_given_up_after_five_deaths_in_five_minutes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each is written down with what it was; the launcher ends with 1."""
    script = counting(tmp_path, "import os; os.kill(os.getpid(), 11)")
    watched = supervisor(tmp_path, script, WITHIN / MOST_DEATHS)
    watched.start()
    assert watched.watch() == 1
    assert starts(tmp_path) == MOST_DEATHS
    lines = (tmp_path / "restarts.log").read_text().splitlines()
    assert len(lines) == MOST_DEATHS and all(line.endswith("Z signal SIGSEGV") for line in lines)
    assert "died 5 times within 300 seconds" in capfd.readouterr().err


def test_deaths_that_lie_apart_are_no_reason_to_give_up(tmp_path: Path) -> None:
    """Twenty of them, and then it is asked to stop."""
    script = counting(tmp_path, "import sys; sys.exit(255 if starts <= 20 else 0)")
    watched = supervisor(tmp_path, script, WITHIN / (MOST_DEATHS - 1) + 1)
    watched.start()
    assert watched.watch() == 0
    assert starts(tmp_path) == 21


def test_who_refuses_to_serve_is_not_asked_again(tmp_path: Path) -> None:
    """Exit code 3 is the self-test's; it is passed on."""
    watched = supervisor(tmp_path, counting(tmp_path, "import sys; sys.exit(3)"))
    watched.start()
    assert (watched.watch(), starts(tmp_path)) == (3, 1)
    assert not (tmp_path / "restarts.log").exists()


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_is_passed_on_and_ends_the_watch(tmp_path: Path, name: signal.Signals) -> None:
    """As SIGINT, which Orthanc understands; a process that ends by it was asked to."""
    watched = supervisor(tmp_path, "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); " + SLEEP)
    process = watched.start()
    main = threading.main_thread().ident or 0
    threading.Timer(0.5, lambda: signal.pthread_kill(main, name)).start()
    assert watched.watch() == 0
    assert process.returncode == -signal.SIGINT


def test_a_signal_between_two_processes_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is started all the same is told at once."""
    watched = supervisor(tmp_path, "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); " + SLEEP)
    watched.start()
    popen = subprocess.Popen

    def start_after_signal(*command: Any, **options: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return popen(*command, **options)

    monkeypatch.setattr(subprocess, "Popen", start_after_signal)
    assert watched.process is not None
    watched.process.kill()
    assert watched.watch() == 0


def test_a_file_that_cannot_be_written_keeps_nothing_from_starting(tmp_path: Path) -> None:
    """A full disk, say: the next start matters more than the count."""
    script = counting(tmp_path, "import sys; sys.exit(0 if starts == 2 else 7)")
    watched = Supervisor([sys.executable, "-c", script], None, tmp_path / "no" / "restarts.log")
    watched.start()
    assert (watched.watch(), starts(tmp_path)) == (0, 2)


def test_causes_and_codes_are_named() -> None:
    """As a shell would say them."""
    assert [cause_of(code) for code in (-11, -9, 255, -200)] == [
        "signal SIGSEGV",
        "signal SIGKILL",
        "code 255",
        "signal 200",
    ]
    assert [exit_code(code) for code in (0, 3, -2, -11)] == [0, 3, 0, 139]
