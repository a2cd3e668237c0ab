"""What a snapshot says about itself: `manifest.json`, in the staging folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ehr_bridge import shallow_json
from ehr_bridge.db import migrate
from ehr_bridge.settings import Settings
from ehr_bridge.version import VERSION
from plugin.backup.failures import BackupFailed

FORMAT = 1
STAGING = "ehr-bridge-backup"
"""Folder in the data directory with the copies of the databases, and the manifest."""
FILE = "manifest.json"
BRIDGE, INDEX, ANCHORS, SECRET, SITE = "bridge", "orthanc-index", "audit-anchor.log", "jwt-secret", "site"
"""Names in that folder: SQLite files or dumps of PostgreSQL; the last one has the files that settings name."""
WHOLE, FILES, INCOMPLETE = "whole", "files", "incomplete"
"""Tags: a snapshot that can be restored, the files alone that were copied before it, and one of a backup that failed
after it was made: something is missing in it."""
COUNTED = ("patients", "orders", "studies", "instances", "reports", "report_versions", "audit_events")

type Ask = Callable[[str], Sequence[Any]]
"""Answers a question to a database with its rows."""


@dataclass(frozen=True, slots=True)
class Manifest:
    run: str
    bridge_engine: str
    """`sqlite` or `postgresql`."""
    index_engine: str
    begun_at: str
    databases_at: str
    """When the copy of our database was made: what was stored before is in the snapshot."""
    files_snapshot: str
    """With the files as they were before the databases were copied."""
    folders: dict[str, str]
    """Paths of `staging`, `images`, `quarantine` and others, as they were where the backup was made."""
    counts: dict[str, int] = field(default_factory=dict)
    head: tuple[int, str] | None = None
    """Number and hash of the newest event of the audit trail."""
    version: str = VERSION
    schema: str = field(default_factory=migrate.newest)
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self), indent=1))


def read_manifest(data: bytes) -> Manifest:
    """Raises BackupFailed when it is not one that this version understands."""
    try:
        found = shallow_json.loads(data)
        if found["format"] != FORMAT:
            raise BackupFailed("failed", f"the snapshot has the format {found['format']} of another version")
        head = found.pop("head")
        return Manifest(**found, head=tuple(head) if head else None)
    except (ValueError, KeyError, TypeError) as error:
        raise BackupFailed("failed", "the manifest of the snapshot cannot be read") from error


def count(ask: Ask) -> tuple[dict[str, int], tuple[int, str] | None]:
    """How many rows there are, and the newest event of the audit trail."""
    counts = {table: int(ask(f"SELECT COUNT(*) FROM {table}")[0][0]) for table in COUNTED}  # noqa: S608
    newest = ask("SELECT id, hash FROM audit_events ORDER BY id DESC LIMIT 1")
    return counts, (int(newest[0][0]), str(newest[0][1])) if newest else None


def folders_of(settings: Settings) -> dict[str, Path]:
    """What belongs to an installation beside its databases."""
    storage, shared = settings.storage_path.resolve(), settings.shared_path.resolve()
    folders = {"staging": settings.data_dir / STAGING, "images": storage}
    return folders if shared.is_relative_to(storage) else folders | {"shared": shared}


def in_bucket(settings: Settings) -> bool:
    """Whether the images are in object storage, and only what waits for it is on this disk."""
    return getattr(settings, "storage_url", None) is not None


def site_files(settings: Settings) -> dict[str, Path]:
    """The files that settings name, by variable: roles, rules, sources, keys."""
    named = {str(info.alias): getattr(settings, name) for name, info in type(settings).model_fields.items()}
    named["EHR_BRIDGE_JWKS"] = None if settings.jwks is None or settings.jwks_is_address else Path(settings.jwks)
    return {name: value for name, value in named.items() if isinstance(value, Path) and value.is_file()}


def moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
