"""The dose that studies state, by modality and description, beside the site's own of the year before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Key, Page, Sorts, of_ids
from ehr_bridge.db.tables.results.doses import StudyDose
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.dashboard.days import Period, last_days, year_before
from ehr_bridge.services.dashboard.kept import Kept
from ehr_bridge.services.dashboard.percentiles import Spread, spread
from ehr_bridge.services.visibility.restrictions import Closed, without

MODALITIES = ("CT", "MG", "XA", "RF", "DX", "CR")
"""Those that make images with X-rays; a study with several is one of the first of these."""
METRICS: Mapping[str, tuple[str, ...]] = {
    "CT": ("dlp", "ctdi_vol"), "MG": ("agd",), "XA": ("dap",), "RF": ("dap",), "DX": ("dap",), "CR": ("dap",),
}  # fmt: skip
UPPER = 75
"""The percentile of diagnostic reference levels; here it is the site's own."""
MOST_GROUPS = 40
MOST_READ = 100_000
KEPT, YEAR_KEPT = timedelta(seconds=10), timedelta(hours=1)
MOST_KEPT, MOST_YEARS = 8, 64
"""Rows of a span are many; of a year some numbers are kept."""
DOSE, ARRIVAL = "dose", "created_at"
SORTS = Sorts(
    {DOSE: Key(Study.created_at.expression), ARRIVAL: Key(Study.created_at.expression)},
    f"-{DOSE}",
    of_ids(Study.id.expression),
)
"""By the value of the metric, or by when the first image came."""
_COLUMNS = {name: getattr(StudyDose, name) for name in ("ctdi_vol", "dlp", "dap", "agd")}

type Group = tuple[str, str, str | None]
"""Modality, metric, description."""
type _Key = tuple[Period, frozenset[object]]


@dataclass(frozen=True, slots=True)
class DoseWish:
    """Which studies to list; None is any."""

    modality: str | None = None
    metric: str | None = None
    """Those that state it."""
    description: str | None = None
    is_undescribed: bool = False
    is_stated: bool | None = None
    """Whether they state any dose."""
    is_above: bool = False
    """The metric is above the site's own percentile of their group."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many studies of a modality state a dose."""

    modality: str
    studies: int
    stated: int
    due: int
    """Not read for it yet."""


@dataclass(frozen=True, slots=True)
class DoseGroup:
    modality: str
    metric: str
    description: str | None
    spread: Spread
    reference: Spread
    """Of the year before the period's last day."""
    above: int | None
    """None: there is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Doses:
    period: Period
    reference: Period
    coverage: Sequence[Coverage]
    groups: Sequence[DoseGroup]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Dosed:
    """A study of a list with what it states; None: it was not read, or states nothing."""

    study: Study
    modality: str
    dose: StudyDose | None


@dataclass(frozen=True, slots=True)
class _Row:
    modality: str
    description: str | None
    is_stated: bool
    is_due: bool
    values: Mapping[str, float | None]


class StatedDoses:
    def __init__(self, fresh: Fresh, clock: Callable[[], datetime], zone: tzinfo) -> None:
        self._fresh = fresh
        self._clock = clock
        self._zone = zone
        self._kept = Kept[_Key, list[_Row]](clock, MOST_KEPT)
        self._years = Kept[_Key, dict[Group, Spread]](clock, MOST_YEARS)

    def look(self, days: int, closed: Closed) -> Doses:
        """Of the studies whose first image came in the last days, some seconds old at most."""
        period = last_days(self._clock(), self._zone, days)
        rows = self._kept.get(_key(period, closed), KEPT, lambda: self._read(period, closed))
        reference = self._year()
        levels = self._levels(reference, closed)
        measured = _grouped(rows)
        largest = sorted(measured, key=lambda group: (-len(measured[group]), group[0], group[1], group[2] or ""))
        groups = [_group(group, measured[group], levels) for group in largest[:MOST_GROUPS]]
        return Doses(period, reference, _coverage(rows), groups, len(rows) == MOST_READ)

    def search(
        self, days: int, wish: DoseWish, closed: Closed, limit: int, offset: int, sort: str | None = None
    ) -> Page[Dosed]:
        """The studies behind a number. Raises InvalidInput when the list cannot be sorted like that."""
        (key, *_rest) = SORTS.chosen(sort)
        period = last_days(self._clock(), self._zone, days)
        where = [*_conditions(period, closed), *_wished(wish)]
        if wish.is_above:
            where.append(self._is_above(self._levels(self._year(), closed), wish))
        by: ColumnElement[Any] = Study.created_at.expression
        if wish.metric is not None and not (sort or "").endswith(ARRIVAL):
            by = _COLUMNS[wish.metric].expression
        joined = select(Study, StudyDose).outerjoin(StudyDose, StudyDose.study_id == Study.id).where(*where)
        count = joined.with_only_columns(func.count(), maintain_column_froms=True)
        query = joined.order_by(by.desc() if key.descending else by, Study.id).limit(limit).offset(offset)
        with self._fresh.read() as session:
            total = session.scalar(count) or 0
            items = [Dosed(study, _modality_of(study), dose) for study, dose in session.execute(query).unique()]
        return Page(items, total, limit, offset)

    def forget(self) -> None:
        """Read again when asked next."""
        self._kept.forget()
        self._years.forget()

    def _year(self) -> Period:
        return year_before(self._clock(), self._zone)

    def _levels(self, year: Period, closed: Closed) -> dict[Group, Spread]:
        def read() -> dict[Group, Spread]:
            return {group: spread(values, UPPER) for group, values in _grouped(self._read(year, closed)).items()}

        return self._years.get(_key(year, closed), YEAR_KEPT, read)

    def _read(self, period: Period, closed: Closed) -> list[_Row]:
        columns = [StudyDose.is_due, StudyDose.source, *_COLUMNS.values()]
        query: Select[Any] = (
            select(_MODALITY, Study.study_description, *columns)
            .outerjoin(StudyDose, StudyDose.study_id == Study.id)
            .where(*_conditions(period, closed))
            .order_by(Study.created_at.desc())
            .limit(MOST_READ)
        )
        with self._fresh.read() as session:
            return [
                _Row(
                    row[0], row[1] or None, row[3] is not None, bool(row[2]), dict(zip(_COLUMNS, row[4:], strict=True))
                )
                for row in session.execute(query)
            ]

    @staticmethod
    def _is_above(levels: Mapping[Group, Spread], wish: DoseWish) -> ColumnElement[bool]:
        """For one group or for all of a metric; what has nothing to be compared with is not above."""
        fits = []
        for (modality, metric, description), level in levels.items():
            if level.upper is None or wish.metric not in (None, metric) or wish.modality not in (None, modality):
                continue
            if (wish.description is not None or wish.is_undescribed) and wish.description != description:
                continue
            fits.append(and_(_is_a(modality), _described(description), _COLUMNS[metric] > level.upper))
        return or_(*fits) if fits else and_(Study.id.is_(None))


def _key(period: Period, closed: Closed) -> _Key:
    return period, frozenset[object](closed.patients)


def _contains(modality: str) -> ColumnElement[bool]:
    return Study.modality_key.contains(f"|{modality}|")


_MODALITY = case(*((_contains(one), one) for one in MODALITIES), else_="")


def _is_a(modality: str) -> ColumnElement[bool]:
    counted: ColumnElement[bool] = _MODALITY == modality  # noqa: SIM300
    return counted


def _modality_of(study: Study) -> str:
    return next((one for one in MODALITIES if one in study.modalities), "")


def _conditions(period: Period, closed: Closed) -> list[ColumnElement[bool]]:
    """The first are those of the index of studies by arrival."""
    return [
        Study.orthanc_study_id.is_not(None),
        Study.deleted_at.is_(None),
        Study.created_at >= period.since,
        Study.created_at < period.until,
        or_(*map(_contains, MODALITIES)),
        ~Study.is_document,
        without(Study.patient_id, closed),
    ]


def _described(description: str | None) -> ColumnElement[bool]:
    if description is None:
        return or_(Study.study_description.is_(None), Study.study_description == "")
    return Study.study_description == description


def _wished(wish: DoseWish) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wish.modality is not None:
        where.append(_is_a(wish.modality))
    if wish.metric is not None:
        where.append(_COLUMNS[wish.metric].is_not(None))
    if wish.description is not None or wish.is_undescribed:
        where.append(_described(wish.description))
    if wish.is_stated is not None:
        where.append(StudyDose.source.is_not(None) if wish.is_stated else StudyDose.source.is_(None))
    return where


def _grouped(rows: Sequence[_Row]) -> dict[Group, list[float]]:
    found: dict[Group, list[float]] = {}
    for row in rows:
        for metric in METRICS[row.modality]:
            value = row.values[metric]
            if value is not None:
                found.setdefault((row.modality, metric, row.description), []).append(value)
    return found


def _group(group: Group, values: Sequence[float], levels: Mapping[Group, Spread]) -> DoseGroup:
    reference = levels.get(group, Spread(0, None, None))
    level = reference.upper
    above = None if level is None else sum(value > level for value in values)
    return DoseGroup(*group, spread(values, UPPER), reference, above)


def _coverage(rows: Sequence[_Row]) -> list[Coverage]:
    by_modality: dict[str, list[_Row]] = {}
    for row in rows:
        by_modality.setdefault(row.modality, []).append(row)
    return [
        Coverage(name, len(found), sum(row.is_stated for row in found), sum(row.is_due for row in found))
        for name in MODALITIES
        if (found := by_modality.get(name))
    ]
