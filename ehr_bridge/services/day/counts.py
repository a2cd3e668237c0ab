"""How much waits, for the menu: each number is that of the list behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.states import UNCERTAIN, DeletionStatus, OrderStatus
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.registry.order_search import ALSO, OrderWish, conditions_of
from ehr_bridge.services.reporting.reading_list import ReadingFilters, waiting
from ehr_bridge.services.studies.listing import stored
from ehr_bridge.services.visibility.restrictions import Closed, without

EXPECTED = (OrderStatus.SCHEDULED, OrderStatus.ARRIVED)


@dataclass(frozen=True, slots=True)
class Counts:
    """None: not for this caller."""

    orders: int
    """With a step before the end of the period, however long ago, without an appointment, or emergencies; not begun.
    The page lists those of the last days, and above them says how many are older (`day/older.ts`)."""
    unread: int | None
    """The studies of the reading list."""
    reconciliation: int | None
    """Studies without a certain link."""
    deletions: int | None
    """That others have asked for."""


class DayCounts:
    def __init__(self, fresh: Fresh) -> None:
        self._fresh = fresh

    def of(self, caller: Caller, closed: Closed, until: datetime) -> Counts:
        """What waits for this caller; `orders` until this moment."""
        queries = {"orders": _orders(closed, until)}
        if Permission.WRITE_REPORTS in caller.permissions:
            queries["unread"] = _unread(closed)
        if Permission.RECONCILE in caller.permissions:
            queries["reconciliation"] = _uncertain(closed)
        if Permission.APPROVE_DELETION in caller.permissions:
            queries["deletions"] = _deletions(closed, caller.subject)
        with self._fresh.read() as session:
            found = {name: session.scalar(query) or 0 for name, query in queries.items()}
        return Counts(found["orders"], found.get("unread"), found.get("reconciliation"), found.get("deletions"))


def _orders(closed: Closed, until: datetime) -> Select[int]:
    wish = OrderWish(states=EXPECTED, until=until, also=ALSO)
    return select(func.count()).select_from(Order).where(*conditions_of(wish), without(Order.patient_id, closed))


def _unread(closed: Closed) -> Select[int]:
    return waiting(ReadingFilters(closed=closed)).with_only_columns(func.count())


def _uncertain(closed: Closed) -> Select[int]:
    uncertain = stored().where(Study.link_status.in_(UNCERTAIN), without(Study.patient_id, closed))
    return uncertain.with_only_columns(func.count())


def _deletions(closed: Closed, subject: str) -> Select[int]:
    of_closed = select(Study.id).where(Study.patient_id.in_(closed.patients))
    return select(func.count()).where(
        DeletionRequest.status == DeletionStatus.PENDING,
        DeletionRequest.requested_by != subject,
        without(DeletionRequest.patient_id, closed),
        DeletionRequest.study_id.not_in(of_closed),
    )
