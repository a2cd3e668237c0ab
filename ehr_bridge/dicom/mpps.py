"""Reads the attributes of a Modality Performed Procedure Step (PS3.4 table F.7.2-1), as a modality sends them.

Devices leave out what the Standard requires of them, and fill in what it does not foresee; so a value that cannot be
read counts as absent, and the caller decides what must be there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pydicom.dataset import Dataset

OF_STEP: Final = (
    "CommentsOnThePerformedProcedureStep",
    "Modality",
    "PerformedProcedureStepDescription",
    "PerformedProcedureStepEndDate",
    "PerformedProcedureStepEndTime",
    "PerformedProcedureStepID",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "PerformedProcedureStepStatus",
    "PerformedStationAETitle",
    "StudyID",
    "TimezoneOffsetFromUTC",
)
OF_PATIENT: Final = ("IssuerOfPatientID", "PatientBirthDate", "PatientID", "PatientName", "PatientSex")
OF_REQUEST: Final = (
    "AccessionNumber",
    "RequestedProcedureDescription",
    "RequestedProcedureID",
    "ScheduledProcedureStepDescription",
    "ScheduledProcedureStepID",
    "StudyInstanceUID",
)
REQUESTS: Final = "ScheduledStepAttributesSequence"
SERIES: Final = "PerformedSeriesSequence"
_IMAGES: Final = ("ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence")
_REASON: Final = "PerformedProcedureStepDiscontinuationReasonCodeSequence"
MOST_REQUESTS: Final = 50
MOST_SERIES: Final = 1_000
MOST_IMAGES: Final = 50_000


class TooMuch(ValueError):
    """There are more items than any examination has."""


@dataclass(frozen=True, slots=True)
class PerformedSeries:
    """An item of the Performed Series Sequence."""

    series_instance_uid: str
    description: str
    sop_instance_uids: tuple[str, ...]
    """Of its images and other objects, each once."""


@dataclass(frozen=True, slots=True)
class Performed:
    """What an N-CREATE or N-SET says; each N-SET names only what has changed."""

    values: dict[str, str] = field(default_factory=dict)
    """By keyword, of the step and its patient: '' for what is there without a value, nothing for what is absent."""
    requests: tuple[dict[str, str], ...] | None = None
    """The items of the Scheduled Step Attributes Sequence: keyword and value; None where it is absent."""
    series: tuple[PerformedSeries, ...] | None = None
    """None where the Performed Series Sequence is absent; it always tells all series so far (PS3.4 F.7.2.2.2)."""
    discontinuation_reason: str = ""

    @property
    def status(self) -> str | None:
        return self.values.get("PerformedProcedureStepStatus")


def read_performed(data: Dataset) -> Performed:
    """What a data set says. Raises TooMuch."""
    values = {name: _text(data, name) for name in (*OF_STEP, *OF_PATIENT) if name in data}
    requests = _items(data, REQUESTS, MOST_REQUESTS)
    series = _items(data, SERIES, MOST_SERIES)
    reasons = _items(data, _REASON, 1) or []
    return Performed(
        values,
        None if requests is None else tuple({name: _text(one, name) for name in OF_REQUEST} for one in requests),
        None if series is None else tuple(_all_series(series)),
        next((_text(one, "CodeMeaning") or _text(one, "CodeValue") for one in reasons), ""),
    )


def _all_series(items: list[Dataset]) -> Iterator[PerformedSeries]:
    left = MOST_IMAGES
    for one in items:
        uids = dict.fromkeys(
            uid
            for keyword in _IMAGES
            for image in _items(one, keyword, MOST_IMAGES) or []
            if (uid := _text(image, "ReferencedSOPInstanceUID"))
        )
        left -= len(uids)
        if left < 0:
            raise TooMuch(f"more than {MOST_IMAGES} images")
        description = _text(one, "SeriesDescription") or _text(one, "ProtocolName")
        yield PerformedSeries(_text(one, "SeriesInstanceUID"), description, tuple(uids))


def _items(data: Dataset, keyword: str, most: int) -> list[Dataset] | None:
    if keyword not in data:
        return None
    value: Any = data[keyword].value
    items = list(value) if value else []
    if len(items) > most:
        raise TooMuch(f"more than {most} items in {keyword}")
    return [one for one in items if isinstance(one, Dataset)]


def _text(data: Dataset, keyword: str) -> str:
    try:
        value: Any = data.get(keyword)
    except Exception:  # pydicom raises many kinds on what it cannot read
        return ""
    return "" if value is None else str(value).strip(" \0")
