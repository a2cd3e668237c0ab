"""What the process beside Orthanc says to Orthanc: one line of JSON each, on its standard output."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ehr_bridge import request_id
from ehr_bridge.meters import counted_elsewhere
from ehr_bridge.shallow_json import loads

STDOUT = 1
READY = "ready"
"""It takes messages."""
CHANGED, ACCESS_CHANGED = "changed", "access changed"
"""It has committed something that decisions about studies depend on; also who may see which patient."""
LOG, COUNTED = "log", "counted"
_lock = threading.Lock()
"""A line longer than 4096 bytes may be written in pieces (pipe(7))."""
_of_thread = threading.local()
STOP = b"stop\n"
"""What Orthanc says to it: take no more messages, and end when those under way are answered."""


@contextmanager
def saying_at_once() -> Iterator[None]:
    """What this thread says within the block is written when it ends: each write wakes Orthanc, and takes time from who
    waits for an answer. Log records do not wait."""
    waiting = _of_thread.waiting = []
    try:
        yield
    finally:
        del _of_thread.waiting
        if waiting:
            _write(*waiting)


def say(what: str) -> None:
    _say({"what": what})


def say_counted(name: str, labels: tuple[str, ...]) -> None:
    """Something that the metrics count has happened here; Orthanc has the counts of both processes."""
    _say({"what": COUNTED, "name": name, "labels": labels})


class LineHandler(logging.Handler):
    """Hands log records to Orthanc, each with one system call."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
            if record.exc_info:
                text += "\n" + logging.Formatter().formatException(record.exc_info)
            said = {"level": record.levelno, "logger": record.name, "text": text, "request": request_id.current()}
            _write({"what": LOG, **said})
        except Exception:  # a failed log line must not stop a message
            self.handleError(record)


def heard(line: bytes) -> str:
    """What a line says. A log record goes to this process's log, and so does what Python prints when it fails; what was
    counted is counted here."""
    try:
        said = loads(line)
        what = str(said["what"])
        if what == LOG:
            with request_id.working_on(said["request"]):
                logging.getLogger(said["logger"]).log(said["level"], "%s", said["text"])
        elif what == COUNTED:
            counted_elsewhere(said["name"], tuple(said["labels"]))
    except (ValueError, KeyError, TypeError):
        logging.getLogger(__name__).error("%s", line.decode(errors="replace").rstrip())
        return LOG
    return what


def _say(said: dict[str, object]) -> None:
    waiting: list[dict[str, object]] | None = getattr(_of_thread, "waiting", None)
    if waiting is None:
        _write(said)
    else:
        waiting.append(said)


def _write(*said: dict[str, object]) -> None:
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in said)
    with _lock:
        os.write(STDOUT, lines)
