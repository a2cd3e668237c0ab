"""The query behind the list of studies. docs/adr/0008-study-list.md explains its forms and indexes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.like import ESCAPE, escaped
from ehr_bridge.db.paging import Key, Page, Position, Sorts, first_of, of_ids, rows_after, sorted_by
from ehr_bridge.db.tables.match_keys import StudyName
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.matching.names import Place, Word, read_query
from ehr_bridge.services.registry.searching import person_fits
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, without

SORTS = Sorts(
    {
        "created_at": Key(Study.created_at.expression, datetime.fromisoformat),
        "study_date": Key(Study.study_date_key.expression, date.fromisoformat),
        "patient_name": Key(Study.patient_name_key.expression),
        "accession_number": Key(Study.accession_key.expression),
    },
    "-created_at",
    of_ids(Study.id.expression),
)
"""Each has an index. Unknown values count as smallest."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class StudyFilters:
    """Which studies to list; None is any."""

    patients: frozenset[uuid.UUID] | None = None
    """All records of one person."""
    study_instance_uid: str | None = None
    text: str | None = None
    """Names as in `patient_name`, an accession number, an MRN or a birth date."""
    patient_name: str | None = None
    order_id: uuid.UUID | None = None
    accession_number: str | None = None
    modality: str | None = None
    link_status: str | None = None
    study_date_from: date | None = None
    study_date_to: date | None = None
    is_damaged: bool | None = None
    """Whether a stored file of it was found missing or changed."""
    updated_since: datetime | None = None
    closed: Closed = NOTHING


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of the list, in which order."""

    limit: int = 50
    offset: int = 0
    sort: str | None = None
    after: Position | None = None
    """The `last` of another page with the same filters and sort."""


def find_ids(session: Session, filters: StudyFilters, part: Slice, listed: Select[Any]) -> Page[uuid.UUID]:
    """The ids of one page of `listed` studies in order.

    Only ids are sorted and counted, which are in the indexes; rows are read for one page afterwards.

    Raises:
        InvalidInput: the list cannot be sorted like that, or has no such position.
    """
    keys = SORTS.chosen(part.sort)
    conditions = [*_conditions(filters), *of_number(session, filters.accession_number)]
    query = listed.with_only_columns(Study.id).where(*conditions)
    if filters.patient_name is not None and part.after is None:  # so that the words are looked up once
        found = session.execute(sorted_by(query, keys)).all()
        ids, last = first_of(found[part.offset :], part.limit)
        return Page(ids, len(found), part.limit, part.offset, last)
    total = session.scalar(_counted(listed.with_only_columns(func.count()).where(*conditions), filters)) or 0
    if part.offset >= total:
        return Page([], total, part.limit, part.offset)
    ids, last = rows_after(session, query, keys, part.limit, part.offset, part.after)
    return Page(ids, total, part.limit, part.offset, last)


def _counted(count: Select[Any], filters: StudyFilters) -> Select[Any]:
    """A count of nearly all studies names its narrow index; otherwise SQLite reads every row."""
    is_broad = replace(filters, modality=None) == StudyFilters()
    return count.where(Study.created_at >= BEGINNING) if is_broad else count


def _conditions(filters: StudyFilters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        column == value
        for column, value in (
            (Study.study_instance_uid, filters.study_instance_uid),
            (Study.link_status, filters.link_status),
        )
        if value is not None
    ]
    if filters.patients is not None:
        conditions.append(Study.patient_id.in_(filters.patients))
    if filters.order_id is not None:
        conditions.append(Study.id.in_(select(StudyOrder.study_id).where(StudyOrder.order_id == filters.order_id)))
    if filters.closed.patients:
        conditions.append(without(Study.patient_id, filters.closed))
    if filters.updated_since is not None:
        conditions.append(Study.updated_at >= filters.updated_since)
    if filters.modality is not None:
        conditions.append(Study.modality_key.like(f"%|{escaped(filters.modality)}|%", escape=ESCAPE))
    if filters.study_date_from is not None:
        conditions.append(Study.study_date_key >= filters.study_date_from)
    if filters.study_date_to is not None:
        conditions.append(Study.study_date_key <= filters.study_date_to)
        conditions.append(Study.study_date_key > date.min)
    if filters.is_damaged is not None:
        damaged = Study.id.in_(select(Instance.study_id).where(Instance.damaged_at.is_not(None)))
        conditions.append(damaged if filters.is_damaged else ~damaged)
    if filters.patient_name is not None:
        conditions += [Study.id.in_(_studies_named(word)) for word in read_query(filters.patient_name)]
    if filters.text is not None:
        conditions.append(_fits(filters.text))
    return conditions


def _fits(text: str) -> ColumnElement[bool]:
    """Named like that, in the files or by the patient it is linked to; or with exactly that accession number."""
    named = [Study.id.in_(_studies_named(word)) for word in read_query(text)]
    of_patient = Study.patient_id.in_(select(Patient.id).where(person_fits(text)))
    return or_(and_(*named) if named else false(), of_patient, Study.accession_key == text.strip())


def of_number(session: Session, number: str | None) -> list[ColumnElement[bool]]:
    """Listed under an accession number, or answering the order that has it as a further one: looked up before, so that
    the usual list is read from the index alone."""
    if number is None:
        return []
    further = select(StudyOrder.study_id).join(Order, Order.id == StudyOrder.order_id)
    further = further.where(Order.accession_number == number, StudyOrder.position > 0)
    found = session.scalars(further).all()
    listed = Study.accession_key == number
    return [or_(listed, Study.id.in_(found)) if found else listed]


def _studies_named(word: Word) -> Select[uuid.UUID]:
    beginning = word.text.split("*")[0].split("?")[0]
    query = select(StudyName.study_id)
    if beginning:
        query = query.where(StudyName.part >= beginning, StudyName.part < beginning + LAST)
    if word.is_pattern:
        pattern = escaped(word.text).replace("*", "%").replace("?", "_")
        query = query.where(StudyName.part.like(pattern, escape=ESCAPE))
    if word.place is not Place.ANY:
        query = query.where(StudyName.place.in_([word.place.value, Place.ANY.value]))
    return query
