"""Shows the server's log on the launcher's own output: the terminal, the journal, a container's log.

The server itself writes to a file alone. So it never waits for whoever reads slowly, loses no line when it is killed,
goes on when the launcher is killed, and can read there what Orthanc refuses by itself (`plugin.dimse.rejections`).
"""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

from plugin.running.logs import STDERR, formers

LOOK_SECONDS = 0.1
AT_ONCE = 65_536
LAST_SECONDS = 5.0
"""For a reader to take the last lines, when the launcher ends."""


class ShownLog:
    """Copies what is written from now on, byte for byte, also when the file is turned over (`logs.Rotation`)."""

    def __init__(self, log: Path, output: int = STDERR) -> None:
        self._log = log
        self._output = output
        self._file = io.FileIO(os.open(log, os.O_RDONLY | os.O_CREAT, 0o600))
        self._file.seek(0, os.SEEK_END)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ehr-bridge-shown-log", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Copy the rest, unless nobody takes it."""
        self._ending.set()
        self._thread.join(LAST_SECONDS)

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._ending.wait(LOOK_SECONDS)
            try:
                self._copy()
            except OSError:  # nobody reads any more; the file has it all
                return

    def _copy(self) -> None:
        self._show()
        while (following := self._following()) is not None:
            self._show()  # what was written to this one last, before the next one was begun
            self._file.close()
            self._file = following
            self._show()

    def _show(self) -> None:
        while read := self._file.read(AT_ONCE):
            while read:
                read = read[os.write(self._output, read) :]

    def _following(self) -> io.FileIO | None:
        """The file that was begun after this one, as soon as something is in it; a slow reader may be several
        behind."""
        own, newer = os.fstat(self._file.fileno()), None
        for path in (self._log, *formers(self._log)):
            try:
                one = io.FileIO(path)
            except FileNotFoundError:
                continue
            if os.path.samestat(os.fstat(one.fileno()), own):
                one.close()
                break
            if newer is not None:
                newer.close()
            newer = one
        if newer is not None and os.fstat(newer.fileno()).st_size == 0:
            newer.close()
            return None
        return newer
