"""Orthanc's ids of studies, series and instances, and which study or series each of them is.

An id is a digest of the identifiers (PatientID, StudyInstanceUID, …), so it can never come to mean something else; an
edited instance has another id. What the archive does not hold is never remembered, and what it deletes is forgotten.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

MOST = 50_000


class Resources:
    """Looks ids up in Orthanc once and remembers them, bounded."""

    def __init__(self, orthanc: Any, most: int = MOST) -> None:
        self._orthanc = orthanc
        self._studies: Remembered[str] = Remembered(most)
        self._series: Remembered[tuple[str, str]] = Remembered(most)

    def study_of(self, resource: str) -> str | None:
        """The StudyInstanceUID that a study, a series or an instance belongs to; None if the archive has none such."""
        return self._studies.get(resource, self._look_for_study)

    def series_of(self, resource: str) -> tuple[str, str] | None:
        """The StudyInstanceUID and SeriesInstanceUID of a series; None if the archive has none such."""
        return self._series.get(resource, self._look_for_series)

    def forget(self, resource: str) -> None:
        """Orthanc has deleted something."""
        self._studies.forget(resource)
        self._series.forget(resource)

    def _look_for_study(self, resource: str) -> str | None:
        for path in (f"/instances/{resource}/study", f"/series/{resource}/study", f"/studies/{resource}"):
            if (study := self._tag(path, "StudyInstanceUID")) is not None:
                return study
        return None

    def _look_for_series(self, resource: str) -> tuple[str, str] | None:
        study = self._tag(f"/series/{resource}/study", "StudyInstanceUID")
        series = self._tag(f"/series/{resource}", "SeriesInstanceUID")
        return (study, series) if study is not None and series is not None else None

    def _tag(self, path: str, keyword: str) -> str | None:
        try:
            answer = json.loads(self._orthanc.RestApiGet(path))
        except self._orthanc.OrthancException:
            return None
        value = answer.get("MainDicomTags", {}).get(keyword)
        return value if isinstance(value, str) and value else None


class Remembered[T]:
    """What was found out about ids; the oldest give way."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()
        self._deletions = 0

    def __len__(self) -> int:
        return len(self._known)

    def get(self, resource: str, find_out: Callable[[str], T | None]) -> T | None:
        """What is known, or else found out now."""
        known = self._known.get(resource)
        if known is not None:
            return known
        before = self._deletions
        found = find_out(resource)
        if found is not None:
            self._remember(resource, found, before)
        return found

    def forget(self, resource: str) -> None:
        with self._lock:
            self._deletions += 1
            self._known.pop(resource, None)

    def _remember(self, resource: str, found: T, before: int) -> None:
        with self._lock:
            if before != self._deletions:
                return  # it may have been this one
            self._known[resource] = found
            while len(self._known) > self._most:
                self._known.popitem(last=False)
