"""The look-up of one instance by WADO-RS, rewritten into one that costs Orthanc less.

The DICOMweb plugin finds every instance by the UIDs of study, series and instance before it reads it, and Orthanc's
index intersects three lists for that: most of the time for a frame (ADR 0014). The instance's own UID is enough to find
it; its parent, known after the first slice, tells whether it is in that series of that study.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

UID = re.compile(r"[0-9.]+")
NAMES = {"SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"}
CONTENT = {"Metadata", "MainDicomTags", "Parent"}
"""Contents of an answer with which this way is equivalent."""


class InstanceLookups:
    def __init__(self, ask: Callable[[bytes], bytes], series_of: Callable[[str], tuple[str, str] | None]) -> None:
        self._ask = ask
        self._series_of = series_of

    def answer(self, question: Mapping[str, Any]) -> bytes | None:
        """Orthanc's answer; None for any other query, which must be passed on unchanged."""
        if not is_lookup(question):
            return None
        query = question["Query"]
        content = sorted({"Parent", *question["ResponseContent"]})
        shorter = {
            "Level": "Instance",
            "Query": {"SOPInstanceUID": query["SOPInstanceUID"]},
            "ResponseContent": content,
        }
        answer = self._ask(json.dumps(shorter).encode())
        found = json.loads(answer)
        asked = (query["StudyInstanceUID"], query["SeriesInstanceUID"])
        wanted = [one for one in found if self._series_of(one["ParentSeries"]) == asked]
        return answer if len(wanted) == len(found) else json.dumps(wanted).encode()


def is_lookup(question: Mapping[str, Any]) -> bool:
    """Whether it names one instance by all three UIDs, without wildcards, and asks for nothing else."""
    if question.keys() != {"Level", "Query", "ResponseContent"} or question["Level"] != "Instance":
        return False
    query = question["Query"]
    return (
        query.keys() == NAMES
        and all(map(UID.fullmatch, query.values()))
        and CONTENT.issuperset(question["ResponseContent"])
    )
