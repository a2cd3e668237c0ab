"""One person at a time stores a file from quarantine, on all nodes together; a killed node holds it for a minute."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.quarantine import QuarantinedFile
from ehr_bridge.errors import Conflict
from ehr_bridge.services.jobs.leases import LEASE


@contextmanager
def deciding(database: Database, clock: Callable[[], datetime], quarantine_id: uuid.UUID) -> Iterator[None]:
    """Hold a file while it is stored. Raises Conflict when somebody else does."""
    now = clock()
    with database.write() as session:
        row = session.get(QuarantinedFile, quarantine_id)
        if row is not None:
            require_free(row, now)
            row.deciding_until = now + LEASE
    try:
        yield
    finally:
        with database.write() as session:
            row = session.get(QuarantinedFile, quarantine_id)
            if row is not None and row.deciding_until == now + LEASE:  # else somebody else holds it by now
                row.deciding_until = None


def require_free(row: QuarantinedFile, now: datetime) -> None:
    """Raises Conflict while somebody stores the file."""
    if row.deciding_until is not None and row.deciding_until > now:
        raise Conflict("quarantine_decided", "Somebody is deciding about this file just now; look again in a moment.")
