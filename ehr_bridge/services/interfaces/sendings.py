"""Studies that are sent to modalities: asked for, and looked at, and cancelled. `sending_jobs` sends them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Page, by_time, fetch_page
from ehr_bridge.db.states import UNDER_WAY, JobStatus, May
from ehr_bridge.db.tables.interfaces import Modality, Sending, SentInstance
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.archive.holdings import Holdings
from ehr_bridge.services.audit.trail import Event, Origin, study_event
from ehr_bridge.services.interfaces.modalities import key_of
from ehr_bridge.services.studies.listing import find_study
from ehr_bridge.services.visibility.leaving import require_may_leave
from ehr_bridge.services.visibility.restrictions import Restrictions

CANCELLED = "sending_cancelled"
SENT, SEND_CANCELLED = "study.sent", "study.send_cancelled"
"""Actions of the audit trail, when a sending ends."""
SORTS = by_time("requested_at", Sending.requested_at.expression, Sending.id.expression)


class Sendings:
    def __init__(self, database: Database, restrictions: Restrictions, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._restrictions = restrictions
        self._clock = clock

    def request(self, study_instance_uid: str, ae_title: str, archive: Holdings, origin: Origin) -> Sending:
        """Have a study sent to a modality; a job does it. One that is under way already is answered again.

        Raises:
            NotFound: there is no such study, or no such modality.
            NotPermitted: its patient is restricted to named people, also where the caller is one of them.
            Conflict: the modality may not be sent images.
        """
        now = self._clock()
        with self._database.read() as session:
            held = archive.holdings(find_study(session, study_instance_uid).orthanc_study_id or "")
        with self._database.write() as session:
            study = find_study(session, study_instance_uid)
            require_may_leave(self._restrictions, study.patient_id)
            modality = receiver(session, ae_title)
            if (same := _under_way(session, study, modality)) is not None:
                return same
            sending = Sending(
                id=uuid.uuid4(),
                study=study,
                ae_title=modality.ae_title,
                status=JobStatus.QUEUED,
                number_of_instances=len(held),
                number_sent=0,
                number_refused=0,
                requested_by=origin.actor,
                address=origin.address,
                requested_at=now,
                attempts=0,
            )
            session.add(sending)
            detail = {"sending_id": str(sending.id), "ae_title": modality.ae_title, "instances": len(held)}
            audit.append(session, origin, study_event("study.send_requested", study, detail), now)
        return sending

    def cancel(self, sending_id: uuid.UUID, origin: Origin) -> Sending:
        """Send nothing more of it; what the modality has taken, it keeps. An association under way ends in seconds.

        Raises:
            NotFound: like `get`.
            Conflict: it has ended already.
        """
        with self._database.write() as session:
            sending = session.get(Sending, sending_id)
            if sending is None:
                raise not_found()
            find_study(session, sending.study.study_instance_uid)
            if sending.status not in UNDER_WAY:
                raise Conflict("sending_ended", "This sending has ended; there is nothing to cancel.")
            end(session, sending, CANCELLED, SEND_CANCELLED, origin, self._clock())
        return sending

    def get(self, sending_id: uuid.UUID) -> Sending:
        """Raises NotFound, also when its study is hidden, and NotPermitted like `find_study`."""
        with self._database.read() as session:
            sending = session.get(Sending, sending_id)
            if sending is None:
                raise not_found()
            find_study(session, sending.study.study_instance_uid)
        return sending

    def of_study(self, study_instance_uid: str, limit: int, offset: int, sort: str | None = None) -> Page[Sending]:
        """To which modalities a study was sent, latest first unless asked otherwise. Raises NotFound, NotPermitted
        like `find_study`, and InvalidInput when the list cannot be sorted like that."""
        query = select(Sending).order_by(*SORTS.order(sort))
        with self._database.read() as session:
            study = find_study(session, study_instance_uid)
            return fetch_page(session, query.where(Sending.study_id == study.id), limit, offset)


def end(session: Session, sending: Sending, error_code: str | None, action: str, origin: Origin, now: datetime) -> None:
    """A sending under way ends; what was taken until then counts."""
    sending.status = _ended(sending, error_code)
    sending.error_code, sending.finished_at = error_code, now
    sending.leased_until = sending.retry_at = None
    session.execute(delete(SentInstance).where(SentInstance.sending_id == sending.id))
    detail = {"instances": sending.number_sent, "refused": sending.number_refused}
    outcome = {JobStatus.SUCCEEDED: "success", JobStatus.PARTIAL: "partial"}.get(sending.status, "failure")
    outcome = "success" if error_code == CANCELLED else outcome
    _audit(session, sending, action, outcome, detail, origin, now)


def count_late(session: Session, sending: Sending, taken: int, perhaps: int, now: datetime) -> None:
    """Images that were on their way when a sending was cancelled: so many were taken, and so many others perhaps."""
    sending.number_sent += taken
    sending.status = _ended(sending, sending.error_code)
    detail = {"instances": taken, "perhaps": perhaps}
    _audit(session, sending, SENT, "partial", detail, Origin(sending.requested_by, sending.address), now)


def _audit(
    session: Session,
    sending: Sending,
    action: str,
    outcome: str,
    numbers: dict[str, int],
    origin: Origin,
    now: datetime,
) -> None:
    study = sending.study
    code = {"code": sending.error_code} if sending.error_code else {}
    event = Event(
        action,
        outcome=outcome,
        patient_id=study.patient_id,
        order_id=study.order_id,
        study_instance_uid=study.study_instance_uid,
        detail={"sending_id": str(sending.id), "ae_title": sending.ae_title, **numbers, **code},
    )
    audit.append(session, origin, event, now)


def _ended(sending: Sending, error_code: str | None) -> JobStatus:
    if error_code is None:
        return JobStatus.SUCCEEDED
    return JobStatus.PARTIAL if sending.number_sent else JobStatus.FAILED


def not_found() -> NotFound:
    return NotFound("sending_not_found", "Nothing was sent to a modality under this id.")


def receiver(session: Session, ae_title: str) -> Modality:
    """A modality that may be sent images. Raises NotFound and Conflict."""
    modality = session.get(Modality, key_of(ae_title))
    if modality is None:
        raise NotFound("modality_not_found", "No modality is registered with this AE title.")
    if May.SEND_TO not in modality.may:
        raise Conflict(
            "modality_not_sent_to",
            f"{modality.ae_title} is not registered as one that is sent images. An administrator can allow it under "
            "Interfaces, Modalities.",
        )
    return modality


def _under_way(session: Session, study: Study, modality: Modality) -> Sending | None:
    query = select(Sending).where(Sending.study_id == study.id, Sending.status.in_(UNDER_WAY))
    return next((one for one in session.scalars(query) if key_of(one.ae_title) == modality.ae_key), None)
