"""What a report can become, and what is signed of it."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ehr_bridge.reporting.report import Outside, Section, Signer, Version
from ehr_bridge.reporting.states import AMENDMENTS, SIGNED, ReportStatus, may_become

VERSION = Version(
    report_id=uuid.UUID(int=7),
    number=2,
    status=ReportStatus.AMENDED,
    title="CT head",
    language="en",
    sections=(Section("59776-5", "Findings", "No bleeding.\nNo mass."), Section("19005-8", "Impression", "Normal.")),
    author=Signer("lee", "Lee, Anna"),
    issued_at=datetime(2026, 11, 29, 12, 0, tzinfo=UTC),
    study_instance_uid="2.25.1",
    accession_numbers=("A1", "A2"),
    signer=Signer("lee", "Lee, Anna"),
    replaces=1,
    reason="left and right",
)


@pytest.mark.parametrize("status", list(ReportStatus))
def test_what_was_signed_never_becomes_a_draft_or_unsigned_again(status: ReportStatus) -> None:
    """FHIR R4 DiagnosticReport: after final come amended, corrected and appended in any order, or entered in error."""
    follows = {new for new in ReportStatus if may_become(status, new)}
    if status in SIGNED:
        assert follows == AMENDMENTS | {ReportStatus.ENTERED_IN_ERROR}
    assert ReportStatus.DRAFT not in follows
    assert status is not ReportStatus.ENTERED_IN_ERROR or not follows


def test_a_preliminary_report_is_finalised_not_amended() -> None:
    assert may_become(ReportStatus.PRELIMINARY, ReportStatus.FINAL)
    assert not may_become(ReportStatus.PRELIMINARY, ReportStatus.AMENDED)
    assert not may_become(ReportStatus.DRAFT, ReportStatus.ENTERED_IN_ERROR)


def test_every_part_of_a_version_is_under_its_signature() -> None:
    """One altered character, of any field, is another digest."""
    other: dict[str, object] = {
        "report_id": uuid.UUID(int=8),
        "number": 3,
        "status": ReportStatus.CORRECTED,
        "title": "CT head.",
        "language": "de",
        "sections": VERSION.sections[:1],
        "author": Signer("lee", "Lee, Anne"),
        "issued_at": VERSION.issued_at + timedelta(microseconds=1),
        "study_instance_uid": "2.25.2",
        "accession_numbers": ("A2", "A1"),
        "signer": Signer("loe", "Lee, Anna"),
        "cosigner": Signer("kim", "Kim, Bo"),
        "replaces": None,
        "reason": "right and left",
        "outside": Outside("telerad", "R-1", "F", None),
    }
    assert set(other) == {field.name for field in dataclasses.fields(Version)}
    digests = [dataclasses.replace(VERSION, **{name: value}).sha256 for name, value in other.items()]  # type: ignore[arg-type]
    assert len({VERSION.sha256, *digests}) == len(other) + 1


def test_a_moment_is_signed_whatever_the_clock_that_tells_it() -> None:
    """A database that answers in local time gives back the same signed text."""
    there = VERSION.issued_at.astimezone(timezone(timedelta(hours=2)))
    assert dataclasses.replace(VERSION, issued_at=there).sha256 == VERSION.sha256
