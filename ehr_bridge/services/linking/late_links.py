"""Judges waiting studies again when something has changed that may have caused their doubt, as on arrival.

A study that is now certain gets a job that links it; of the others the new opinion is recorded. A study that was linked
to its patient alone gets its order the same way, or waits for a person when its accession number turns out to be of
another patient's order. Existing links are not changed otherwise, and studies that a person has decided about, or whose
images name two patients, are left to people.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session, aliased

from ehr_bridge.db.database import Database
from ehr_bridge.db.links import Link
from ehr_bridge.db.states import UNENDED, JobKind, LinkStatus
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.second_looks import SecondLook
from ehr_bridge.db.tables.studies import Study, StudyLink
from ehr_bridge.errors import Unavailable
from ehr_bridge.matching import Basis, HeaderIdentity, Match, MatchKind, Rules
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import OURSELVES, study_event
from ehr_bridge.services.identity.attributes import stored_identity
from ehr_bridge.services.jobs.study_jobs import new_job
from ehr_bridge.services.linking.contradictions import doubt
from ehr_bridge.services.linking.links import OPINION, new_link
from ehr_bridge.services.linking.second_looks import Cause
from ehr_bridge.services.registry.order_states import plain
from ehr_bridge.services.verdict.judge import CONFIRMATION, NOTHING_SAID, judge
from ehr_bridge.services.verdict.lookup import open_orders

LOGGER = logging.getLogger(__name__)
AT_ONCE = 16
"""Studies per transaction."""
_JOB = aliased(Modification)
_HERE = (
    Study.orthanc_study_id.is_not(None),
    Study.deleted_at.is_(None),
    Study.is_settled,
    ~exists().where(_JOB.study_id == Study.id, _JOB.status.in_(UNENDED)),
)
"""A study whose images are still arriving, that is hidden, or on which a job is working, keeps its turn."""


@dataclass(frozen=True, slots=True)
class _Judged:
    study_id: uuid.UUID
    turn: uuid.UUID
    match: Match | None
    """The verdict; None where a person must decide."""


class SecondLooks:
    """Works through the turns of `second_looks`. Verdicts are found outside the writers' turn."""

    def __init__(
        self,
        database: Database,
        rules: Rules,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._rules = rules
        self._clock = clock
        self._monotonic = monotonic

    def run(self, seconds: float = 1.0) -> int:
        """Judge the studies whose turn it is, for about that long; returns how many. Raises Unavailable when the
        database is away; then every turn stays."""
        until, count = self._monotonic() + seconds, 0
        while judged := self._judge_some():
            with self._database.write() as session:
                for one in judged:
                    _settle(session, one, self._clock())
            count += len(judged)
            if self._monotonic() > until:
                break
        return count

    def _judge_some(self) -> list[_Judged]:
        """A change after a turn was read requests another turn, so no verdict is older than the change it answers."""
        with self._database.read() as session:
            if session.scalar(select(SecondLook.study_id).limit(1)) is None:
                return []
            turns = session.execute(turns_due().limit(AT_ONCE)).all()
            return [_Judged(study_id, turn, self._verdict(session, study_id)) for study_id, turn in turns]

    def _verdict(self, session: Session, study_id: uuid.UUID) -> Match | None:
        try:
            study = session.get_one(Study, study_id)
            return _opinion(session, study, self._rules) if _is_left_to_the_judge(session, study) else None
        except Unavailable:
            raise
        except Exception:  # one that fails does not block the others; the next change asks again
            LOGGER.exception("study %s could not be judged again", study_id)
            return None


def turns_due() -> Select[uuid.UUID, uuid.UUID]:
    """Id and turn of the studies that can be judged now, longest waiting first."""
    query = select(SecondLook.study_id, SecondLook.turn).join(Study, Study.id == SecondLook.study_id).where(*_HERE)
    return query.order_by(SecondLook.asked_at, SecondLook.study_id)


def others_come_first() -> ColumnElement[bool]:
    """Whether the current job (`Modification` of the surrounding query) would link a study while another one that may
    answer the same order is still to be judged, because of the same change or an earlier one."""
    due = turns_due().where(SecondLook.asked_at <= Modification.requested_at)
    is_ours = (Modification.kind == JobKind.LINK) & (Modification.requested_by == OURSELVES.actor)
    return is_ours & due.correlate(Modification).exists()


def _settle(session: Session, judged: _Judged, now: datetime) -> None:
    """Remove the turn and act on the verdict, unless something has changed since it was found."""
    look = session.get(SecondLook, judged.study_id)
    if look is None or look.turn != judged.turn:
        return
    study = session.scalar(select(Study).where(Study.id == judged.study_id, *_HERE))
    if study is None:
        return
    session.delete(look)
    match = judged.match
    if match is None or not _is_left_to_the_judge(session, study):
        return
    detail: dict[str, Any] = {"cause": look.cause}
    if _is_news(study, match) and not _is_wanted_by_others(session, study, match):
        reason = f"Judged again, because {Cause(look.cause).words}; the verdict is certain."
        job = new_job(study, JobKind.LINK, reason, OURSELVES, now, waits=True)
        job.link_after = _link_to(study, match)
        session.add(job)
        session.flush()
        detail["modification_id"] = str(job.id)
    elif _names_order_of_another(study, match):
        doubt(session, study, OURSELVES, detail | {"order_id": plain(match.order_id)}, now)
        return
    elif study.patient_id is not None or not (changed := _record_opinion(study, match)):
        return
    else:
        detail |= changed
    about = {"patient_id": plain(look.patient_id), "order_id": plain(look.order_id)}
    detail["changed"] = {name: value for name, value in about.items() if value}
    audit.append(session, OURSELVES, study_event("study.judged_again", study, detail), now)


def _names_order_of_another(study: Study, match: Match) -> bool:
    """Whether the accession number of a study that is linked to its patient alone is of another patient's order."""
    if study.patient_id is None or match.order_id is None or match.patient_id == study.patient_id:
        return False
    return any(line.field == "AccessionNumber" and line.agrees for line in match.evidence)


def _record_opinion(study: Study, match: Match) -> dict[str, Any]:
    """Record the new opinion on a study that keeps waiting; returns before and after, or nothing if it is the same."""
    before = {name: getattr(study, name) for name in (*OPINION, "link_status")}
    study.match_kind, study.match_score = match.kind.value, match.score
    study.match_evidence = evidence_of(match)
    study.match_patient_id, study.match_order_id = match.patient_id, match.order_id
    study.link_status = LinkStatus.AMBIGUOUS if match.kind is MatchKind.AMBIGUOUS else LinkStatus.UNLINKED
    after = {name: getattr(study, name) for name in before}
    if before == after:
        return {}
    told = ("match_kind", "match_patient_id", "match_order_id", "link_status")
    return {
        "before": {name: plain(before[name]) for name in told},
        "after": {name: plain(after[name]) for name in told},
    }


@dataclass(frozen=True, slots=True)
class FreshVerdict:
    """The verdict on a study whose link job has its turn, and the state it is based on."""

    turn: uuid.UUID | None
    """In `second_looks`: every change that may concern the study writes another one."""
    identity: HeaderIdentity
    match: Match

    def still_holds(self, session: Session, study: Study) -> bool:
        """Whether nothing has changed since that could change the verdict; asked in the writers' turn."""
        if (self.turn, self.identity) != (_turn_of(session, study.id), stored_identity(study)):
            return False
        match = self.match
        if match.order_id is None or match.patient_id is None or match.basis is Basis.ORDER or not match.is_automatic:
            return True
        still_open = open_orders(session, match.patient_id, study.study_instance_uid)
        return any(order.id == match.order_id for order in still_open)


def find_verdict(session: Session, study_id: uuid.UUID, rules: Rules) -> FreshVerdict:
    """Judge a study outside the writers' turn. The turn is read first: no change during the judging is missed."""
    turn, study = _turn_of(session, study_id), session.get_one(Study, study_id)
    return FreshVerdict(turn, stored_identity(study), _opinion(session, study, rules))


def _turn_of(session: Session, study_id: uuid.UUID) -> uuid.UUID | None:
    return session.scalar(select(SecondLook.turn).where(SecondLook.study_id == study_id))


def follow_verdict(session: Session, study: Study, job: Modification, match: Match) -> bool:
    """Update a job made by `SecondLooks` to the verdict at its turn; False if it is no longer certain."""
    if not _is_left_to_the_judge(session, study) or not _is_news(study, match):
        return False
    if _is_wanted_by_others(session, study, match, or_soon=True):
        return False
    job.link_after = _link_to(study, match)
    return True


def _link_to(study: Study, match: Match) -> Link:
    return new_link(study, match.patient_id, match.order_ids, evidence_of(match))


def _is_wanted_by_others(session: Session, study: Study, match: Match, *, or_soon: bool = False) -> bool:
    """Whether another study's link to the order was refused because two of them could answer it; `or_soon`: or is
    waiting or running. False where a key of the study names the order."""
    if match.order_id is None or match.basis is Basis.ORDER:
        return False
    refused = (Modification.error_code == "study_changed") & (Modification.requested_by == OURSELVES.actor)
    wants = refused & Study.order_id.is_(None)
    if or_soon:
        wants |= Modification.status.in_(UNENDED)
    others = exists().where(
        Modification.kind == JobKind.LINK,
        Modification.study_id != study.id,
        _would_answer(match.order_id),
        Study.id == Modification.study_id,
        wants,
    )
    return bool(session.scalar(select(others)))


def _would_answer(order_id: uuid.UUID) -> ColumnElement[bool]:
    """Whether a job would link its study to this order, as its primary one or as a further one."""
    first, further = (Modification.link_after[name].as_string() for name in ("order_id", "further_order_ids"))
    return or_(first == str(order_id), further.contains(str(order_id)))


def evidence_of(match: Match) -> list[dict[str, Any]]:
    return [line.as_json() for line in match.evidence]


def _opinion(session: Session, study: Study, rules: Rules) -> Match:
    return judge(session, stored_identity(study), NOTHING_SAID, rules)[0]


def _is_news(study: Study, match: Match) -> bool:
    """Whether a verdict would link a study, or add an order to a study that had only its patient."""
    if not match.is_automatic or match.patient_id is None:
        return False
    return study.patient_id is None or (study.patient_id == match.patient_id and match.order_id is not None)


def _is_left_to_the_judge(session: Session, study: Study) -> bool:
    """Whether no person has decided about this study, and its images name one patient: never linked, or automatically
    to a patient alone."""
    links = session.scalars(select(StudyLink.id).where(StudyLink.study_id == study.id)).all()
    by_people = exists().where(
        Modification.study_id == study.id,
        Modification.kind.in_((JobKind.LINK, JobKind.UNLINK)),
        Modification.requested_by != OURSELVES.actor,
    )
    if study.is_contradicted or session.scalar(select(by_people)):
        return False
    if study.link_status != LinkStatus.LINKED:
        return not links
    if study.order_id is not None or len(links) != 1:
        return False
    return all(one["field"] != CONFIRMATION for one in study.match_evidence)
