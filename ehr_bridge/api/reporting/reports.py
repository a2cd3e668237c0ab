"""Reports: begin, list, read, save; versions and their proof."""

from __future__ import annotations

import unicodedata
import uuid
from contextlib import suppress
from typing import Annotated

from flask import Response
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from ehr_bridge.api.cursors import CursorQuery, counts
from ehr_bridge.api.filters import At, Former, OfStudy, Sort, at_or_after, before, each, formerly, some_of, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, services
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, Model, Moment, Problem, ReasonText, Text64, Uid
from ehr_bridge.api.reporting.answers import (
    PriorList,
    ReportAnswer,
    ReportList,
    ReportVersionAnswer,
    ReportVersionList,
    SignerAnswer,
    prior_answer,
    report_answer,
    report_item,
    report_version_answer,
    reporter,
)
from ehr_bridge.api.writing.conditions import honours, requires_version
from ehr_bridge.api.writing.repeats import repeatable
from ehr_bridge.errors import NotFound
from ehr_bridge.reporting.critical import CriticalLevel
from ehr_bridge.reporting.report import Section
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services.reporting.attention import WaitsFor
from ehr_bridge.services.reporting.drafting import Content, Critical, Start
from ehr_bridge.services.reporting.listing import SORTS, ReportFilters
from ehr_bridge.wrong_values import written

blueprint = Blueprint("reports", "Reports")
MOST_SECTIONS, MOST_CHARACTERS = 40, 20_000


def _readable(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in text if c not in "\n\t"):
        raise ValueError("no control characters, but for line breaks and tabs")
    return text


ReportText = Annotated[
    str, StringConstraints(max_length=MOST_CHARACTERS, strip_whitespace=False), AfterValidator(_readable)
]


TemplateName = Annotated[
    str,
    Field(pattern=written(r"^[a-z0-9][a-z0-9-]{0,63}$", "small letters, digits and hyphens, at most 64")),
]


class ReportPath(Input):
    report_id: uuid.UUID


class VersionPath(ReportPath):
    number: int = Field(ge=1, le=2_147_483_647, description="1 for the first that was issued")


class ReportQuery(CursorQuery, OfStudy):
    """Of patients with every record merged into theirs; a report of several orders is found by each of them."""

    status: Annotated[str | None, EmptyIsNone] = Field(
        None,
        max_length=255,
        pattern=some_of(ReportStatus, "a state"),
        description="One state, or several: final,amended",
    )
    author: Annotated[Annotated[str, Field(max_length=255)] | None, EmptyIsNone] = Field(
        None, description="Subject of who wrote a version, or writes one"
    )
    waits_for: Annotated[WaitsFor | None, EmptyIsNone] = Field(
        None,
        description="What it waits for: that somebody is told of a critical result, a cosigner, a signature "
        "(preliminary for long), an author (whose account is switched off), a decision (its images were moved), or "
        "anything of these",
    )
    being_written: bool | None = Field(None, description="Whether a draft of it is open; for those who write reports")
    unread: bool | None = Field(None, description="Whether the caller has yet to see the latest version")
    since: At = at_or_after("Reports whose latest version was issued")
    until: At = before("Reports whose latest version was issued")
    sort: Sort = sorted_by(SORTS)
    patient_id: Former = formerly("patient")
    order_id: Former = formerly("order")
    study_instance_uid: Former = formerly("study")

    def filters(self) -> ReportFilters:
        """Raises NotFound, Conflict and NotPermitted like `records_of`."""
        return ReportFilters(
            each(self.status),
            self.author,
            self.records,
            self.named_order_id,
            self.study,
            self.since,
            self.until,
            self.unread,
            self.being_written,
            self.waits_for,
            self.updated_since,
            closed(),
        )


class BeginBody(Input):
    """Of an order or of a study: its report answers all orders of the study."""

    order_id: Annotated[Text64 | None, EmptyIsNone] = Field(None, description="Id or accession number")
    study_instance_uid: Annotated[Uid | None, EmptyIsNone] = None
    template: Annotated[TemplateName | None, EmptyIsNone] = Field(
        None, description="Name of a template; left out: plain sections"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> BeginBody:
        if (self.order_id is None) == (self.study_instance_uid is None):
            raise ValueError("name order_id or study_instance_uid")
        return self


class SectionBody(Input):
    code: Text64 = Field(description="As it came with the draft")
    title: Text64 = Field(description="Its heading")
    text: ReportText = Field("", description="Plain lines")


class CriticalBody(Input):
    level: CriticalLevel = Field(description="Within which time the doctor who treats the patient must know")
    note: Annotated[ReasonText | None, EmptyIsNone] = Field(None, description="What is critical, in a few words")


class SaveBody(Input):
    sections: list[SectionBody] = Field(min_length=1, max_length=MOST_SECTIONS)
    title: Annotated[Annotated[Text64, Field(max_length=64)] | None, EmptyIsNone] = Field(
        None, description="What it is a report of; left out: as it was"
    )
    critical: CriticalBody | None = Field(None, description="Null: it is not critical; left out: as it was")

    def content(self) -> Content:
        critical = None
        if "critical" in self.model_fields_set:
            given = self.critical
            critical = Critical(None) if given is None else Critical(given.level, given.note)
        sections = [Section(one.code, one.title, one.text) for one in self.sections]
        return Content(sections, self.title, critical)


class PriorsQuery(Input):
    newest: int = Field(3, ge=1, le=20, description="How many at most, the latest ones")


class ProofAnswer(Model):
    ok: bool = Field(description="Whether the version is what was issued, to the last character")
    version: int
    signed_by: SignerAnswer | None = Field(description="Null: preliminary, nobody has signed it")
    signed_at: Moment
    sha256: str = Field(description="Of the text that was signed")
    faults: list[str] = Field(
        description="What does not fit: the `text`, the `digest` of what was signed, the `audit_event` that holds it, "
        "the `audit_hash` of that event"
    )


def tags_of_report(path: ReportPath) -> list[str]:
    with suppress(NotFound):
        return [report_answer(services().results.reports.get(path.report_id, reporter())).etag()]
    return []


def _tags_of_saved(path: ReportPath, body: SaveBody) -> list[str]:
    return tags_of_report(path)


@blueprint.get("/reports", responses={200: ReportList, 404: Problem, 409: Problem, 422: Problem})
def list_reports(query: ReportQuery) -> Response:
    """List reports, last changed first"""
    found = services().results.reports
    page = found.search(query.filters(), reporter(), query.limit, query.offset, query.after, query.sort)
    return answer(ReportList(items=[report_item(one) for one in page.items], **counts(page)))


@blueprint.post(
    "/reports", responses={201: ReportAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem}
)
@repeatable
def begin_report(body: BeginBody) -> Response:
    """Begin the report of an order, or of a study and all of its orders; it is claimed by the caller"""
    start = Start(None, services().settings.report_language, ())
    if body.template is not None:
        template = services().results.templates.get(body.template).template
        start = Start(None, template.language, template.begin(), template.name)
    view = services().results.reports.open(body.order_id, body.study_instance_uid, start, reporter())
    return answer(report_answer(view), 201)


@blueprint.get("/reports/<report_id>", responses={200: ReportAnswer, 404: Problem, 422: Problem})
def get_report(path: ReportPath) -> Response:
    """One report with the text of its latest version, and what is being written of it"""
    return answer(report_answer(services().results.reports.get(path.report_id, reporter())))


@blueprint.put(
    "/reports/<report_id>",
    responses={200: ReportAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
@requires_version
@honours(_tags_of_saved)
def save_report(path: ReportPath, body: SaveBody) -> Response:
    """Save what is being written, with If-Match; the claim is renewed"""
    return answer(report_answer(services().results.reports.save(path.report_id, body.content(), reporter())))


@blueprint.get("/reports/<report_id>/priors", responses={200: PriorList, 404: Problem, 422: Problem})
def list_prior_reports(path: ReportPath, query: PriorsQuery) -> Response:
    """What was issued of other studies of the same patient, latest first, with its text"""
    views = services().results.reports.priors(path.report_id, query.newest, reporter(), closed())
    return answer(PriorList(items=[prior_answer(one) for one in views]))


@blueprint.get("/reports/<report_id>/versions", responses={200: ReportVersionList, 404: Problem, 422: Problem})
def list_report_versions(path: ReportPath) -> Response:
    """All that was issued of a report, oldest first"""
    versions = services().results.reports.versions(path.report_id, reporter())
    return answer(ReportVersionList(items=[report_version_answer(one) for one in versions]))


@blueprint.get(
    "/reports/<report_id>/versions/<number>", responses={200: ReportVersionAnswer, 404: Problem, 422: Problem}
)
def get_report_version(path: VersionPath) -> Response:
    """One version of a report, as it was issued"""
    version = services().results.reports.version_for(path.report_id, path.number, reporter())
    return answer(report_version_answer(version))


@blueprint.get(
    "/reports/<report_id>/versions/<number>/verify", responses={200: ProofAnswer, 404: Problem, 422: Problem}
)
def verify_report_version(path: VersionPath) -> Response:
    """Check a version against the bytes that were signed, and their digest in the audit trail"""
    proof = services().results.reports.verify(path.report_id, path.number, reporter())
    signer = proof.version.signer
    return answer(
        ProofAnswer(
            ok=proof.ok,
            version=proof.version.number,
            signed_by=None if signer is None else SignerAnswer(subject=signer.subject, name=signer.name),
            signed_at=proof.version.issued_at,
            sha256=proof.sha256,
            faults=list(proof.faults),
        )
    )
