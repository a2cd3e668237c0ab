"""The keys of a worklist query that are matched here: each as a condition in SQL, and as a test of one row.

The conditions narrow to what may fit, by index where there is one, and are nearly always exact; the test decides. What
the database holds in another form than keys have it (names, times of day, birth dates by wall clock) is why both exist;
and the test alone serves while the database is away. A key that is not in `KEYS` is ignored, as PS3.4 section
C.2.2.1.2 asks for optional keys that are not supported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, false, or_

from ehr_bridge.db.like import ESCAPE, escaped
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep
from ehr_bridge.dicom.mwl_query import Keys
from ehr_bridge.matching.compare import SEX_CODES
from ehr_bridge.services.interfaces.worklist_rows import STATES, Offered
from ehr_bridge.services.interfaces.worklist_values import (
    Days,
    Period,
    alternatives,
    day_fits,
    days_of,
    has_wildcard,
    hours_of,
    letters_of,
    name_fits,
    text_fits,
)

START_DATE, START_TIME = "ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime"
STATION = "ScheduledStationAETitle"
BIRTH_DATE = "PatientBirthDate"


class Text(NamedTuple):
    """A text or code that the database has as keys have it; `or_else` stands for it where there is none."""

    column: ColumnElement[Any]
    or_else: ColumnElement[Any] | None = None


TEXTS: dict[str, Text] = {
    "AccessionNumber": Text(Order.accession_number.expression),
    "IssuerOfPatientID": Text(Patient.issuer.expression),
    "Modality": Text(ScheduledStep.modality.expression),
    "PatientID": Text(Patient.mrn.expression),
    "PlacerOrderNumberImagingServiceRequest": Text(Order.placer_order_number.expression),
    "RequestedProcedureDescription": Text(Order.description.expression),
    "RequestedProcedureID": Text(Order.requested_procedure_id.expression, Order.accession_number.expression),
    "RequestedProcedurePriority": Text(Order.priority.expression),
    "ScheduledProcedureStepDescription": Text(Order.description.expression),
    "ScheduledProcedureStepID": Text(
        ScheduledStep.scheduled_procedure_step_id.expression, Order.accession_number.expression
    ),
    "StudyInstanceUID": Text(Order.scheduled_study_instance_uid.expression),
}
CODED: dict[str, tuple[ColumnElement[Any], dict[Any, str]]] = {
    "PatientSex": (Patient.sex.expression, dict(SEX_CODES)),
    "ScheduledProcedureStepStatus": (Order.status.expression, dict(STATES)),
}
"""Columns whose values are words of ours, with what DICOM calls each."""
NAMES = ("PatientName", "ReferringPhysicianName", "RequestingPhysician")
KEYS = frozenset({*TEXTS, *CODED, *NAMES, START_DATE, START_TIME, STATION, BIRTH_DATE})


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a query asks for, read."""

    values: dict[str, str]
    """By keyword: the keys of `KEYS` that have a value, dates and times apart."""
    period: Period | None
    birth: Days | None
    ignored: tuple[str, ...] = field(default=())

    @property
    def is_nearly_exact(self) -> bool:
        """Whether the conditions find hardly more than what passes the test: at most an hour of a day on which clocks
        are put back."""
        has_hours = self.period is not None and self.period.hours is not None and not self.period.is_one
        return not has_hours and self.values.keys().isdisjoint(NAMES)

    @property
    def names_days(self) -> bool:
        return self.period is not None and self.period.days is not None

    def conditions(self, zone: tzinfo, now: datetime, *, is_sqlite: bool) -> list[ColumnElement[bool]]:
        """For `offered_steps`; what fits fulfils all of them."""
        found = [
            _text(TEXTS[keyword], key, is_sqlite=is_sqlite) for keyword, key in self.values.items() if keyword in TEXTS
        ]
        for keyword, (column, codes) in CODED.items():
            if keyword in self.values:
                found.append(
                    column.in_([ours for ours, code in codes.items() if text_fits(self.values[keyword], code)])
                )
        if STATION in self.values:
            fits = _text(Text(ScheduledStep.station_ae_title.expression), self.values[STATION], is_sqlite=is_sqlite)
            found.append(or_(ScheduledStep.station_ae_title.is_(None), fits))
        if "PatientName" in self.values and (names := letters_of(self.values["PatientName"])):
            nameless = Patient.searched_names == ""
            found.append(or_(nameless, *(and_(*map(_has_one_of, pieces)) for pieces in names)))
        found += [Order.ordered_by.is_not(None) for keyword in NAMES[1:] if keyword in self.values]
        if self.birth is not None:
            found += _within(Patient.birth_date.expression, self.birth.first, self.birth.last)
        if self.period is not None:
            found.append(_starts_within(self.period, zone, now))
        return found

    def fits(self, step: Offered, zone: tzinfo, now: datetime) -> bool:
        """Whether a step that is offered is what the query asks for."""
        if self.period is not None and not self.period.fits(step.start(zone, now)):
            return False
        if self.birth is not None and not day_fits(self.birth, step.birth_date):
            return False
        return all(_value_fits(keyword, key, step) for keyword, key in self.values.items())


def criteria_of(keys: Keys) -> Criteria:
    """Raises ValueError for a key that cannot be read, such as a date that is none."""
    days, hours = days_of(keys.values.get(START_DATE, "")), hours_of(keys.values.get(START_TIME, ""))
    read = {START_DATE, START_TIME, BIRTH_DATE}
    values = {name: key for name, key in keys.values.items() if name in KEYS - read and alternatives(key)}
    return Criteria(
        values,
        Period(days, hours) if days or hours else None,
        days_of(keys.values.get(BIRTH_DATE, "")),
        (*sorted(keys.values.keys() - KEYS), *keys.nested),
    )


def _value_fits(keyword: str, key: str, step: Offered) -> bool:
    if keyword == STATION:
        return step.station_ae_title is None or text_fits(key, step.station_ae_title)
    value = step.values[keyword]
    return name_fits(key, value) if keyword in NAMES else text_fits(key, value)


def _text(text: Text, key: str, *, is_sqlite: bool) -> ColumnElement[bool]:
    own = _one_of(text.column, key, is_sqlite=is_sqlite)
    if text.or_else is None:
        return own
    return or_(own, and_(text.column.is_(None), _one_of(text.or_else, key, is_sqlite=is_sqlite)))


def _one_of(column: ColumnElement[Any], key: str, *, is_sqlite: bool) -> ColumnElement[bool]:
    allowed = alternatives(key)
    exact = [one for one in allowed if not has_wildcard(one)]
    ways = [_like(column, one, is_sqlite=is_sqlite) for one in allowed if has_wildcard(one)]
    return or_(column.in_(exact) if exact else false(), *ways)


def _like(column: ColumnElement[Any], pattern: str, *, is_sqlite: bool) -> ColumnElement[bool]:
    """Case counts, as in PS3.4 section C.2.2.2.4; SQLite's LIKE disregards it, its GLOB does not."""
    if is_sqlite:
        return column.op("GLOB", is_comparison=True)(pattern.replace("[", "[[]"))
    return column.like(escaped(pattern).replace("*", "%").replace("?", "_"), escape=ESCAPE)


def _has_one_of(ways: list[list[str]]) -> ColumnElement[bool]:
    return or_(*(and_(*map(_has_letters, runs)) for runs in ways))


def _has_letters(run: str) -> ColumnElement[bool]:
    return Patient.searched_names.like(f"%{escaped(run)}%", escape=ESCAPE)


def _within(column: ColumnElement[Any], first: Any, last: Any) -> Iterable[ColumnElement[bool]]:
    if first is not None:
        yield column >= first
    if last is not None:
        yield column <= last


def _starts_within(period: Period, zone: tzinfo, now: datetime) -> ColumnElement[bool]:
    """A step without an appointment begins now. In the hour that a clock shows twice, both are meant."""
    begin, end = period.bounds()
    column = ScheduledStep.scheduled_at
    after = _moment(begin, zone, fold=0)
    before = _moment(end, zone, fold=1)
    conditions = [*([] if after is None else [column >= after]), *([] if before is None else [column < before])]
    has_none = column.is_(None)
    fits_now = period.fits(now.astimezone(zone).replace(tzinfo=None))
    if not conditions:
        return column.is_not(None) if not fits_now else or_(has_none, column.is_not(None))
    return or_(and_(*conditions), has_none) if fits_now else and_(*conditions)


def _moment(wall_clock: datetime | None, zone: tzinfo, fold: int) -> datetime | None:
    if wall_clock is None:
        return None
    try:
        return wall_clock.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    except OverflowError:
        return None
