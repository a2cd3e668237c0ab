"""The studies that rules of retention propose for deletion. Reading only: nothing is kept, hidden or requested.

A study stays that somebody needs or nobody knows well enough: on hold, with a report that is not signed, with files in
quarantine, without a certain patient or a date, of a patient who is too young or whose age is unknown, from before the
patient's birth, or new here: its date may be that of a clock that was wrong, and a prior was imported for somebody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_
from sqlalchemy.orm import Session

from ehr_bridge.db.paging import Key, Position, cursor_refused, of_ids, rows_after
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.deletions import LegalHold
from ehr_bridge.db.tables.quarantine import QuarantinedFile
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services.deletion.years_kept import ANY, NEW, YearsKept, years_before
from ehr_bridge.services.studies.listing import StudyView, stored, views_of
from ehr_bridge.services.uploads.quarantined import WAITING
from ehr_bridge.services.visibility.restrictions import Closed, without

MOST = 10_000
"""Studies that are counted, the oldest ones: of a large archive with a new rule there may be a million."""
UNFINISHED = (ReportStatus.DRAFT, ReportStatus.PRELIMINARY)
OLDEST_FIRST = (Key(Study.study_date_key.expression, date.fromisoformat), of_ids(Study.id.expression))


@dataclass(frozen=True, slots=True)
class OfYear:
    """How many studies of one year and with the same modalities are proposed."""

    year: int
    modalities: tuple[str, ...]
    number_of_studies: int
    number_of_instances: int


@dataclass(frozen=True, slots=True)
class Counts:
    by_year: list[OfYear]
    number_of_studies: int
    is_all: bool
    """False when more than `MOST` are proposed: then the oldest `MOST` are counted."""


@dataclass(frozen=True, slots=True)
class Proposals:
    counts: Counts | None
    """None on a further page."""
    studies: list[StudyView]
    last: Position | None
    """Where the last of them stands, if more follow."""


def read_proposals(
    session: Session, rules: YearsKept, today: date, closed: Closed, limit: int, after: Position | None
) -> Proposals:
    """What the rules propose, the oldest studies first, `limit` of them as lists show them; with `after`, those behind
    that position. Raises InvalidInput when it is none of this list."""
    query = proposed(rules, today, closed, None if after is None else _day(after))
    ids, last = rows_after(session, query.with_only_columns(Study.id), OLDEST_FIRST, limit, 0, after)
    return Proposals(None if after is not None else _counts(session, query), views_of(session, ids), last)


def _day(position: Position) -> date:
    try:
        return date.fromisoformat(position[0] or "")
    except (ValueError, IndexError):
        raise cursor_refused() from None


def _counts(session: Session, query: Select[Study]) -> Counts:
    columns = Study.id, Study.study_date_key, Study.modality_key, Study.number_of_instances
    oldest = query.with_only_columns(*columns).order_by(*(key.order for key in OLDEST_FIRST))
    rows = session.execute(oldest.limit(MOST + 1)).all()
    is_all, rows = len(rows) <= MOST, rows[:MOST]
    studies: Counter[tuple[int, str]] = Counter()
    images: Counter[tuple[int, str]] = Counter()
    for _, day, modalities, number in rows:
        studies[day.year, modalities] += 1
        images[day.year, modalities] += number
    counts = [
        OfYear(year, tuple(key.strip("|").split("|")) if key.strip("|") else (), number, images[year, key])
        for (year, key), number in sorted(studies.items())
    ]
    return Counts(counts, len(rows), is_all)


def proposed(rules: YearsKept, today: date, closed: Closed, since: date | None = None) -> Select[Study]:
    """The studies that the rules propose, without those of patients who are closed to the caller; with `since`, of that
    day or later: the index of dates is read from there."""
    of_age = years_before(today, rules.least_age)
    on_hold = exists().where(LegalHold.study_id == Study.id, LegalHold.released_at.is_(None))
    unsigned = exists().where(
        Report.study_instance_uid == Study.study_instance_uid,
        or_(Report.draft_kind.is_not(None), Report.status.in_(UNFINISHED)),
    )
    waiting = exists().where(
        QuarantinedFile.study_instance_uid == Study.study_instance_uid, QuarantinedFile.status == WAITING
    )
    conditions: Sequence[ColumnElement[bool]] = (
        Study.study_date_key > date.min if since is None else Study.study_date_key >= since,
        Study.study_date_key <= years_before(today, rules.fewest),
        Study.link_status == LinkStatus.LINKED,
        Study.withheld_by_id.is_(None),
        without(Study.patient_id, closed),
        Patient.birth_date <= of_age,
        Patient.birth_date <= Study.study_date_key,
        Study.created_at < datetime.combine(years_before(today, NEW), time.min, UTC),
        *_kept_long_enough(rules, today),
        not_(on_hold),
        not_(unsigned),
        not_(waiting),
    )
    return stored().join(Patient, Patient.id == Study.patient_id).where(*conditions)


def _kept_long_enough(rules: YearsKept, today: date) -> list[ColumnElement[bool]]:
    """Each modality of a study has a rule, and all of their times have passed; the same as `YearsKept.rule_of` says."""
    conditions: list[ColumnElement[bool]] = []
    others: Any = func.upper(Study.modality_key)
    for name, years in rules.years.items():
        if name != ANY:
            has = func.upper(Study.modality_key).contains(f"|{name}|", autoescape=True)
            conditions.append(or_(not_(has), Study.study_date_key <= years_before(today, years)))
            others = func.replace(others, f"|{name}|", "|")
    is_of_named = and_(others == "|", Study.modality_key != "|")
    if ANY not in rules.years:
        return [*conditions, is_of_named]
    return [*conditions, or_(is_of_named, Study.study_date_key <= years_before(today, rules.years[ANY]))]
