"""The states of a report and of its documents, and what each can become.

The words are those of FHIR's DiagnosticReport.status; a draft is ours and leaves the house nowhere.
"""

from __future__ import annotations

from enum import StrEnum

KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"
"""SOP Class of documents that name images; some say that these are rejected."""


class ReportStatus(StrEnum):
    """How far a version of a report is (FHIR R4 value set diagnostic-report-status)."""

    DRAFT = "draft"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"
    CORRECTED = "corrected"
    APPENDED = "appended"
    ENTERED_IN_ERROR = "entered_in_error"


SIGNED = frozenset({ReportStatus.FINAL, ReportStatus.AMENDED, ReportStatus.CORRECTED, ReportStatus.APPENDED})
"""Somebody has signed it: its text stays as it is for ever."""

AMENDMENTS = SIGNED - {ReportStatus.FINAL}
"""What a report becomes that is signed again, in any order."""

SHOWN = SIGNED | {ReportStatus.PRELIMINARY}
"""What others than its authors read."""


def may_become(old: ReportStatus, new: ReportStatus) -> bool:
    """Whether the next version of a report may have this status."""
    if old is ReportStatus.DRAFT:
        return new in (ReportStatus.PRELIMINARY, ReportStatus.FINAL)
    if old is ReportStatus.PRELIMINARY:
        return new in (ReportStatus.PRELIMINARY, ReportStatus.FINAL, ReportStatus.ENTERED_IN_ERROR)
    return old in SIGNED and new in AMENDMENTS | {ReportStatus.ENTERED_IN_ERROR}


class DocumentForm(StrEnum):
    """A file of the study that shows a version."""

    SR = "sr"
    """Basic Text SR."""
    PDF = "pdf"
    """Encapsulated PDF."""


class DocumentStatus(StrEnum):
    """How far a document is."""

    DUE = "due"
    FILED = "filed"
    LEAVING = "leaving"
    """It is to be removed from the archive as soon as what replaces it is there."""
    REMOVED = "removed"
