"""What a modality says of a performed step, as it is written into its row; and what it may not say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Any

from ehr_bridge.db.states import PerformedStatus
from ehr_bridge.db.tables.interfaces import PerformedStep
from ehr_bridge.dicom import is_storable_uid
from ehr_bridge.dicom.mpps import OF_REQUEST, Performed, PerformedSeries
from ehr_bridge.dicom.times import parse_tm
from ehr_bridge.matching.dates import parse_da

STATUSES = {
    "IN PROGRESS": PerformedStatus.IN_PROGRESS,
    "COMPLETED": PerformedStatus.COMPLETED,
    "DISCONTINUED": PerformedStatus.DISCONTINUED,
}
"""Performed Procedure Step Status (0040,0252)."""
STATUS = "PerformedProcedureStepStatus"


_TEXTS = (
    ("performed_procedure_step_id", "PerformedProcedureStepID", 16),
    ("modality", "Modality", 16),
    ("station_ae_title", "PerformedStationAETitle", 16),
    ("description", "PerformedProcedureStepDescription", 64),
)
_CONTENT = (
    "status", "performed_procedure_step_id", "modality", "station_ae_title", "description", "started_at", "ended_at",
    "discontinuation_reason", "series",
)  # fmt: skip


class Fault(StrEnum):
    """Why a modality's request is refused."""

    ATTRIBUTE_MISSING = "attribute_missing"
    VALUE_MISSING = "value_missing"
    INVALID_VALUE = "invalid_value"
    INVALID_UID = "invalid_uid"
    EXISTS = "exists"
    UNKNOWN = "unknown"
    ENDED = "ended"
    """It is completed or discontinued; nothing may be changed any more (PS3.4 section F.7.2.2.2)."""


class RefusedStep(Exception):
    """The request changes nothing; the door finds the status for the fault."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault
        self.detail = detail


def status_of(said: Performed, *, is_needed: bool) -> PerformedStatus | None:
    """The status that is said; None where it is not, and need not be. Raises RefusedStep."""
    if said.status is None and not is_needed:
        return None
    if said.status is None:
        raise RefusedStep(Fault.ATTRIBUTE_MISSING, STATUS)
    if not said.status:
        raise RefusedStep(Fault.VALUE_MISSING, STATUS)
    if said.status not in STATUSES:
        raise RefusedStep(Fault.INVALID_VALUE, f"{STATUS} is one of {', '.join(STATUSES)}")
    return STATUSES[said.status]


def take(step: PerformedStep, said: Performed, zone: tzinfo) -> None:
    """Write into the row what a modality may say at its beginning and change later (PS3.4 table F.7.2-1). `zone` is
    that of its clock, unless it states an offset."""
    values = said.values
    for column, keyword, longest in _TEXTS:
        if keyword in values:
            setattr(step, column, values[keyword][:longest] or None)
    step.started_at = _moment(values, "Start", zone) or step.started_at
    step.ended_at = _moment(values, "End", zone) or step.ended_at
    step.discontinuation_reason = said.discontinuation_reason[:64] or step.discontinuation_reason
    if said.series is not None:
        series = [_series(one) for one in said.series]
        if series != step.series:
            step.series, step.number_of_series, step.number_here = series, len(series), 0
            step.number_of_images = len({uid for one in said.series for uid in one.sop_instance_uids})


def content_of(step: PerformedStep) -> list[Any]:
    """What `take` writes: two that are alike say the same."""
    return [getattr(step, name) for name in _CONTENT]


def requests_of(said: Performed) -> list[dict[str, str]]:
    """The items of its Scheduled Step Attributes Sequence, as they are kept."""
    return [said_of(one, OF_REQUEST, 64) for one in said.requests or ()]


def said_of(values: dict[str, Any], names: Iterable[str], longest: int = 255) -> dict[str, str]:
    """Those of these values that are there, none longer than that."""
    return {name: str(values[name])[:longest] for name in names if values.get(name)}


def study_of(step: PerformedStep) -> str | None:
    """The study of its first request that names one; all of them say the same where images have one study."""
    named = (one.get("StudyInstanceUID", "") for one in step.requests)
    return next((uid for uid in named if is_storable_uid(uid)), None)


def _moment(values: dict[str, str], which: str, zone: tzinfo) -> datetime | None:
    day = parse_da(values.get(f"PerformedProcedureStep{which}Date", ""))
    hour = parse_tm(values.get(f"PerformedProcedureStep{which}Time", ""))
    if day is None or hour is None:
        return None
    try:
        stated = _offset(values.get("TimezoneOffsetFromUTC", ""))
        return datetime.combine(day, hour, stated or zone).astimezone(UTC)
    except OverflowError:
        return None


def _offset(text: str) -> timezone | None:
    """The offset that a modality states itself: `+0100` (PS3.3 section C.12.1.1.8)."""
    found = re.fullmatch(r"([+-])(\d{2})([0-5]\d)", text)
    if found is None or int(found[2]) > 14:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-offset if found[1] == "-" else offset)


def _series(said: PerformedSeries) -> dict[str, Any]:
    return {
        "series_instance_uid": said.series_instance_uid,
        "description": said.description,
        "number_of_images": len(said.sop_instance_uids),
        "sop_instance_uids": list(said.sop_instance_uids),
    }
