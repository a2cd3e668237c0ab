"""Orthanc's ids of studies, series and instances, and the study or series that each belongs to.

An id is a digest of the identifiers (PatientID, StudyInstanceUID, …), so its meaning never changes; an edited instance
gets another id. Unknown ids are not cached, and deleted ones are dropped.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

MOST = 50_000


class Resources:
    """Looks ids up in Orthanc once and caches them, bounded."""

    def __init__(self, orthanc: Any, most: int = MOST) -> None:
        self._orthanc = orthanc
        self._studies: Remembered[str] = Remembered(most)
        self._series: Remembered[tuple[str, str]] = Remembered(most)

    def study_of(self, resource: str) -> str | None:
        """The StudyInstanceUID of a study, a series or an instance; None if the archive does not have it."""
        return self._studies.get(resource, self._look_for_study)

    def series_of(self, resource: str) -> tuple[str, str] | None:
        """The StudyInstanceUID and SeriesInstanceUID of a series; None if the archive does not have it."""
        return self._series.get(resource, self._look_for_series)

    def forget(self, resource: str) -> None:
        """Orthanc has deleted it."""
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
    """A bounded cache; the oldest entries are dropped."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()
        self._deletions = 0

    def __len__(self) -> int:
        return len(self._known)

    def get(self, resource: str, find_out: Callable[[str], T | None]) -> T | None:
        """The cached value, or what `find_out` returns."""
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
                return  # it may have been this resource
            self._known[resource] = found
            while len(self._known) > self._most:
                self._known.popitem(last=False)
