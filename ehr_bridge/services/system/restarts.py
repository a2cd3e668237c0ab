"""How often Orthanc had to be restarted: one line per death in a file, written by the launcher, read here.

A file and not a table, because the launcher writes it while nothing else runs, and must not need the database.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

MOST_BYTES = 100_000
"""Read from the end: some 2,000 deaths."""


class Restarts(NamedTuple):
    """`recent` since the requested time; `latest` and `cause` are of the last one ever, None without any."""

    recent: int
    latest: datetime | None
    cause: str | None
    """`signal SIGSEGV` or `code 255`."""


def note_death(path: Path, at: datetime, cause: str) -> None:
    """Record that Orthanc ended unexpectedly. Raises OSError when the file cannot be written."""
    with path.open("a") as file:
        file.write(f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {cause}\n")


def read_restarts(path: Path, since: datetime) -> Restarts:
    """The recorded deaths; other lines are ignored."""
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - MOST_BYTES, 0))
            lines = file.read(MOST_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return Restarts(0, None, None)
    deaths = [death for line in lines if (death := _read(line)) is not None]
    latest, cause = deaths[-1] if deaths else (None, None)
    return Restarts(sum(at >= since for at, _ in deaths), latest, cause)


def _read(line: str) -> tuple[datetime, str] | None:
    moment, _, cause = line.partition(" ")
    try:
        return datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC), cause
    except ValueError:
        return None
