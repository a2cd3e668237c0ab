"""How large a body may be: limited by its route and by the free memory.

Orthanc allocates a whole body as soon as its size is announced, after the gate and before the first byte arrives; and
the next handler needs a copy. So the announced size is checked, together with those of all bodies being received.
plugin/native/announced.c keeps a body from taking memory before it arrives.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ehr_bridge.settings import MEGABYTE

LOGGER = logging.getLogger(__name__)
SMALL_BODY = MEGABYTE
"""Accepted on every route, also without a token, so that the 401 can have a body."""
OVERHEAD = MEGABYTE
"""For headers and boundaries around files, and so that a file that is slightly too large gets a proper answer."""
ANNOTATION_BODY = 64 * MEGABYTE
"""For a viewer token that may only annotate: a segmentation of a large study."""
LIST_BODY = 8 * MEGABYTE
MESSAGE_BODY = 17 * MEGABYTE
"""For one HL7 message (`ehr_bridge.api.messages.door.LARGEST`)."""
MESSAGES = frozenset({"/api/v1/hl7", "/api/v1/hl7/validate"})
LISTS = frozenset({"/api/v1/patients/batch", "/api/v1/orders/batch", "/api/v1/match"})
"""Routes for hundreds of patients, orders or headers at once."""
ONE_FILE = frozenset({"/api/v1/dicom/upload", "/api/v1/dicom/validate", "/api/v1/dicom/read-tags", "/instances"})
"""Routes for one file, unless the body has several parts."""
FILES = frozenset(
    {
        "/api/v1/dicom/upload",
        "/api/v1/dicom/upload-multiple",
        "/api/v1/dicom/upload-zip",
        "/api/v1/dicom-web/studies",
    }
)
DOCUMENTS = re.compile(r"/api/v1/(?:patients|orders)/[^/]+/documents/?")
"""Routes for one PDF or picture, also for those who register patients."""
COPIES = 3
"""Of a body: Orthanc's, Python's, and that of the part being processed."""
LOOK_SECONDS, LOOKS = 0.2, 5
"""A thread that does not run for this long is not receiving anything. It notices a closed connection with a delay."""


class Coming(NamedTuple):
    """A body that is being received."""

    length: int
    clock: int
    """Clock that shows how long its thread has run (pthread_getcpuclockid(3))."""

    def ran(self) -> float | None:
        """Seconds; None when the thread has ended."""
        try:
            return time.clock_gettime(self.clock)
        except OSError:
            return None


class Bodies:
    """The bodies being received, by the thread that serves their request: one thread serves one request at a time."""

    def __init__(self, file_bytes: int, upload_bytes: int, free_bytes: Callable[[], int]) -> None:
        """`file_bytes` is the limit for one file, `upload_bytes` that for all files of a request."""
        self._file_bytes = file_bytes
        self._upload_bytes = upload_bytes
        self._free_bytes = free_bytes
        self._admitting = threading.Lock()
        self._coming: dict[int, Coming] = {}

    def most(self, path: str, media_type: str) -> int:
        """The largest body of a route for a caller who may send files."""
        if path in ONE_FILE and not media_type.lower().lstrip().startswith("multipart/"):
            return self._file_bytes + OVERHEAD
        if DOCUMENTS.fullmatch(path):
            return self._file_bytes + OVERHEAD
        if path in FILES:
            return self._upload_bytes + OVERHEAD
        if path in MESSAGES:
            return MESSAGE_BODY
        return LIST_BODY if path in LISTS else SMALL_BODY

    def admit(self, length: int) -> bool:
        """Whether there is room for the body of this thread's request; it counts until `done`."""
        if length <= SMALL_BODY or self._count(length):
            return True
        for _ in range(LOOKS):
            self._forget_silent()
            if self._count(length):
                return True
        LOGGER.warning("no room for a body of %d MB; %d MB are left", length // MEGABYTE, self._room() // MEGABYTE)
        return False

    def _count(self, length: int) -> bool:
        with self._admitting:
            if length > self._room():
                return False
            clock = time.pthread_getcpuclockid(threading.get_ident())
            self._coming[threading.get_native_id()] = Coming(length, clock)
        return True

    def done(self) -> None:
        """The request of this thread has ended; or its body never arrived and the thread serves the next one."""
        self._coming.pop(threading.get_native_id(), None)

    def _room(self) -> int:
        return self._free_bytes() // COPIES - sum(one.length for one in list(self._coming.values()))

    def _forget_silent(self) -> None:
        """Stop counting bodies that no longer arrive because the sender has gone or waits. What has not arrived takes
        no memory, and what has arrived already shows in the free memory."""
        before = {thread: (one, one.ran()) for thread, one in list(self._coming.items())}
        time.sleep(LOOK_SECONDS)
        for thread, (one, ran) in before.items():
            if one.ran() in (None, ran) and self._coming.get(thread) is one:
                self._coming.pop(thread, None)


def free_memory(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that this process may still allocate, by machine (proc_meminfo(5)) or container (cgroups(7), v2)."""
    free = _field(proc / "meminfo", "MemAvailable:") * 1024
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        if limit != "max":
            used = int((cgroup / "memory.current").read_text()) - _field(cgroup / "memory.stat", "inactive_file")
            free = min(free, int(limit) - used)
    except OSError:
        pass  # not in a container, or in one without a limit
    return free


def _field(path: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(name))
