"""What the parameters of a FHIR search mean, by kind: each becomes one condition. MRNs are found by the system of their
issuer."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ehr_bridge.db.like import ESCAPE, escaped
from ehr_bridge.db.paging import in_period
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.fhir.dates import intervals_of_days, intervals_of_moments, prefixed, range_of
from ehr_bridge.fhir.searching import Criterion, literal, refused, unescaped
from ehr_bridge.fhir.systems import Systems, token_of
from ehr_bridge.matching.issuers import issuer_key
from ehr_bridge.matching.names import words_of
from ehr_bridge.services.identity.merged_records import survivors
from ehr_bridge.services.registry.numbers import as_uuid
from ehr_bridge.services.visibility.asker import require_open

type Condition = ColumnElement[bool]
type Column = InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True)
class Asking:
    """What conditions are made with."""

    session: Session
    zone: tzinfo
    """Of days without an offset."""
    systems: Systems


type Fits = Callable[[Asking, Criterion, str], Condition]
"""The condition for one of a criterion's values."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a parameter is compared with."""

    fits: Fits
    is_missing: Condition


def condition(meaning: Meaning, asking: Asking, criterion: Criterion) -> Condition:
    """What a row must fulfil. Raises InvalidInput `search_refused` for a value that cannot be read, and NotPermitted
    for a patient whom the caller may not see."""
    if criterion.is_missing is not None:
        return meaning.is_missing if criterion.is_missing else not_(meaning.is_missing)
    try:
        return or_(*(meaning.fits(asking, criterion, value) for value in criterion.values))
    except ValueError as error:
        raise refused(criterion.parameter.name, str(error)) from None


def by_patient(column: Column) -> Meaning:
    """Of a column with a patient: by reference or by number, with every record merged with theirs."""

    def fits(asking: Asking, criterion: Criterion, value: str) -> Condition:
        return column.in_(records(asking, criterion, value))

    return Meaning(fits, column.is_(None))


def records(asking: Asking, criterion: Criterion, value: str) -> frozenset[uuid.UUID]:
    """The records of the person whom a reference or number names; none where there is no such person. Raises
    NotPermitted."""
    if criterion.chain == "identifier":
        found = list(asking.session.scalars(select(Patient.id).where(fits_mrn(asking, criterion, value))))
    else:
        key = as_uuid(literal(unescaped(value), ("Patient",))[1])
        found = [] if key is None else [key]
    for one in found:
        require_open(one)
    return frozenset(survivors(asking.session, found)) if found else frozenset()


def by_id(column: Column) -> Meaning:
    """Of a column with our ids."""

    def fits(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
        key = as_uuid(value)
        return false() if key is None else column == key

    return Meaning(fits, false())


def of_moment(column: Column) -> Meaning:
    """Of a column with a moment."""

    def fits(asking: Asking, _criterion: Criterion, value: str) -> Condition:
        prefix, said = prefixed(value)
        found = intervals_of_moments(prefix, range_of(said, asking.zone))
        return and_(
            column.is_not(None), or_(*(and_(*in_period(column.expression, one.since, one.until)) for one in found))
        )

    return Meaning(fits, column.is_(None))


def of_day(column: Column, nothing: date | None = None) -> Meaning:
    """`nothing` is the day that stands for none."""
    is_missing = column.is_(None) if nothing is None else column == nothing

    def fits(asking: Asking, _criterion: Criterion, value: str) -> Condition:
        prefix, said = prefixed(value)
        found = intervals_of_days(prefix, range_of(said, asking.zone), asking.zone)
        days = or_(*(and_(*in_period(column.expression, one.since, one.until)) for one in found))
        if found and all(one.since is not None for one in found):
            return days  # nothing is before all of them; SQLite would begin its index at the other bound
        return and_(column.is_not(None) if nothing is None else column > nothing, days)

    return Meaning(fits, is_missing)


def of_words(column: Column, *exact: Column) -> Meaning:
    """Of folded words: each word of the value begins one of them. `exact` are the columns as they were sent."""

    def fits(_asking: Asking, criterion: Criterion, value: str) -> Condition:
        said = unescaped(value)
        if criterion.modifier == "exact":
            return or_(*(one == said for one in exact))
        words = [escaped(word) for word in words_of(said)]
        if not words:
            raise ValueError("write some letters")
        begins = [or_(column.like(f"{word}%", escape=ESCAPE), column.like(f"% {word}%", escape=ESCAPE))
                  for word in words]  # fmt: skip
        return and_(*begins)

    return Meaning(fits, column == "")


def of_code(column: Column, codes: Mapping[str, Iterable[Any]] | None = None, system: str | None = None) -> Meaning:
    """Of a column with codes: `codes` are its values by the code of FHIR, or they are the same. Another system than
    `system`, where one is given, fits nothing."""

    def fits(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
        given, code = token_of(value)
        if system is not None and given not in (None, "", system):
            return false()
        code = unescaped(code)
        return column == code if codes is None else column.in_(list(codes.get(code, ())))

    return Meaning(fits, column.is_(None))


def fits_mrn(asking: Asking, _criterion: Criterion, value: str) -> Condition:
    """A patient by number, which counts with the system of its issuer."""
    system, mrn = token_of(value)
    number = Patient.mrn == unescaped(mrn)
    if system is None:
        return number
    if not system:
        return number & (Patient.issuer_key == "")
    issuer = asking.systems.issuer_of(unescaped(system))
    if issuer is None:
        return false()
    return number & (Patient.issuer_key == issuer_key(issuer)) if issuer else number


def by_code(values: Mapping[Any, str]) -> dict[str, list[Any]]:
    """Our words by the code of FHIR that they are shown as."""
    found: dict[str, list[Any]] = {}
    for word, code in values.items():
        found.setdefault(code, []).append(word)
    return found
