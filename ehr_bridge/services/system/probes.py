"""How long the database and the storage take to answer, and what this process uses: asked when somebody measures."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from time import perf_counter

from sqlalchemy import text

from ehr_bridge.db.database import Database

PROBE_BYTES = 4096
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
RESIDENT = 1
"""Field of /proc/PID/statm, in pages (proc_pid_statm(5))."""


def database_seconds(database: Database) -> float:
    """For a connection and a statement. Raises Unavailable when the database is away."""
    began = perf_counter()
    with database.read() as session:
        session.execute(text("SELECT 1"))
    return perf_counter() - began


def connections_in_use(database: Database) -> int:
    """Of all pools of this process."""
    return sum(getattr(engine.pool, "checkedout", lambda: 0)() for engine in database.engines.different)


def storage_seconds(folder: Path) -> float | None:
    """For a small file that reaches the disk and is deleted again; None when it cannot be written."""
    began = perf_counter()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return None
    return perf_counter() - began


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[RESIDENT]) * PAGE_BYTES


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  (names only)


def threads() -> int:
    return len(os.listdir("/proc/self/task"))  # noqa: PTH208
