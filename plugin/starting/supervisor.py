"""Keeps Orthanc running: starts it again when it dies, and gives up when it keeps dying.

Crafted data may end a process that decodes it, whatever is done against that; then a modality must find the server
again at its next attempt. What was acknowledged before is in the archive, or is recorded from it after the start.
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

from ehr_bridge.services.system.restarts import note_death

MOST_DEATHS, WITHIN = 5, 300.0
"""So many deaths within so many seconds, and it is not started again."""
ENDED, REFUSES_TO_SERVE = 0, 3
"""Exit codes after which there is nothing to start again: asked to stop, and the self-test's own."""


class Supervisor:
    """Runs one command, one process at a time; its output goes to `log`, or to the launcher's own.

    Signals for the launcher end the process and the watch.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path | None,
        deaths: Path,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = command
        self._log = log
        self._deaths_file = deaths
        self._monotonic = monotonic
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        self._is_stopping = False
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """The first process. From now on SIGINT, SIGTERM and SIGHUP are passed on as SIGINT, on which Orthanc stops."""
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, lambda *_: self.stop())
        return self._start()

    def stop(self) -> None:
        """Ask the process to end, and start none after it."""
        self._is_stopping = True
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)

    def watch(self) -> int:
        """Wait for the process, and for those that take its place; the exit code for the launcher.

        0 when it was asked to stop; its own code when it refuses to serve; 1 when it keeps dying.
        """
        assert self.process is not None
        while True:
            code = self.process.wait()
            if code in (ENDED, REFUSES_TO_SERVE) or self._is_stopping:
                return exit_code(code)
            if not self._may_start_again(code):
                return 1
            self._start()

    def end(self) -> None:
        """Leave no process behind, whatever happened."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
            self.process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        # by its name, at each start: the process before may have turned the file over
        with self._log.open("ab") if self._log is not None else nullcontext() as output:
            self.process = subprocess.Popen(self._command, stdout=output, stderr=output)  # noqa: S603
        if self._is_stopping:  # the signal came between two processes
            self.process.send_signal(signal.SIGINT)
        return self.process

    def _may_start_again(self, code: int) -> bool:
        """Write down that it died, and look how often it has lately."""
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
    """How a process ended, from its return code as `subprocess` gives it."""
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
