"""Python's logging into Orthanc's log. Library code only knows `logging`."""

from __future__ import annotations

import logging
from typing import Any

from ehr_bridge import request_id


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
            if record.levelno >= logging.ERROR:
                self._orthanc.LogError(text)
            elif record.levelno >= logging.WARNING:
                self._orthanc.LogWarning(text)
            else:
                self._orthanc.LogInfo(text)
        except Exception:  # a log line that cannot be written must not stop an image
            self.handleError(record)


def log_to_orthanc(orthanc: Any) -> None:
    """Route the whole process's logging to Orthanc."""
    root = logging.getLogger()
    root.handlers[:] = [OrthancHandler(orthanc)]
    root.setLevel(logging.INFO)
    for noisy in ("alembic", "pydicom", "urllib3", "werkzeug"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
