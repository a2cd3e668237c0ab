"""Keeps Orthanc running: restarts it when it dies, and gives up when it keeps dying.

Malicious data may still crash a process that decodes it; then a modality must find the server again when it retries.
What was acknowledged before is in the archive, or is recorded from it after the restart.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer
from typing import NamedTuple

from ehr_bridge.services.system.restarts import note_death

MOST_DEATHS, WITHIN = 5, 300.0
"""After this many deaths within this many seconds it is not restarted."""
ENDED, REFUSES_TO_SERVE = 0, 3
"""Exit codes without a restart: asked to stop, and refused by the self-test."""


class Drain(NamedTuple):
    """For how long a server that is asked to stop still serves, and the file that says so to those who ask it."""

    mark: Path
    seconds: float


class Supervisor:
    """Runs one command, one process at a time; its output goes to `log`, or to the launcher's own output.

    Signals to the launcher end the process and the supervision.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path | None,
        deaths: Path,
        monotonic: Callable[[], float] = time.monotonic,
        drain: Drain | None = None,
        obstacle: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`obstacle` says why one that has died must not be started again."""
        self._command = command
        self._log = log
        self._deaths_file = deaths
        self._monotonic = monotonic
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        self._drain = drain
        self._obstacle = obstacle
        self._is_draining = False
        self._is_stopping = False
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start the first process. From now on SIGINT, SIGTERM and SIGHUP are passed on as SIGINT, on which Orthanc
        stops: after it was drained, if it is to be."""
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, lambda *_: self._asked())
        return self._start()

    def _asked(self) -> None:
        if self._is_draining or self._is_stopping or self._drain is None or not self._drain.seconds:
            self.stop()
            return
        self._is_draining = True  # everything is still served: one that dies meanwhile is started again
        try:
            self._drain.mark.touch(mode=0o600)
        except OSError as error:  # a full disk: nobody can be told, so nothing is waited for
            _say(f"{self._drain.mark.name} cannot be written: {error.strerror}")
            self.stop()
            return
        _say(f"draining; it stops in {self._drain.seconds} s, or at once with another signal.")
        end = Timer(self._drain.seconds, self.stop)
        end.daemon = True
        end.start()

    def stop(self) -> None:
        """Ask the process to end, and start no other."""
        self._is_stopping = True
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)

    def watch(self) -> int:
        """Wait for the process and its successors; returns the exit code for the launcher.

        0 when it was asked to stop; its own code when it refuses to serve; 1 when it keeps dying, or must not be
        started again.
        """
        assert self.process is not None
        while True:
            code = self.process.wait()
            if code in (ENDED, REFUSES_TO_SERVE) or self._is_stopping:
                return exit_code(code)
            if not self._may_start_again(code):
                return 1
            if (said := self._obstacle()) is not None:
                _say(f"Orthanc is not started again: {said}")
                return 1
            self._start()

    def end(self) -> None:
        """Make sure that no process is left."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
            self.process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        # opened by name at each start, since the previous process may have rotated the file
        with self._log.open("ab") if self._log is not None else nullcontext() as output:
            self.process = subprocess.Popen(self._command, stdout=output, stderr=output)  # noqa: S603
        if self._is_stopping:  # the signal came between two processes
            self.process.send_signal(signal.SIGINT)
        return self.process

    def _may_start_again(self, code: int) -> bool:
        """Note that it died, and check how often it has done so lately."""
        cause, now = cause_of(code), self._monotonic()
        self._deaths.append(now)
        try:
            note_death(self._deaths_file, datetime.now(UTC), cause)
        except OSError as error:
            _say(f"{self._deaths_file.name} cannot be written: {error.strerror}")
        if len(self._deaths) == MOST_DEATHS and now - self._deaths[0] <= WITHIN:
            _say(f"Orthanc died {MOST_DEATHS} times within {WITHIN:.0f} seconds, at last with {cause}; giving up.")
            return False
        _say(f"Orthanc died with {cause}; starting it again.")
        return True


def cause_of(code: int) -> str:
    """How a process ended, from its return code as in `subprocess`."""
    if code >= 0:
        return f"code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def exit_code(code: int) -> int:
    """A process's return code as the launcher's own: 0 for the signal that asks it to stop, 128 and more for others."""
    if code == -signal.SIGINT:
        return 0
    return code if code >= 0 else 128 - code


def _say(line: str) -> None:
    print(f"supervisor: {line}", file=sys.stderr, flush=True)  # noqa: T201
