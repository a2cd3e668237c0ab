"""What Orthanc says of instances and series, in our words."""

from __future__ import annotations

from typing import Any

from ehr_bridge.services.archive.holdings import HeldSeries, Holding


def holding_of(instance: dict[str, Any], series: dict[str, Any]) -> Holding:
    """An instance, from what Orthanc says of it and of its series' attributes."""
    tags = instance["MainDicomTags"]
    return Holding(
        orthanc_instance_id=instance["ID"],
        series_instance_uid=series.get("SeriesInstanceUID", ""),
        sop_instance_uid=tags.get("SOPInstanceUID", ""),
        modality=series.get("Modality", ""),
        series_number=_number(series.get("SeriesNumber")),
        instance_number=_number(tags.get("InstanceNumber")),
        size_bytes=int(instance.get("FileSize", 0)),
    )


def series_from(series: dict[str, Any]) -> HeldSeries:
    """A series, from what Orthanc says of it."""
    tags = series["MainDicomTags"]
    said = tags.get("SeriesNumber", "").strip()
    return HeldSeries(
        series_instance_uid=tags.get("SeriesInstanceUID", ""),
        number=_number(said) if said else None,
        modality=tags.get("Modality", ""),
        description=tags.get("SeriesDescription", ""),
        number_of_instances=len(series.get("Instances", [])),
    )


def _number(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0
