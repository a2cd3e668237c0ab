"""The look-up of one instance, as WADO-RS asks it, in words that cost Orthanc less.

The DICOMweb plugin finds every instance by its study's, its series' and its own UID before it reads it, and Orthanc's
index intersects three lists for that: most of the time a frame takes (ADR 0014). The instance's own UID finds it as
well; whether it lies in the named series of the named study is told by its parent, known after the first slice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

UID = re.compile(r"[0-9.]+")
NAMES = {"SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"}
CONTENT = {"Metadata", "MainDicomTags", "Parent"}
"""What an answer may be asked to hold for this to be as good."""


class InstanceLookups:
    def __init__(self, ask: Callable[[bytes], bytes], series_of: Callable[[str], tuple[str, str] | None]) -> None:
        self._ask = ask
        self._series_of = series_of

    def answer(self, question: Mapping[str, Any]) -> bytes | None:
        """What Orthanc would answer; None where the question is another one, to be asked as it is."""
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
    """Whether it names one instance by all three UIDs, plainly, and asks for nothing else."""
    if question.keys() != {"Level", "Query", "ResponseContent"} or question["Level"] != "Instance":
        return False
    query = question["Query"]
    return (
        query.keys() == NAMES
        and all(map(UID.fullmatch, query.values()))
        and CONTENT.issuperset(question["ResponseContent"])
    )
