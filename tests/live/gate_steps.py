"""Every way to read a study, and every query that could find it."""

from __future__ import annotations

from typing import Any


def reads(study: dict[str, Any]) -> list[str]:
    """Every way to read a study."""
    base = f"/dicom-web/studies/{study['uid']}"
    instance = f"{base}/series/{study['series']}/instances/{study['sop']}"
    wado = f"/wado?requestType=WADO&studyUID={study['uid']}&seriesUID={study['series']}&objectUID={study['sop']}"
    return [
        base,
        f"{base}/metadata",
        f"{base}/series",
        f"{base}/instances",
        f"{base}/series/{study['series']}",
        f"{base}/series/{study['series']}/metadata",
        f"{base}/series/{study['series']}/instances",
        instance,
        f"{instance}/metadata",
        f"{instance}/frames/1",
        f"{instance}/bulk/7fe00010",
        f"{instance}/bulk/7fe0,0010",
        wado + "&contentType=application/dicom",
    ]


QUERIES = [
    "",
    "?",
    "?StudyInstanceUID={b}",
    "?studyinstanceuid={b}",
    "?%53tudyInstanceUID={b}",
    "?0020000d={b}",
    "?0020000D={b}",
    "?0020,000d={b}",
    "?StudyInstanceUID={a},{b}",
    "?StudyInstanceUID={a}%2C{b}",
    "?StudyInstanceUID={a}%5C{b}",
    "?StudyInstanceUID={a}\\{b}",
    "?StudyInstanceUID={b}&StudyInstanceUID={a}",
    "?StudyInstanceUID={a}&StudyInstanceUID={b}",
    "?StudyInstanceUID={b}&0020000D={a}",
    "?StudyInstanceUID=*",
    "?StudyInstanceUID=",
    "?Foo=1",
    "?PatientID={mrn}",
    "?00100020={mrn}",
    "?PatientID=*",
    "?PatientName=*",
    "?fuzzymatching=true&PatientName=Lind",
    "?limit=1&offset=1",
    "?limit=1000",
    "?includefield=all",
]
