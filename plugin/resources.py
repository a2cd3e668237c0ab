"""Orthanc's ids of studies, series and instances, and the study each of them belongs to.

An id is a digest of the identifiers (PatientID, StudyInstanceUID, …), so it can never come to mean another study; an
edited instance has another id. What the archive does not hold is never remembered, and what it deletes is forgotten.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from typing import Any

MOST = 50_000


class Resources:
    """Looks ids up in Orthanc once and remembers them, bounded."""

    def __init__(self, orthanc: Any, most: int = MOST) -> None:
        self._orthanc = orthanc
        self._most = most
        self._known: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()
        self._deletions = 0

    def study_of(self, resource: str) -> str | None:
        """The StudyInstanceUID that a study, a series or an instance belongs to; None if the archive has none such."""
        known = self._known.get(resource)
        if known is not None:
            return known
        before = self._deletions
        for path in (f"/instances/{resource}/study", f"/series/{resource}/study", f"/studies/{resource}"):
            study = self._ask(path)
            if study is not None:
                self._remember(resource, study, before)
                return study
        return None

    def forget(self, resource: str) -> None:
        """Orthanc has deleted something."""
        with self._lock:
            self._deletions += 1
            self._known.pop(resource, None)

    def _remember(self, resource: str, study: str, before: int) -> None:
        with self._lock:
            if before != self._deletions:
                return  # it may have been this one
            self._known[resource] = study
            while len(self._known) > self._most:
                self._known.popitem(last=False)

    def _ask(self, path: str) -> str | None:
        try:
            answer = json.loads(self._orthanc.RestApiGet(path))
        except self._orthanc.OrthancException:
            return None
        study = answer.get("MainDicomTags", {}).get("StudyInstanceUID")
        return study if isinstance(study, str) and study else None
