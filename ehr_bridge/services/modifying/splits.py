"""Requests to move some images of a study to another patient or order; `runner` carries them out.

The moved images become a study of their own, with new UIDs. The former ones stay known: an image that comes again under
them waits for a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.states import JobKind
from ehr_bridge.db.tables.modifications import Modification, Split, SplitInstance
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.dicom import read_header
from ehr_bridge.dicom.new_uids import derived_uid
from ehr_bridge.errors import Conflict, InvalidInput, Unavailable
from ehr_bridge.matching import Rules
from ehr_bridge.reporting.states import SHOWN
from ehr_bridge.services import audit
from ehr_bridge.services.archive.holdings import read_each
from ehr_bridge.services.archive.rejected_images import rejected_of_study
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.deletion.holds import hold_in_force
from ehr_bridge.services.identity.attributes import ehr_values, wanted_values
from ehr_bridge.services.jobs.study_jobs import new_job, require_idle
from ehr_bridge.services.linking.reconciliation_views import CandidateView, version_of, view_header
from ehr_bridge.services.studies.listing import find_study
from ehr_bridge.services.verdict.judge import Confirmation, resolve

_AT_SERIES = (("series", "Name images of the study, and leave some."),)


@dataclass(frozen=True, slots=True)
class SplitWish:
    """Which images of a study are whose: whole series, and single images."""

    study_instance_uid: str
    series: frozenset[str]
    instances: frozenset[str]
    to: Confirmation


@dataclass(frozen=True, slots=True)
class SplitView:
    """What a split would do."""

    candidate: CandidateView
    """One of the moved images beside the patient and order it would be given to."""
    version: str
    number_of_instances: int
    number_of_series: int
    remaining_instances: int
    is_another_patient: bool
    number_of_reports: int
    """Reports of the study that people can read; they come into doubt."""


class Splits:
    def __init__(
        self,
        database: Database,
        fresh: Fresh,
        rules: Rules,
        clock: Callable[[], datetime],
        new_uid: Callable[[], str],
    ) -> None:
        self._database = database
        self._fresh = fresh
        self._rules = rules
        self._clock = clock
        self._new_uid = new_uid

    def compare(self, wish: SplitWish, read: Callable[[str], bytes]) -> SplitView:
        """What the split would do; nothing is changed.

        Raises:
            NotFound, Conflict, InvalidInput: like `request`.
            Unavailable: none of the images can be read at present.
        """
        with self._fresh.read() as session:
            study, patient, order = self._parties(session, wish)
            images = _images(session, study, wish)
            data = next((one for one in read_each(read, [one.orthanc_instance_id for one in images[:3]]) if one), None)
            if data is None:
                raise Unavailable("archive_unavailable", "The images cannot be read at the moment; try again.")
            reports = select(func.count()).select_from(Report)
            reports = reports.where(Report.study_instance_uid == study.study_instance_uid)
            return SplitView(
                view_header(session, read_header(data), patient, order, self._rules),
                _version(session, study, images, patient, order),
                len(images),
                len({one.series_instance_uid for one in images}),
                _count(session, study) - len(images),
                study.patient_id != patient.id,
                session.scalar(reports.where(Report.status.in_(sorted(SHOWN)))) or 0,
            )

    def request(self, wish: SplitWish, reason: str, origin: Origin, expected: str | None = None) -> Modification:
        """Move the images to a new study of this patient or order; a job does it.

        `expected` is the version of the study that the person saw.

        Raises:
            NotFound: study, patient or order do not exist, or the study has no such image.
            Conflict: the study is being changed, was changed since, is on hold, or belongs to them already; order and
                patient do not belong together, or the order is cancelled.
            Conflict: images of a chosen series are rejected.
            InvalidInput: no image is named, or none would be left.
        """
        now = self._clock()
        with self._database.write() as session:
            study, patient, order = self._parties(session, wish)
            require_idle(session, study)
            images = _images(session, study, wish)
            if expected is not None and expected != _version(session, study, images, patient, order):
                raise Conflict("study_changed", "The study has changed since you looked at it. Look at it again.")
            whole = {one.series_instance_uid for one in images} - _series_that_stay(session, study, images)
            job = new_job(study, JobKind.SPLIT, reason, origin, now)
            job.from_original, job.wanted = True, dict(wanted_values(patient, order))
            job.known = {"corrections": {}, "ehr": dict(ehr_values(patient, order)), "linked_to": None}
            session.add(job)
            session.flush()
            split = Split(
                modification_id=job.id,
                target_study_instance_uid=self._new_uid(),
                patient_id=patient.id,
                order_id=order.id if order is not None else None,
                is_another_patient=study.patient_id != patient.id,
            )
            session.add(split)
            session.add_all(_moved(job, study, image, whole) for image in images)
            session.flush()
            detail = {
                "modification_id": str(job.id),
                "instances": len(images),
                "target_study_instance_uid": split.target_study_instance_uid,
                "reason": reason,
            }
            event = Event(
                "study.split_requested", "success", patient.id, split.order_id, wish.study_instance_uid, detail
            )
            audit.append(session, origin, event, now)
        return job

    def _parties(self, session: Session, wish: SplitWish) -> tuple[Study, Patient, Order | None]:
        study = find_study(session, wish.study_instance_uid)
        patient, order = resolve(session, wish.to)
        if hold_in_force(session, study.id) is not None:
            raise Conflict(
                "study_on_hold", "This study is under legal hold; it can be split after the hold is released."
            )
        if study.patient_id == patient.id and (order is None or order.id in study.order_ids):
            raise Conflict("split_same_owner", "The whole study belongs to this patient and order already.")
        return study, patient, order


def _moved(job: Modification, study: Study, image: Instance, whole: Collection[str]) -> SplitInstance:
    return SplitInstance(
        modification_id=job.id,
        sop_instance_uid=image.sop_instance_uid,
        series_instance_uid=image.series_instance_uid,
        new_sop_instance_uid=derived_uid(job.id, image.sop_instance_uid),
        new_series_instance_uid=derived_uid(job.id, image.series_instance_uid),
        orthanc_instance_id=image.orthanc_instance_id,
        study_id=study.id,
        of_whole_series=image.series_instance_uid in whole,
        is_moved=True,
    )


def _images(session: Session, study: Study, wish: SplitWish) -> list[Instance]:
    """The recorded images that are named, each once."""
    found = list(session.scalars(select(Instance).where(Instance.study_id == study.id)))
    _require_in_use(session, study, wish, found)
    _require_known(wish.series, {one.series_instance_uid for one in found})
    _require_known(wish.instances, {one.sop_instance_uid for one in found})
    named = [one for one in found if one.series_instance_uid in wish.series or one.sop_instance_uid in wish.instances]
    if len(named) == len(found):
        raise InvalidInput(
            "split_leaves_nothing", "No image would be left: link the whole study to them instead.", _AT_SERIES
        )
    return sorted(named, key=lambda one: (one.series_instance_uid, one.sop_instance_uid))


def _version(session: Session, study: Study, images: list[Instance], patient: Patient, order: Order | None) -> str:
    """Another one, too, when images of a chosen series have come since, or the EHR has changed the patient or the order
    to whom they are to go: nobody has seen those."""
    shown = sorted(wanted_values(patient, order).items())
    seen = [version_of(session, study), str(patient.id), str(shown), *(one.sop_instance_uid for one in images)]
    return hashlib.sha256("|".join(seen).encode()).hexdigest()[:16]


def _series_that_stay(session: Session, study: Study, images: list[Instance]) -> set[str]:
    """Those of which an image is left in the study."""
    chosen = {one.orthanc_instance_id for one in images}
    here = select(Instance.orthanc_instance_id, Instance.series_instance_uid).where(Instance.study_id == study.id)
    return {series for key, series in session.execute(here) if key not in chosen}


def _require_in_use(session: Session, study: Study, wish: SplitWish, found: list[Instance]) -> None:
    """A rejected image of a series that moves would stay behind, and return to the former patient."""
    series = wish.series | {one.series_instance_uid for one in found if one.sop_instance_uid in wish.instances}
    for one in rejected_of_study(session, study.id):
        if one.series_instance_uid in series or one.sop_instance_uid in wish.instances:
            raise Conflict(
                "split_rejected_images",
                f"Images of a chosen series are rejected (rejection {one.rejection_id}); take that back first.",
            )


def _require_known(named: Collection[str], known: Collection[str]) -> None:
    if not set(named) <= set(known):
        raise InvalidInput(
            "split_unknown_image", "The study has no such series or image; look at it again.", _AT_SERIES
        )


def _count(session: Session, study: Study) -> int:
    return session.scalar(select(func.count()).where(Instance.study_id == study.id)) or 0
