"""Keeps a process beside Orthanc: opens its port, starts it, passes its log on, starts it again when it dies.

The port is Orthanc's and stays open meanwhile, so peers wait instead of being refused. The process ends when its
standard input does, and so never outlives Orthanc, however that ends.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from plugin.beside.lines import READY, STOP, heard

LOGGER = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"
NOT_FOR_IT = ("LD_PRELOAD", "MALLOC_CONF")
"""Set for Orthanc's threads and its images."""
LOOK_SECONDS = 0.1
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Seconds before it is started again; twice as long each time, until it has served."""
STARTING_SECONDS = 60.0
"""It may take so long until it serves for the first time; its peers wait."""
STOP_SECONDS = 12.0
FREE_SECONDS = 10.0
"""The process of an Orthanc that was killed may hold the port until its last write to the disk has ended."""


class Beside:
    def __init__(
        self,
        module: str,
        open_port: Callable[[], socket.socket],
        told: Mapping[str, Callable[[], None]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`module` is run with the number of the open port's file descriptor. `told`: what is done when it says so."""
        self._module = module
        self._open_port = open_port
        self._told = told
        self._monotonic = monotonic
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._first_until = 0.0
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name="ehr-bridge-beside", daemon=True)

    @property
    def port(self) -> int:
        """After `start`."""
        assert self._socket is not None
        return int(self._socket.getsockname()[1])

    @property
    def process_id(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def is_well(self) -> bool:
        return self._is_ready or self._monotonic() < self._first_until

    def start(self) -> None:
        """Open the port and start the process. Raises OSError when the port stays taken."""
        self._socket = self._opened()
        self._first_until = self._monotonic() + STARTING_SECONDS
        self._thread.start()

    def _opened(self) -> socket.socket:
        end = self._monotonic() + FREE_SECONDS
        while True:
            try:
                return self._open_port()
            except OSError:
                if self._monotonic() > end or self._ending.wait(LOOK_SECONDS):
                    raise

    def stop(self) -> None:
        """Let it answer what it works on, and end it."""
        with self._lock:
            self._ending.set()
            process = self._process
        if process is not None:
            assert process.stdin is not None
            try:
                with suppress(BrokenPipeError):
                    os.write(process.stdin.fileno(), STOP)
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        if self._socket is not None:
            self._socket.close()

    def _keep(self) -> None:
        pause = FIRST_PAUSE
        while not self._ending.is_set():
            code = None
            try:
                process = self._started()
            except OSError:
                LOGGER.exception("the process of %s could not be started", self._module)
            else:
                if process is None:
                    return
                if self._listen_to(process):
                    pause = FIRST_PAUSE
                code = process.wait()
                self._is_ready, self._first_until = False, 0.0
                if not self._ending.is_set():  # it may have died between a commit and what it had to say of it
                    for what in self._told:
                        self._follow(what)
            if not self._ending.wait(pause) and code is not None:  # what ends both ends Orthanc a moment later
                LOGGER.error("the process of %s has ended with code %d, and is started again", self._module, code)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _listen_to(self, process: subprocess.Popen[bytes]) -> bool:
        """Until it ends; returns whether it has served."""
        assert process.stdout is not None
        for line in process.stdout:
            what = heard(line)
            if what == READY:
                self._is_ready = True
            elif what in self._told:
                self._follow(what)
        return self._is_ready

    def _follow(self, what: str) -> None:
        try:
            self._told[what]()
        except Exception:
            LOGGER.exception("what the process of %s has told was not followed", self._module)

    def _started(self) -> subprocess.Popen[bytes] | None:
        """None when it is not to be started any more."""
        assert self._socket is not None
        environ = {name: value for name, value in os.environ.items() if name not in NOT_FOR_IT}
        with self._lock:
            if self._ending.is_set():
                return None
            self._process = subprocess.Popen(  # noqa: S603
                [PYTHON, "-m", self._module, str(self._socket.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(self._socket.fileno(),),
                env=environ | {"PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "2"},
            )
            return self._process
