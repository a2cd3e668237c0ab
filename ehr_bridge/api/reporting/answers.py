"""Reports as answers show them."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Literal

from pydantic import Field

from ehr_bridge.api.cursors import CursorList
from ehr_bridge.api.http.context import caller, origin
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import Model, Moment, OrderIds, Versioned
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.reporting.critical import CriticalLevel, is_more_urgent
from ehr_bridge.reporting.report import Signer, Version
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services.identity.persons import person_of
from ehr_bridge.services.reporting.people import Reporter, reporter_of
from ehr_bridge.services.reporting.reports import ReportView

DraftKind = Literal["new", "amended", "corrected", "appended"]


def reporter() -> Reporter:
    """Who is calling, as reports see them."""
    return reporter_of(caller(), origin())


class SectionAnswer(Model):
    code: str = Field(description="LOINC, or a word of the template's own")
    title: str = Field(description="Its heading")
    text: str = Field(description="Plain lines")


class SignerAnswer(Model):
    subject: str = Field(description="Of their token")
    name: str


class ClaimAnswer(Model):
    by: SignerAnswer
    until: Moment = Field(description="Saving renews it")


class CriticalAnswer(Model):
    level: CriticalLevel = Field(description="Within which time the doctor who treats the patient must know")
    note: str | None
    is_open: bool = Field(description="Nobody was reached yet")


class DraftAnswer(Model):
    """What is being written; shown to those who write reports."""

    kind: DraftKind = Field(description="What it becomes when it is signed; `new`: final")
    sections: list[SectionAnswer]
    author: SignerAnswer
    reason: str | None = Field(description="Why a signed version is amended")
    required_sections: list[str] = Field(description="Codes of the sections that must be written before it is signed")
    critical: CriticalAnswer | None = Field(description="What it says to be critical; public when it is issued")
    presigned_by: SignerAnswer | None = Field(description="Who in training has signed it; now their supervisor does")
    revision: int = Field(description="How often it was saved")
    saved_at: Moment


class AttachmentAnswer(Model):
    """A file that came with it: `GET reports/{report_id}/versions/{number}/attachments/{position}`, from 0."""

    title: str
    content_type: str
    size: int = Field(description="Bytes")
    sha256: str


class OutsideAnswer(Model):
    """Of a report that another system wrote; it is kept as it came, and is never changed or signed here."""

    sender: str = Field(description="Name of the source of HL7 v2, else MSH-3 and MSH-4; by FHIR, who sent it")
    sender_number: str = Field(description="By which its sender knows it")
    sender_status: str = Field(
        description="In the sender's own word: OBR-25 or OBX-11 of HL7 v2, or the status of FHIR"
    )
    said_at: Moment | None = Field(description="When it was issued there")
    attachments: list[AttachmentAnswer]


class ReportItem(PersonAnswer):
    """A report in lists."""

    id: uuid.UUID
    status: ReportStatus = Field(description="Of the latest version that was issued; `draft` while there is none")
    version: int = Field(description="Number of that version; 0 while there is none")
    title: str = Field(description="What it is a report of")
    patient_id: uuid.UUID
    study_instance_uid: str | None = Field(description="Study Instance UID; null: no images were made")
    order_id: uuid.UUID | None
    order_ids: OrderIds = Field(description="All orders that it answers, `order_id` first")
    accession_numbers: list[str] = Field(description="Those of `order_ids`, in the same order")
    author: SignerAnswer | None = Field(description="Who wrote the latest version; of a draft, who writes it")
    signer: SignerAnswer | None
    cosigner: SignerAnswer | None
    issued_at: Moment | None
    critical: CriticalAnswer | None = Field(description="Of what was issued; while nothing is, of the draft")
    doubt: str | None = Field(description="Why it is not delivered until somebody decides; null: there is no doubt")
    claim: ClaimAnswer | None
    draft_kind: DraftKind | None = Field(description="What is being written of it, if anything")
    outside: OutsideAnswer | None = Field(description="Which other system wrote it; null: it was written here")
    created_at: Moment
    updated_at: Moment


class ReportAnswer(ReportItem, Versioned):
    language: str = Field(description="Of the text, as in BCP 47")
    template: str | None
    sections: list[SectionAnswer] = Field(description="Of the latest version; of a draft, those of the draft")
    reason: str | None = Field(description="Why the latest version was amended or withdrawn")
    replaces: int | None = Field(description="The version before it")
    draft: DraftAnswer | None


class ReportList(CursorList):
    items: list[ReportItem]


class PriorAnswer(ReportItem):
    sections: list[SectionAnswer]


class PriorList(Model):
    items: list[PriorAnswer]


class ReportVersionAnswer(Model):
    """What was issued; it never changes."""

    report_id: uuid.UUID
    version: int
    status: ReportStatus
    title: str = Field(description="What it is a report of")
    language: str
    sections: list[SectionAnswer]
    author: SignerAnswer
    signer: SignerAnswer | None
    cosigner: SignerAnswer | None
    issued_at: Moment
    study_instance_uid: str | None
    accession_numbers: list[str]
    replaces: int | None
    reason: str | None
    outside: OutsideAnswer | None
    sha256: str = Field(description="Of the text that was signed; the audit trail holds it too")


class ReportVersionList(Model):
    items: list[ReportVersionAnswer]


def report_item(view: ReportView) -> ReportItem:
    return ReportItem(**_shown(view))


def report_answer(view: ReportView) -> ReportAnswer:
    report, latest = view.report, view.latest
    draft = _draft(view)
    latest_sections = [] if latest is None else [SectionAnswer(**asdict(one)) for one in latest.sections]
    return ReportAnswer(
        **_shown(view),
        language=report.language,
        template=report.template,
        sections=draft.sections if latest is None and draft is not None else latest_sections,
        reason=latest.reason if latest is not None else None,
        replaces=latest.replaces if latest is not None else None,
        draft=draft,
    )


def prior_answer(view: ReportView) -> PriorAnswer:
    """A report beside another of the same patient, with its text."""
    said = view.latest.sections if view.latest is not None else ()
    return PriorAnswer(**_shown(view), sections=[SectionAnswer(**asdict(one)) for one in said])


def report_version_answer(version: Version) -> ReportVersionAnswer:
    said = asdict(version) | {"version": version.number, "sha256": version.sha256, "outside": _outside(version)}
    return ReportVersionAnswer.model_validate(said)


def _shown(view: ReportView) -> dict[str, object]:
    report, latest = view.report, view.latest
    writer = _draft_author(view)
    order_ids = [one.id for one in view.orders]
    return {
        **asdict(person_of(report.patient, {})),
        "id": report.id,
        "status": report.status,
        "version": report.number,
        "title": latest.title if latest is not None else report.title,
        "patient_id": report.patient_id,
        "study_instance_uid": report.study_instance_uid,
        "order_id": report.order_id if report.order_id in order_ids else None,
        "order_ids": order_ids,
        "accession_numbers": [one.accession_number for one in view.orders],
        "author": _person(latest.author) if latest is not None else writer,
        "signer": _person(latest.signer) if latest is not None else None,
        "cosigner": _person(latest.cosigner) if latest is not None else None,
        "issued_at": report.issued_at,
        "critical": _critical(view),
        "doubt": report.doubt,
        "claim": _claim(view),
        "outside": _outside(latest),
        "draft_kind": report.draft_kind if reporter().writes else None,
        "created_at": report.created_at,
        "updated_at": report.updated_at,
    }


def _outside(version: Version | None) -> OutsideAnswer | None:
    if version is None or version.outside is None:
        return None
    said = asdict(version.outside)
    return OutsideAnswer.model_validate(
        {"sender_number": said.pop("number"), "sender_status": said.pop("status"), **said}
    )


def _critical(view: ReportView) -> CriticalAnswer | None:
    report = view.report
    if report.number == 0 and report.draft_kind is not None:
        return _draft_critical(report)
    if report.critical_level is None:
        return None
    is_open = report.critical_told_at is None
    return CriticalAnswer(level=report.critical_level, note=report.critical_note, is_open=is_open)


def _draft_critical(report: Report) -> CriticalAnswer | None:
    level, told = report.draft_critical_level, report.critical_level
    if level is None:
        return None
    is_open = report.critical_told_at is None or told is None or is_more_urgent(level, told)
    return CriticalAnswer(level=level, note=report.draft_critical_note, is_open=is_open)


def _claim(view: ReportView) -> ClaimAnswer | None:
    report = view.report
    if view.holder is None or report.claimed_until is None or not reporter().writes:
        return None
    by = SignerAnswer(subject=view.holder, name=report.claimed_name or view.holder)
    return ClaimAnswer(by=by, until=report.claimed_until)


def _draft_author(view: ReportView) -> SignerAnswer | None:
    report = view.report
    if report.draft_author is None or not reporter().writes:
        return None
    return SignerAnswer(subject=report.draft_author, name=report.draft_author_name or report.draft_author)


def _draft(view: ReportView) -> DraftAnswer | None:
    report, author = view.report, _draft_author(view)
    if author is None or report.draft_kind is None:
        return None
    return DraftAnswer.model_validate(
        {
            "kind": report.draft_kind,
            "sections": report.draft_sections or [],
            "author": author,
            "reason": report.draft_reason,
            "required_sections": sorted(view.required),
            "critical": _draft_critical(report),
            "presigned_by": _presigner(view),
            "revision": report.draft_revision,
            "saved_at": report.draft_saved_at,
        }
    )


def _presigner(view: ReportView) -> SignerAnswer | None:
    report = view.report
    if report.presigned_by is None:
        return None
    return SignerAnswer(subject=report.presigned_by, name=report.presigned_name or report.presigned_by)


def _person(one: Signer | None) -> SignerAnswer | None:
    return None if one is None else SignerAnswer(subject=one.subject, name=one.name)
