"""What a document can be, and how DICOM codes it (LOINC, as in PS3.16 CID 7020)."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What somebody says that a document is."""

    REFERRAL = "referral"
    CONSENT = "consent"
    OUTSIDE_REPORT = "outside_report"
    LABORATORY = "laboratory"
    QUESTIONNAIRE = "questionnaire"
    PHOTO = "photo"
    OTHER = "other"


TITLES = {
    Kind.REFERRAL: "Referral",
    Kind.CONSENT: "Consent",
    Kind.OUTSIDE_REPORT: "Report from outside",
    Kind.LABORATORY: "Laboratory report",
    Kind.QUESTIONNAIRE: "Questionnaire",
    Kind.PHOTO: "Photograph",
    Kind.OTHER: "Document",
}
"""For a document without a title."""

CODES = {
    Kind.REFERRAL: ("57133-1", "LN", "Referral note"),
    Kind.CONSENT: ("59284-0", "LN", "Consent Document"),
    Kind.OUTSIDE_REPORT: ("18748-4", "LN", "Diagnostic imaging study"),
    Kind.LABORATORY: ("11502-2", "LN", "Laboratory report"),
    Kind.QUESTIONNAIRE: ("74465-6", "LN", "Questionnaire response Document"),
    Kind.PHOTO: ("72170-4", "LN", "Photographic image Unspecified body region Document"),
    Kind.OTHER: ("11503-0", "LN", "Medical records"),
}
"""Concept Name Code Sequence of a PDF."""
