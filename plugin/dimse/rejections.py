"""What Orthanc refuses modalities by itself, read from its log file: it tells its plugins nothing of it."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path

from ehr_bridge.services.audit.refusals import Refusal
from plugin.running.logs import STDERR

MOST_AT_ONCE = 1_000_000
"""Bytes; what is beyond is read the next time."""
REFUSED = "modality_refused"
REJECTED = re.compile(
    rb"W\d{4} [\d:.]+ +\S+ +CommandDispatcher\.cpp:\d+\] "
    rb'Rejected (\w+) request from remote DICOM modality with AET "([^"]*)" and hostname "([^"]*)"'
)


def route_of(request: str) -> str:
    """The route of a refused request in the audit trail, by Orthanc's name of it."""
    return f"DIMSE {request}"


class Rejections:
    """Follows the log from its present end on, also when it is turned over."""

    def __init__(self, log: Path, on_refusal: Callable[[Refusal], None], output: int = STDERR) -> None:
        """`output` is where this process writes its log: another file is none of ours."""
        self._log = log
        self._on_refusal = on_refusal
        self._output = output
        self._file: io.BufferedReader | None = None
        self._rest = b""
        self._open(os.SEEK_END)  # now: before Orthanc opens its port

    def run(self) -> None:
        """Report what Orthanc has refused since the last time."""
        if self._file is None:
            self._open(os.SEEK_END)
        elif not self._read() and self._was_turned_over():
            self._file.close()
            self._open(os.SEEK_SET)
            self._read()

    def _open(self, whence: int) -> None:
        self._file, self._rest = None, b""
        try:
            file = self._log.open("rb")
        except FileNotFoundError:
            return
        if not os.path.samestat(os.fstat(file.fileno()), os.fstat(self._output)):
            file.close()
            return
        file.seek(0, whence)
        self._file = file

    def _was_turned_over(self) -> bool:
        assert self._file is not None
        return not self._log.exists() or not os.path.samestat(os.fstat(self._file.fileno()), self._log.stat())

    def _read(self) -> bool:
        """Whether there was anything."""
        if self._file is None or not (read := self._file.read(MOST_AT_ONCE)):
            return False
        *lines, self._rest = (self._rest + read).split(b"\n")
        for line in lines:
            if (found := REJECTED.match(line)) is not None:
                request, calling, host = (part.decode("ascii", "replace") for part in found.groups())
                actor = f"ae:{calling.strip()}"
                self._on_refusal(Refusal(None, host or None, REFUSED, route_of(request), actor=actor))
        return True
