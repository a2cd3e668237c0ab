"""Secrets of destinations that the former secret of the server has sealed are sealed with the present one."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.services.delivery.secrets import Safe

LOGGER = logging.getLogger(__name__)
FIELDS = ("secret", "former_secret")


@dataclass(frozen=True, slots=True)
class Seals:
    """Names of destinations: those whose secret the former one has sealed, and those whose secret no key opens."""

    before: list[str]
    lost: list[str]


def look_at_seals(session: Session, safe: Safe) -> Seals:
    """Reads all secrets of destinations, and changes none."""
    rows = session.scalars(select(Destination).order_by(Destination.name)).all()
    return Seals(
        [row.name for row in rows if any(_again(safe, row, field) is not None for field in FIELDS)],
        [row.name for row in rows if row.secret is not None and not safe.opens(row.id, row.secret)],
    )


def sealed_before(database: Database, safe: Safe) -> list[str]:
    """Names of the destinations that have one."""
    with database.read() as session:
        return look_at_seals(session, safe).before


def seal_again(database: Database, safe: Safe) -> int:
    """Returns of how many destinations. Nothing else changes: what they are sent is signed as before."""
    if not sealed_before(database, safe):
        return 0
    done = 0
    with database.write() as session:
        for row in session.scalars(select(Destination)):
            found = {field: again for field in FIELDS if (again := _again(safe, row, field)) is not None}
            for field, again in found.items():
                setattr(row, field, again)
            done += bool(found)
    LOGGER.warning("the secrets of %d destinations are sealed with the present secret", done)
    return done


def _again(safe: Safe, row: Destination, field: str) -> bytes | None:
    sealed: bytes | None = getattr(row, field)
    return None if sealed is None else safe.closed_again(row.id, sealed)
