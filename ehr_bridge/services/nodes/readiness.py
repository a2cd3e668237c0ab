"""Whether this node is ready for new work, for load balancers."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.services.archive.holdings import Holdings
from ehr_bridge.services.nodes.register import Nodes
from ehr_bridge.settings import Settings
from ehr_bridge.storage.folder import OWNER

LOGGER = logging.getLogger(__name__)
WRONG = {
    "gate": "the access gate does not stand in the path yet",
    "orthanc": "Orthanc does not answer",
    "database": "the database does not answer",
    "schema": "the database has a schema that this version cannot use",
    "storage": "the folder of the images is not there, or is another one",
    "draining": "the node is being stopped",
    "name": "another node has taken its name",
}
"""What may be wrong, in words; docs/api.md shows it."""
OF_PARTS = ("gate", "orthanc")
"""The checks of health without which nothing can be served."""
DIGITS = 2
"""Length of the names of Orthanc's folders in that of the images."""


def checks_of(
    parts: Mapping[str, Callable[[], bool]], settings: Settings, archive: Holdings
) -> dict[str, Callable[[], bool]]:
    """What is looked at beside the database and the node itself; `parts` are the checks of health."""
    has_bucket = settings.bucket is not None
    return {name: parts[name] for name in OF_PARTS if name in parts} | {
        "storage": partial(is_mounted, settings.storage_path, archive, has_bucket=has_bucket)
    }


def look(database: Database, nodes: Nodes, checks: dict[str, Callable[[], bool]]) -> tuple[list[str], migrate.Fit]:
    """What is wrong, of `WRONG`, and how the schema fits; `checks` are those of other parts, by the same names."""
    wrong = [name for name, check in checks.items() if not _works(name, check)]
    schema = migrate.Fit.WRONG
    try:
        schema = migrate.fit(database)
        if schema is migrate.Fit.WRONG:
            wrong.append("schema")
    except SQLAlchemyError:
        wrong.append("database")
    if nodes.is_draining:
        wrong.append("draining")
    if nodes.is_taken:
        wrong.append("name")
    return wrong, schema


def _works(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:
        LOGGER.warning("readiness: '%s' cannot be checked", name, exc_info=True)
        return False


def is_mounted(folder: Path, archive: Holdings, *, has_bucket: bool = False) -> bool:
    """Whether the folder of the images can be written, and is not the empty one below a file system that is away. With
    a bucket no image stays there; then the file counts that says whose it is."""
    if has_bucket:
        return os.access(folder, os.W_OK) and (folder / OWNER).exists()
    try:
        with os.scandir(folder) as entries:
            is_empty = not any(len(entry.name) == DIGITS for entry in entries)
    except OSError:
        return False
    return os.access(folder, os.W_OK) and not (is_empty and archive.usage().number_of_instances)
