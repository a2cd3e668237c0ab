"""Reports when a transaction has changed data that decisions about studies depend on.

It watches the rows that a session writes. It does not see statements that change many rows at once, nor rows of a
relaxed transaction: those are for counts, and for claims that no other transaction has read yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.row_changes import changed
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.registry import OF_IMAGES, Order, Patient, ScheduledStep
from ehr_bridge.db.tables.studies import Study, StudyOrder

_OF_STUDIES = frozenset(
    {"patient_id", "order_id", "link_status", "is_contradicted", "withheld_by_id", "corrections", "received_identity"}
    | {"match_kind", "match_patient_id", "match_order_id", "deleted_at"}
)


def on_decisive_change(database: Database, then: Callable[[], None]) -> None:
    """Call `then` after each commit of this process that changed a patient, an order, a link, a deletion or a job on
    stored files."""

    is_changed = object()  # of this listener: there may be several

    def note(session: Session, *_: Any) -> None:
        if any(map(_is_decisive, (*session.new, *session.dirty, *session.deleted))):
            session.info[is_changed] = True

    def tell(session: Session) -> None:
        if session.info.pop(is_changed, False):
            then()

    event.listen(
        database.write_session, "before_flush", note, insert=True
    )  # new rows may wait (`write_new_rows_later`)
    event.listen(database.write_session, "after_flush", note)
    event.listen(database.write_session, "after_commit", tell)


def _is_decisive(row: object) -> bool:
    if isinstance(row, DeletionRequest | ScheduledStep | StudyOrder):
        return True
    if isinstance(row, Modification):
        return "status" in changed(row)
    if isinstance(row, Patient):
        return bool(changed(row) - {"updated_at"})
    if isinstance(row, Order):
        return bool(changed(row) - OF_IMAGES - {"status"}) or _was_or_is_cancelled(row)
    return isinstance(row, Study) and bool(changed(row) & _OF_STUDIES)


def _was_or_is_cancelled(order: Order) -> bool:
    history = inspect(order).attrs.status.history
    return history.has_changes() and OrderStatus.CANCELLED in (*history.added, *history.deleted)
