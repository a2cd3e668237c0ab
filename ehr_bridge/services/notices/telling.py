"""Whom an act concerns besides the one who did it: the one place that says so.

It reads the audited events of a transaction, because every write has one, and writes the notices in the same
transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import event, exists, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.facts import NOTICE, Fact, Heard, write_facts
from ehr_bridge.db.rows import ClosingRows
from ehr_bridge.db.states import NoticeKind
from ehr_bridge.db.tables.accounts import User
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.results.notices import Notice
from ehr_bridge.db.tables.results.reports import Report, ReportVersion
from ehr_bridge.matching.names import words_of
from ehr_bridge.services.audit.trail import written_in

_ROWS = ClosingRows(Notice)
type Told = tuple[str | None, NoticeKind, Mapping[str, Any]]
"""Who is told, of what, and the ids that belong to it."""


def tell_notices(database: Database, *heard: Heard) -> None:
    """From now on every transaction of `Database.write` writes its notices before it is committed, each with an event
    that destinations are told of."""

    def tell(session: Session) -> None:
        rows = [
            _row(one, subject, kind, ids)
            for one in written_in(session)
            if (whom := _WHOM.get(one["action"])) is not None
            for subject, kind, ids in whom(session, one)
            if subject and subject != one["actor"]
        ]
        if rows:
            _ROWS.add(session, rows)
            write_facts(session, [_fact(row) for row in rows], rows[0]["at"], *heard)

    event.listen(database.write_session, "before_commit", tell, insert=True)


def _row(one: Mapping[str, Any], subject: str, kind: NoticeKind, ids: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": uuid.uuid4(),
        "subject": subject,
        "kind": kind,
        "at": one["at"],
        "actor": one["actor"],
        "patient_id": _id(one["patient_id"]),
        "order_id": _id(one["order_id"]),
        "report_id": None,
        "deletion_id": None,
        "study_instance_uid": one["study_instance_uid"],
        "seen_at": None,
        **ids,
    }


def _fact(row: Mapping[str, Any]) -> Fact:
    about = {name: row[name] for name in ("patient_id", "order_id", "study_instance_uid", "report_id", "subject")}
    return Fact(NOTICE, notice_id=row["id"], kind=str(row["kind"]), **about)


def _id(text: str | None) -> uuid.UUID | None:
    return None if text is None else uuid.UUID(text)


def _assigned(_session: Session, one: Mapping[str, Any]) -> Iterator[Told]:
    yield one["detail"]["assigned_to"], NoticeKind.ORDER_ASSIGNED, {}
    yield one["detail"]["former"], NoticeKind.ORDER_TAKEN, {}


def _decided(session: Session, one: Mapping[str, Any]) -> Iterator[Told]:
    request = session.get(DeletionRequest, uuid.UUID(one["detail"]["deletion_id"]))
    if request is not None:
        yield request.requested_by, NoticeKind.DELETION_DECIDED, {"deletion_id": request.id}


def _taken_over(_session: Session, one: Mapping[str, Any]) -> Iterator[Told]:
    yield one["detail"]["former"], NoticeKind.REPORT_TAKEN, _report(one)


def _doubted(session: Session, one: Mapping[str, Any]) -> Iterator[Told]:
    report = _issued(session, one)
    latest = session.get(ReportVersion, (report.id, report.number))
    if latest is not None:
        yield latest.signer or latest.author, NoticeKind.REPORT_DOUBTED, _report(one)


def _withdrawn(session: Session, one: Mapping[str, Any]) -> Iterator[Told]:
    before = session.get(ReportVersion, (uuid.UUID(one["detail"]["report_id"]), one["detail"]["version"] - 1))
    if before is not None:
        yield before.signer or before.author, NoticeKind.REPORT_WITHDRAWN, _report(one)


def _version_issued(session: Session, one: Mapping[str, Any]) -> Iterator[Told]:
    report = _issued(session, one)
    version = session.get(ReportVersion, (report.id, one["detail"]["version"]))
    if version is not None and version.cosigner is not None:
        yield version.signer, NoticeKind.REPORT_COSIGNED, _report(one)
    if report.critical_level is not None and report.critical_told_at is None:
        for subject in _who_ordered(session, report):
            yield subject, NoticeKind.CRITICAL_RESULT, _report(one)


def _who_ordered(session: Session, report: Report) -> Iterator[str]:
    """Accounts with the name of somebody who ordered it and has not been told. An order names a person and no account,
    so all of one name are told; whether they may see the patient is asked when they read."""
    names = [set(words_of(one.order.ordered_by or "")) for one in report.orders]
    for user in session.scalars(select(User).where(User.is_active)):
        called = set(words_of(user.full_name))
        is_told = exists().where(
            Notice.subject == user.username,
            Notice.report_id == report.id,
            Notice.kind == NoticeKind.CRITICAL_RESULT,
        )
        if len(called) > 1 and any(called <= name for name in names) and not session.scalar(select(is_told)):
            yield user.username


def _issued(session: Session, one: Mapping[str, Any]) -> Report:
    return session.get_one(Report, uuid.UUID(one["detail"]["report_id"]))


def _report(one: Mapping[str, Any]) -> dict[str, uuid.UUID]:
    return {"report_id": uuid.UUID(one["detail"]["report_id"])}


_WHOM: dict[str, Callable[[Session, Mapping[str, Any]], Iterator[Told]]] = {
    "order.assigned": _assigned,
    "order.unassigned": _assigned,
    "deletion.approved": _decided,
    "deletion.rejected": _decided,
    "report.taken_over": _taken_over,
    "report.doubted": _doubted,
    "report.withdrawn": _withdrawn,
    "report.issued": _version_issued,
    "report.signed": _version_issued,
    "report.received": _version_issued,
}
