"""Splitting a study: some of its images are moved to another patient or order."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from pydantic import Field, model_validator

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, origin, services
from ehr_bridge.api.http.schemas import EmptyIsNone, Model, ReasonText, Uid
from ehr_bridge.api.reconciliation import EXPECTED, CandidateAnswer, SomebodyQuery, Version, candidate_answer
from ehr_bridge.api.studies import StudyPath, tags_of_study
from ehr_bridge.api.tags import CONFLICTS, JobAnswer, accepted
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.api.writing.conditions import honours
from ehr_bridge.api.writing.repeats import repeatable
from ehr_bridge.services.modifying.splits import SplitWish

blueprint = Blueprint("splitting", "Reconciliation")

MOST_SERIES, MOST_IMAGES = 500, 20_000


class SplitCompareBody(SomebodyQuery):
    """Which images are whose."""

    series: list[Uid] = Field([], max_length=MOST_SERIES, description="Series Instance UIDs: all images of these")
    instances: list[Uid] = Field(
        [],
        max_length=MOST_IMAGES,
        description="SOP Instance UIDs: these images too",
        examples=[["1.2.840.113619.2.55.3"]],
    )

    @model_validator(mode="after")
    def _names_images(self) -> SplitCompareBody:
        if not self.series and not self.instances:
            raise ValueError("name series or instances")
        return self

    def wish(self, study_instance_uid: str) -> SplitWish:
        to = self.confirmation(services().patients)
        return SplitWish(study_instance_uid, frozenset(self.series), frozenset(self.instances), to)


class SplitBody(SplitCompareBody):
    reason: ReasonText
    expected: Annotated[Version | None, EmptyIsNone] = Field(None, description=EXPECTED)


class SplitAnswer(Model):
    """What a split would do."""

    candidate: CandidateAnswer = Field(description="One of the images beside whom they would be given to")
    version: str = Field(description="Send it back as `expected`")
    number_of_instances: int = Field(description="How many images would be moved")
    number_of_series: int
    remaining_instances: int = Field(description="How many stay")
    is_another_patient: bool = Field(description="Then the moved images get a frame of reference of their own too")
    number_of_reports: int = Field(description="Reports of the study that come into doubt")


@blueprint.post(
    "/reconciliation/<study_uid>/split/compare",
    responses={200: SplitAnswer, **CONFLICTS},
)
def compare_split(path: StudyPath, body: SplitCompareBody) -> Response:
    """What moving these images would do, and their values beside the EHR's; nothing is changed"""
    view = services().splits.compare(body.wish(path.study_uid), archive().read)
    counts = {name: getattr(view, name) for name in SplitAnswer.model_fields if name != "candidate"}
    return answer(SplitAnswer(candidate=candidate_answer(view.candidate), **counts))


@blueprint.post("/reconciliation/<study_uid>/split", responses={202: JobAnswer, **CONFLICTS})
@repeatable
@honours(lambda path, body: tags_of_study(path.study_uid))
def split_study(path: StudyPath, body: SplitBody) -> Response:
    """Move images to a study of their own, of another patient or order; a job, undone like any modification"""
    return accepted(services().splits.request(body.wish(path.study_uid), body.reason, origin(), body.expected))
