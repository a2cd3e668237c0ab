"""A restore that has begun in a place and has not ended: the same command goes on, and no server starts on it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ehr_bridge import shallow_json

FILE = "restore-begun.json"
"""In the new data directory, from before anything else is written there until everything was proved."""
FILES, PROVING = "files", "proving"
"""Phases: files and databases are being written; they are there, and the images of the last moments are settled."""


@dataclass(frozen=True, slots=True)
class Begun:
    snapshot: str
    phase: str


def read(data_dir: Path) -> Begun | None:
    """None: no restore has begun here, or it has ended."""
    file = data_dir / FILE
    if not file.is_file():
        return None
    said = shallow_json.loads(file.read_bytes())
    return Begun(str(said["snapshot"]), str(said["phase"]))


def write(data_dir: Path, snapshot: str, phase: str) -> None:
    """Whole or not at all, also when the machine dies."""
    part = data_dir / f"{FILE}.part"
    with part.open("w", encoding="utf-8") as file:
        json.dump({"snapshot": snapshot, "phase": phase}, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(data_dir / FILE)


def remove(data_dir: Path) -> None:
    (data_dir / FILE).unlink(missing_ok=True)
