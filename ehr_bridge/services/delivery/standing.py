"""Whether what waits is still to be told: what it says may have been taken back since."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import DeliveryState
from ehr_bridge.db.tables.logs import Delivery, Destination
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services.delivery.kinds import WITHDRAWN
from ehr_bridge.services.delivery.messages import concerns
from ehr_bridge.services.delivery.queue import Waiting
from ehr_bridge.services.reporting.rows import is_purged


def not_told(session: Session, destination_id: uuid.UUID, waiting: Sequence[Waiting]) -> dict[int, str]:
    """Why some of these are not sent there any more, by their ids."""
    return (
        _superseded(session, destination_id, waiting)
        | _purged(session, waiting)
        | _withdrawn(session, destination_id, waiting)
    )


def of_others(session: Session, destination: Destination, waiting: Sequence[Waiting]) -> set[int]:
    """Which of these are of patients of whom this destination is told nothing, or of patients who are no longer there:
    only a self-test takes away its own."""
    patients = {key for one in waiting for key in one.patients}
    if not patients:
        return set()
    rows = session.execute(select(Patient.id, Patient.mrn).where(Patient.id.in_(patients)))
    known = {key for key, mrn in rows if concerns(destination, mrn)}
    return {one.id for one in waiting if not one.patients <= known}


def joined(waiting: Sequence[Waiting]) -> set[int]:
    """What a webhook would hear twice: that the same order, study or patient was changed, while neither was sent. Both
    say the same ids, and the later one is sent in its place. A state or a version of a report is never left out."""
    latest = {_said(one): one.id for one in waiting if one.type.endswith(CHANGED)}
    return {one.id for one in waiting if one.type.endswith(CHANGED) and latest[_said(one)] != one.id}


def _said(one: Waiting) -> tuple[str, str]:
    return one.type, json.dumps(one.data, sort_keys=True)


CHANGED = ".changed"


def _superseded(session: Session, destination_id: uuid.UUID, waiting: Sequence[Waiting]) -> dict[int, str]:
    """Each one says all that there is to say: the receiver would have the older state of a report, an order or a study
    again. One that waits can be behind a later one only when somebody has sent it again."""
    if not waiting:
        return {}
    what = (Delivery.type, Delivery.report_id, Delivery.order_id, Delivery.study_instance_uid)
    query = select(*what, func.max(Delivery.id)).where(
        Delivery.destination_id == destination_id,
        Delivery.state == DeliveryState.SENT,
        Delivery.id > min(one.id for one in waiting),
    )
    last: dict[object, int] = {}
    for type_, report_id, order_id, uid, key in session.execute(query.group_by(*what)):
        about = _about(type_, report_id, order_id, uid)
        last[about] = max(key, last.get(about, 0))
    abouts = {one.id: _about(one.type, one.report_id, one.order_id, one.study_instance_uid) for one in waiting}
    return {key: "superseded" for key, about in abouts.items() if last.get(about, 0) > key}


def _about(type_: str, report_id: uuid.UUID | None, order_id: uuid.UUID | None, uid: str | None) -> object:
    """What an event tells the state of."""
    kind = type_.partition(".")[0]
    return kind, {"report": report_id, "order": order_id, "study": uid}.get(kind)


def _purged(session: Session, waiting: Sequence[Waiting]) -> dict[int, str]:
    """Of a study that is gone for good nothing is told but that its report was withdrawn."""
    reports = {one.report_id for one in waiting if one.report_id is not None and one.type != WITHDRAWN}
    if not reports:
        return {}
    gone = set(session.scalars(select(Report.id).where(Report.id.in_(reports), is_purged())))
    return {one.id: "study_deleted" for one in waiting if one.report_id in gone and one.type != WITHDRAWN}


def _withdrawn(session: Session, destination_id: uuid.UUID, waiting: Sequence[Waiting]) -> dict[int, str]:
    """What a withdrawn report said before is told nobody any more; and where nothing of it was ever told, there is
    nothing to take back."""
    reports = {one.report_id for one in waiting if one.report_id is not None}
    if not reports:
        return {}
    query = select(Report.id, Report.number).where(Report.id.in_(reports))
    rows = session.execute(query.where(Report.status == ReportStatus.ENTERED_IN_ERROR))
    latest: dict[uuid.UUID, int] = {key: number for key, number in rows}  # noqa: C416
    reasons: dict[int, str] = {}
    for one in waiting:
        if one.report_id not in latest:
            continue
        if (one.report_version or 0) < latest[one.report_id]:
            reasons[one.id] = "withdrawn"
        elif not _may_know(session, destination_id, one.report_id, latest[one.report_id]):
            reasons[one.id] = "nothing_to_tell"
    return reasons


def _may_know(session: Session, destination_id: uuid.UUID, report_id: uuid.UUID, number: int) -> bool:
    """Whether a version before this one may have come there. Only those are known not to have come that are kept here
    and were never rendered, which is done before the first attempt."""
    earlier = select(Delivery.report_version).where(
        Delivery.destination_id == destination_id, Delivery.report_id == report_id, Delivery.report_version < number
    )
    told = or_(Delivery.state == DeliveryState.SENT, Delivery.content.is_not(None))
    is_told = session.scalar(earlier.where(told).limit(1)) is not None
    return is_told or set(session.scalars(earlier)) != set(range(1, number))
