"""The dose that studies state, and the studies behind each number."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Literal

from flask import Response
from pydantic import Field, StringConstraints

from ehr_bridge.api.dashboard.turnaround import Days, Span
from ehr_bridge.api.filters import PageQuery, Sort, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, services
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, ListOf, Model, Moment, Problem, Versioned
from ehr_bridge.db.tables.results.doses import StudyDose
from ehr_bridge.services.dashboard.doses import SORTS, Dosed, DoseGroup, DoseWish
from ehr_bridge.services.dashboard.percentiles import FEWEST
from ehr_bridge.services.identity.persons import person_of_study

blueprint = Blueprint("dose", "Dashboard", "/api/v1/dashboard")

DosedModality = Literal["CT", "MG", "XA", "RF", "DX", "CR"]
Metric = Literal["dlp", "ctdi_vol", "dap", "agd"]
METRIC = (
    "`dlp`: dose length product in mGy·cm; `ctdi_vol`: largest mean CTDIvol in mGy; `dap`: dose area product in "
    "Gy·cm²; `agd`: average glandular dose of an exposure in mGy"
)


class DoseQuery(Input):
    days: Days = Span.MONTH


class DoseStudyQuery(PageQuery):
    days: Days = Span.MONTH
    modality: Annotated[DosedModality | None, EmptyIsNone] = Field(
        None, description="A study with several of them is one of the first of CT, MG, XA, RF, DX, CR"
    )
    metric: Annotated[Metric | None, EmptyIsNone] = Field(None, description=f"Studies that state it: {METRIC}")
    description: Annotated[Annotated[str, StringConstraints(max_length=64)] | None, EmptyIsNone] = Field(
        None, description="Exactly this Study Description (0008,1030)"
    )
    undescribed: bool = Field(False, description="Studies without a description")
    dose: Annotated[Literal["stated", "unstated", "above"] | None, EmptyIsNone] = Field(
        None,
        description="Studies that state a dose, or none; or whose dose is above the site's own 75th percentile of "
        "their modality and description",
    )
    sort: Sort = sorted_by(SORTS)

    def wish(self) -> DoseWish:
        return DoseWish(
            self.modality,
            self.metric,
            None if self.undescribed else self.description,
            self.undescribed,
            {"stated": True, "unstated": False}.get(self.dose or ""),
            self.dose == "above",
        )


class CoverageAnswer(Model):
    """The lists: `GET dashboard/dose/studies` with `modality`, and `dose=stated` or `dose=unstated`."""

    modality: DosedModality
    studies: int
    stated: int = Field(description="Studies whose files state a dose")
    due: int = Field(description="Studies whose files are still to be read for it; they count as stating none")


class DoseGroupAnswer(Model):
    """The lists: `GET dashboard/dose/studies` with `modality`, `metric`, and `description` or `undescribed`; with
    `dose=above` too, those above the site's own percentile."""

    modality: DosedModality
    metric: Metric = Field(description=METRIC)
    description: str | None = Field(description="Study Description (0008,1030); null: studies without one")
    number: int = Field(description="Studies of the period that state it")
    median: float | None = Field(description=f"Null of fewer than {FEWEST}")
    p75: float | None = Field(description=f"Null of fewer than {FEWEST}")
    reference_number: int = Field(description="Studies of the year before today that state it")
    reference_p75: float | None = Field(
        description=f"The site's own 75th percentile of that year; null of fewer than {FEWEST}"
    )
    above: int | None = Field(description="Studies of the period above it; null without one")


class DoseAnswer(Versioned):
    """What the files state, and nothing that is worked out from it."""

    days: Span = Field(description="How many days, today the last")
    first_day: date
    last_day: date
    reference_from: date = Field(description="First day of the year that the site is compared with")
    reference_to: date = Field(description="Its last day: yesterday")
    coverage: list[CoverageAnswer]
    groups: list[DoseGroupAnswer] = Field(description="The largest first, 40 at most")
    is_cut: bool = Field(description="There were more studies than are measured; the latest were")


class DoseStudyAnswer(PersonAnswer):
    study_instance_uid: str
    modality: DosedModality
    study_date: date | None
    study_description: str | None
    received_at: Moment = Field(description="When its first image came")
    source: Literal["report", "images"] | None = Field(
        description="Where it is stated: in a radiation dose structured report, or in attributes of images; null: it "
        "states none, or was not read yet"
    )
    dlp: float | None = Field(description="Dose length product in mGy·cm")
    ctdi_vol: float | None = Field(description="Largest mean CTDIvol in mGy")
    dap: float | None = Field(description="Dose area product in Gy·cm²")
    agd: float | None = Field(description="Average glandular dose of an exposure in mGy")


class DoseStudyList(ListOf[DoseStudyAnswer]):
    pass


@blueprint.get("/dose", responses={200: DoseAnswer, 422: Problem})
def get_dose(query: DoseQuery) -> Response:
    """The dose that studies of the last days state, beside the site's own of the year before"""
    found = services().results.doses.look(query.days, closed())
    shown = DoseAnswer(
        days=query.days,
        first_day=found.period.first,
        last_day=found.period.last,
        reference_from=found.reference.first,
        reference_to=found.reference.last,
        coverage=[CoverageAnswer.model_validate(one) for one in found.coverage],
        groups=[_group(one) for one in found.groups],
        is_cut=found.is_cut,
    )
    return answer(shown)


@blueprint.get("/dose/studies", responses={200: DoseStudyList, 422: Problem})
def list_dosed_studies(query: DoseStudyQuery) -> Response:
    """List the studies behind a number of the dose, the highest dose first"""
    page = services().results.doses.search(query.days, query.wish(), closed(), query.limit, query.offset, query.sort)
    return answer(DoseStudyList.of(page, _study))


def _group(one: DoseGroup) -> DoseGroupAnswer:
    return DoseGroupAnswer.model_validate(
        {
            "modality": one.modality,
            "metric": one.metric,
            "description": one.description,
            "number": one.spread.number,
            "median": _shown(one.spread.median),
            "p75": _shown(one.spread.upper),
            "reference_number": one.reference.number,
            "reference_p75": _shown(one.reference.upper),
            "above": one.above,
        }
    )


def _study(one: Dosed) -> DoseStudyAnswer:
    study, dose = one.study, one.dose or StudyDose()
    return DoseStudyAnswer.model_validate(
        {
            **asdict(person_of_study(study)),
            "study_instance_uid": study.study_instance_uid,
            "modality": one.modality,
            "study_date": study.study_date,
            "study_description": study.study_description,
            "received_at": study.created_at,
            "source": dose.source,
            **{name: _shown(getattr(dose, name)) for name in ("dlp", "ctdi_vol", "dap", "agd")},
        }
    )


def _shown(value: float | None) -> float | None:
    """Three digits behind the point, which is more than any device measures."""
    return None if value is None else round(value, 3)
