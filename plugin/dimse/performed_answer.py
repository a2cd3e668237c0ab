"""Tells a modality what is on record of a step that it has reported (N-GET, PS3.4 annex F.8)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, tzinfo
from typing import Any, Final

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from ehr_bridge.db.states import PerformedStatus
from ehr_bridge.db.tables.interfaces import PerformedStep
from ehr_bridge.dicom.mpps import OF_PATIENT, OF_REQUEST, REQUESTS, SERIES
from ehr_bridge.dicom.transliteration import Charset, transliterated
from ehr_bridge.services.interfaces.performed_values import STATUS, STATUSES

CHARSET: Final = tag_for_keyword("SpecificCharacterSet")
WORDS: Final[dict[PerformedStatus, str]] = {status: word for word, status in STATUSES.items()}


def told_of(step: PerformedStep, charset: Charset, zone: tzinfo, wanted: Collection[int]) -> tuple[Dataset, bool]:
    """What is on record of the attributes that are wanted, of all when none is named; and whether that is every one of
    them. Times are those of the modalities' clocks. The instances of a series are named until all of them are here."""
    found = _everything(step, charset.codec, zone)
    if not wanted:
        is_whole = True
    else:
        is_whole = all(tag in found or tag == CHARSET for tag in wanted)
        for tag in [tag for tag in found.keys() if tag not in wanted]:  # noqa: SIM118  (tags, not elements)
            del found[tag]
    if charset.defined_term:
        found.SpecificCharacterSet = charset.defined_term
    return found, is_whole


def _everything(step: PerformedStep, codec: str, zone: tzinfo) -> Dataset:
    found = _data(((name, step.said.get(name, "")) for name in OF_PATIENT), codec)
    values = {
        STATUS: WORDS[step.status],
        "PerformedProcedureStepID": step.performed_procedure_step_id,
        "PerformedStationAETitle": step.station_ae_title,
        "PerformedProcedureStepDescription": step.description,
        "Modality": step.modality,
    }
    for which, moment in (("Start", step.started_at), ("End", step.ended_at)):
        date, time = _local(moment, zone)
        values |= {f"PerformedProcedureStep{which}Date": date, f"PerformedProcedureStep{which}Time": time}
    found.update(_data(values.items(), codec))
    requests = [_data(((name, one.get(name, "")) for name in OF_REQUEST), codec) for one in step.requests]
    setattr(found, REQUESTS, Sequence(requests))
    setattr(found, SERIES, Sequence([_series(one, codec) for one in step.series]))
    return found


def _series(series: dict[str, Any], codec: str) -> Dataset:
    names = {"SeriesInstanceUID": series["series_instance_uid"], "SeriesDescription": series["description"]}
    found = _data(names.items(), codec)
    images = [_data([("ReferencedSOPInstanceUID", uid)], codec) for uid in series.get("sop_instance_uids", ())]
    found.ReferencedImageSequence = Sequence(images)
    return found


def _local(moment: datetime | None, zone: tzinfo) -> tuple[str, str]:
    if moment is None:
        return "", ""
    there = moment.astimezone(zone)
    return there.strftime("%Y%m%d"), there.strftime("%H%M%S")


def _data(values: Iterable[tuple[str, str | None]], codec: str) -> Dataset:
    made = Dataset()
    for keyword, value in values:
        setattr(made, keyword, transliterated(value or "", codec))
    return made
