"""Removes what a self-test has made, and nothing else.

The images are deleted like those of any study, by a deletion request and the purge; but no second person has to agree,
because each of them is known to be the self-test's own. Then the rows are deleted. If anything refers to its patients
that cannot be its own, all of it stays: a person has used them for something.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.rows import table_of
from ehr_bridge.db.states import DeletionStatus
from ehr_bridge.db.tables.base import Base
from ehr_bridge.db.tables.deletions import DeletionRequest, latest_request
from ehr_bridge.db.tables.interfaces import PerformedStep
from ehr_bridge.db.tables.logs import ReceivedMessage
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study, StudyLink
from ehr_bridge.db.tables.uploads import DicomUploadLog, Instance
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.deletion.holds import require_no_hold
from ehr_bridge.services.deletion.steps import approve_at_once, open_request
from ehr_bridge.services.identity.match_index import forget_patients
from ehr_bridge.services.jobs.study_jobs import require_idle
from ehr_bridge.services.selftest.numbers import AE_TITLE, MARK, Run, runs_of

REASON = "Images of a self-test (ehr-bridge selftest); they are of no patient."
MAY_GO = frozenset(
    {
        "patients", "patient_match_keys", "identity_changes",
        "orders", "scheduled_steps", "study_orders",
        "studies", "study_links", "study_names", "study_sop_classes", "study_match_keys", "second_looks",
        "instances", "dicom_upload_logs", "dicom_upload_skips",
        "modifications", "modification_instances", "deletion_requests",
        "viewer_tokens", "viewer_token_renewals", "shares", "notices",
        "performed_steps", "performed_step_orders", "sendings", "sent_instances", "study_doses",
    }
)  # fmt: skip
"""Tables whose rows go with the patients, orders and studies on which they hang. A row of any other table, such as a
file in quarantine or a legal hold, keeps everything: somebody has to look at it."""

SENT = DicomUploadLog.uploaded_by == f"ae:{AE_TITLE}"
SETTLED = frozenset({DeletionStatus.APPROVED, DeletionStatus.PURGING, DeletionStatus.PURGED})
"""A request that needs no approval more; only time."""
ON_ITS_WAY = timedelta(seconds=2)
"""After the purge of a study: for an image that an interrupted self-test sent at its end."""
NOT_RECORDED = timedelta(seconds=20)
"""For the first image of a study to be recorded; then it never came."""

type Rows = dict[Table, set[Any]]


class Kept(Exception):
    """Something hangs on what the self-test made that is not its own; says what."""


class SelfTestRecords:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def runs(self) -> list[Run]:
        """The runs of which something is here. Patients that only begin with the same letters are of none."""
        begins = f"{MARK}-"
        with self._database.read() as session:
            numbers = [
                *session.scalars(select(Patient.mrn).where(Patient.mrn.startswith(begins))),
                *session.scalars(select(Study.patient_id_key).where(Study.patient_id_key.startswith(begins))),
                *session.scalars(
                    select(ReceivedMessage.control_id).where(ReceivedMessage.control_id.startswith(begins))
                ),
                *session.scalars(select(DicomUploadLog.original_patient_id).where(SENT)),
            ]
        return runs_of(number or "" for number in numbers)

    def delete_images(self, run: Run, origin: Origin) -> list[str]:
        """Have the images of a run purged by the server. Returns the StudyInstanceUIDs of which the archive still has
        some; to be called again until there are none.

        Raises:
            Kept: a study has an image that the self-test did not send.
            Conflict: a study is under legal hold, or a job is working on it.
        """
        waiting = []
        with self._database.write() as session:
            for study in _studies(session, run):
                _require_own(session, study, run)
                request = session.scalar(latest_request(study.id))
                if not self._may_have_images(study, request):
                    continue
                waiting.append(study.study_instance_uid)
                if study.orthanc_study_id is None or (request is not None and request.status in SETTLED):
                    continue
                require_no_hold(session, study.id)
                require_idle(session, study)
                if request is None or request.status != DeletionStatus.PENDING:
                    request = open_request(session, study, REASON, origin, self._clock())
                approve_at_once(session, request, origin, self._clock())
        return waiting

    def _may_have_images(self, study: Study, request: DeletionRequest | None) -> bool:
        """Whether the archive has images of a study, or may have, because one may still be on its way there."""
        if request is not None and request.status == DeletionStatus.PURGED:
            return request.purged_at is None or self._clock() - request.purged_at < ON_ITS_WAY
        return study.orthanc_study_id is not None or self._clock() - study.created_at < NOT_RECORDED

    def remove(self, run: Run, origin: Origin) -> Counter[str]:
        """Delete the rows of a run whose images are gone. Returns how many of each table. The audit trail and events
        keep what happened, by ids.

        Raises:
            Kept: something hangs on them that is not the self-test's own.
        """
        with self._database.write() as session:
            patients = list(session.scalars(select(Patient).where(Patient.mrn.startswith(run.prefix))))
            for patient in patients:
                if patient.family_name != MARK:
                    raise Kept(f"the patient {patient.mrn} has another name than the self-test's")
            studies = _studies(session, run)
            for study in studies:
                _require_own(session, study, run)
            steps = session.scalars(select(PerformedStep.id).where(PerformedStep.sop_instance_uid == run.step))
            logs = session.scalars(
                select(DicomUploadLog.id).where(SENT, DicomUploadLog.original_patient_id.startswith(run.prefix))
            )
            start: Rows = {
                table_of(Patient): {one.id for one in patients},
                table_of(Study): {one.id for one in studies},
                table_of(PerformedStep): set(steps),
                table_of(DicomUploadLog): set(logs),
            }
            rows = _what_hangs_on(session, start)
            _require_own_orders(session, rows.get(table_of(Order), set()), run)
            if unknown := sorted(table.name for table in rows if table.name not in MAY_GO):
                raise Kept(f"the patients of the self-test are used in {', '.join(unknown)}")
            forget_patients(session, rows[table_of(Patient)])
            counts = _delete(session, rows)
            messages = delete(ReceivedMessage).where(ReceivedMessage.control_id.startswith(run.prefix))
            counts["hl7_messages"] += session.connection().execute(messages).rowcount
            counts = +counts
            if counts:
                event = Event("selftest.removed", detail={"run": run.token, "rows": dict(sorted(counts.items()))})
                audit.append(session, origin, event, self._clock())
        return counts


def _studies(session: Session, run: Run) -> list[Study]:
    """Those with one of its images, and those that are, or were, linked to one of its patients."""
    patients = select(Patient.id).where(Patient.mrn.startswith(run.prefix))
    whose = or_(
        Study.patient_id.in_(patients),
        Study.match_patient_id.in_(patients),
        Study.patient_id_key.startswith(run.prefix),
        Study.id.in_(select(StudyLink.study_id).where(StudyLink.patient_id.in_(patients))),
        Study.id.in_(select(Instance.study_id).where(Instance.sop_instance_uid.in_(run.images))),
    )
    return list(session.scalars(select(Study).where(whose)))


def _require_own(session: Session, study: Study, run: Run) -> None:
    images = set(session.scalars(select(Instance.sop_instance_uid).where(Instance.study_id == study.id)))
    if not images <= run.images:
        raise Kept(f"the study {study.study_instance_uid} has images that the self-test did not send")


def _require_own_orders(session: Session, orders: Collection[uuid.UUID], run: Run) -> None:
    for number in session.scalars(select(Order.accession_number).where(Order.id.in_(orders))):
        if not number.startswith(run.accession_prefix):
            raise Kept(f"the order {number} of a self-test's patient is not the self-test's")


def _what_hangs_on(session: Session, start: Mapping[Table, set[Any]]) -> Rows:
    """The primary keys of these rows, and of all rows that refer to them, and so on; without rows whose primary key has
    several columns, for nothing refers to those. Tables without such rows are left out, but not those of `start`."""
    found: Rows = {table: set(keys) for table, keys in start.items()}
    todo = list(found)
    while todo:
        parent = todo.pop()
        for child in Base.metadata.sorted_tables:
            if not (refers := _refers(child, {parent: found[parent]})):
                continue
            keys = {tuple(row) for row in session.execute(select(*child.primary_key).where(or_(*refers)))}
            known = found.get(child, set())
            new = {key[0] for key in keys} - known if len(child.primary_key) == 1 else set()
            if keys:
                found[child] = known | new
            if new:
                todo.append(child)
    return found


def _refers(table: Table, to: Mapping[Table, Collection[Any]]) -> list[ColumnElement[bool]]:
    """Conditions for the rows of a table that refer to one of these."""
    return [key.parent.in_(to[key.column.table]) for key in table.foreign_keys if to.get(key.column.table)]


def _delete(session: Session, rows: Rows) -> Counter[str]:
    counts: Counter[str] = Counter()
    for table in reversed(Base.metadata.sorted_tables):
        if table not in rows:
            continue
        which = _refers(table, rows)
        if len(table.primary_key) == 1:
            (key,) = table.primary_key
            which.append(key.in_(rows[table]))
        if which:
            counts[table.name] += session.scalar(select(func.count()).select_from(table).where(or_(*which))) or 0
            session.connection().execute(delete(table).where(or_(*which)))
    return counts
