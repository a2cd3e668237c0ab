"""Look-ups by UID where Orthanc has two studies with one Study Instance UID, in archives older than ADR 0016.

The DICOMweb plugin answers 404 when a look-up finds more than one resource. The study's row says which of Orthanc's
studies is the right one; the other one is on the reconciliation list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ehr_bridge.errors import Unavailable
from ehr_bridge.shallow_json import loads

OWN_UID = {"Study": "StudyInstanceUID", "Series": "SeriesInstanceUID", "Instance": "SOPInstanceUID"}
PATHS = {"Study": "studies", "Series": "series", "Instance": "instances"}


class Twins:
    def __init__(self, orthanc: Any, home_of: Callable[[str], str | None]) -> None:
        """`home_of` returns Orthanc's id of a study by its Study Instance UID; None if it is not recorded."""
        self._orthanc = orthanc
        self._home_of = home_of

    def only_own(self, question: Mapping[str, Any], answer: bytes) -> bytes:
        """Of several resources with the requested UID, the one in the recorded study."""
        level, query = question.get("Level", ""), question.get("Query", {})
        if (
            OWN_UID.get(level) not in query
            or "StudyInstanceUID" not in query
            or not query.keys() <= {*OWN_UID.values()}
        ):
            return answer
        if answer.count(b'"ID"') == 1 or b"," not in answer:  # nearly always; saves parsing
            return answer
        found = loads(answer)
        try:
            home = self._home_of(query["StudyInstanceUID"])
        except Unavailable:
            return answer
        own = [one for one in found if home is not None and self._study_of(level, one) == home]
        return json.dumps(own).encode() if own else answer

    def _study_of(self, level: str, found: Any) -> str | None:
        resource = found["ID"] if isinstance(found, dict) else found
        if level == "Study":
            return str(resource)
        try:
            return str(loads(self._orthanc.RestApiGet(f"/{PATHS[level]}/{resource}/study"))["ID"])
        except self._orthanc.OrthancException:
            return None
