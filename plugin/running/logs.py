"""Python's logging into Orthanc's log, or as JSON beside it; and the rotation of the log file.

Library code only uses `logging`. A line is written to the file before the call returns, unbuffered, so that a killed
process loses none.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from ehr_bridge import request_id

STDOUT, STDERR = 1, 2


class OrthancHandler(logging.Handler):
    """Hands records to `orthanc.LogError`, `LogWarning` and `LogInfo` by level."""

    def __init__(self, orthanc: Any) -> None:
        super().__init__()
        self._orthanc = orthanc
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            if (request := request_id.current()) is not None:
                text += f" [request {request}]"
            if (trace := request_id.trace()) is not None:
                text += f" [trace {trace}]"
            if record.levelno >= logging.ERROR:
                self._orthanc.LogError(text)
            elif record.levelno >= logging.WARNING:
                self._orthanc.LogWarning(text)
            else:
                self._orthanc.LogInfo(text)
        except Exception:  # a failed log line must not stop an image
            self.handleError(record)


class JsonHandler(logging.Handler):
    """Writes one JSON object per line to standard error, each with one system call."""

    def __init__(self, output: int = STDERR) -> None:
        from pythonjsonlogger.json import JsonFormatter

        super().__init__(logging.WARNING)  # the level that Orthanc shows in a text log
        self._output = output
        words = {"levelname": "level", "name": "logger", "exc_info": "exception"}
        self.setFormatter(JsonFormatter(["time", "levelname", "name", "message"], rename_fields=words))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            record.time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:23] + "Z"
            record.request_id = request_id.current()
            if (trace := request_id.trace()) is not None:
                record.trace_id = trace
            os.write(self._output, self.format(record).encode() + b"\n")
        except Exception:  # a failed log line must not stop an image
            self.handleError(record)


def log_to(orthanc: Any, form: str) -> None:
    """Set up logging for the whole process: `text` through Orthanc, `json` beside it."""
    root = logging.getLogger()
    root.handlers[:] = [JsonHandler() if form == "json" else OrthancHandler(orthanc)]
    root.setLevel(logging.INFO)
    for noisy in ("alembic", "pydicom", "urllib3", "werkzeug"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class Rotation:
    """Rotates the log file when it is full: `orthanc.log.1` is the newest of `kept` old ones.

    The process's standard outputs are redirected to the new file, so that Orthanc's lines go there too. Every line is
    in one of the two files, even if the process is killed. If the output is not this file, nothing happens.
    """

    def __init__(self, file: Path, most_bytes: int, kept: int) -> None:
        self._file = file
        self._most_bytes = most_bytes
        self._kept = kept

    def run(self) -> None:
        """Rotate the file if it is time. Raises OSError when the folder is not writable; then the file keeps
        growing."""
        if not self._file.exists() or (file := self._file.stat()).st_size < self._most_bytes:
            return
        ours = [output for output in (STDOUT, STDERR) if os.path.samestat(os.fstat(output), file)]
        if not ours:
            return
        for number in range(self._kept - 1, 0, -1):
            if (former := former_log(self._file, number)).exists():
                former.replace(former_log(self._file, number + 1))
        self._file.replace(former_log(self._file, 1))
        fresh = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for output in ours:
                os.dup2(fresh, output)
        finally:
            os.close(fresh)


def former_log(file: Path, number: int) -> Path:
    """The log file that was turned over so many times ago."""
    return file.with_name(f"{file.name}.{number}")


def formers(file: Path) -> Iterator[Path]:
    """The log files that are kept, the latest first."""
    return takewhile(Path.exists, (former_log(file, number) for number in count(1)))
