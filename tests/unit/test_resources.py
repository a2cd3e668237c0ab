"""Orthanc's ids and their studies: looked up once, bounded, forgotten when the archive deletes."""

from __future__ import annotations

import json

from plugin.serving.resources import Resources


class FakeOrthanc:
    """An archive of one study, one series, one instance; counts what it is asked."""

    class OrthancException(Exception):
        pass

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.holds = {"/studies/st": "1.2.3", "/series/se/study": "1.2.3", "/instances/in/study": "1.2.3"}
        self.series: dict[str, str] = {}

    def RestApiGet(self, path: str) -> bytes:
        self.asked.append(path)
        if path in self.series:
            return json.dumps({"MainDicomTags": {"SeriesInstanceUID": self.series[path]}}).encode()
        if path not in self.holds:
            raise self.OrthancException(17, "Unknown resource")
        return json.dumps({"MainDicomTags": {"StudyInstanceUID": self.holds[path]}}).encode()


def test_every_level_leads_to_its_study_and_is_asked_once() -> None:
    """Study, series, instance."""
    orthanc = FakeOrthanc()
    resources = Resources(orthanc)
    for _ in range(2):
        assert [resources.study_of(name) for name in ("st", "se", "in")] == ["1.2.3"] * 3
    assert len(orthanc.asked) == 6


def test_what_the_archive_does_not_hold_is_not_remembered() -> None:
    """It may come in a moment."""
    orthanc = FakeOrthanc()
    resources = Resources(orthanc)
    assert resources.study_of("new") is None
    orthanc.holds["/instances/new/study"] = "1.2.4"
    assert resources.study_of("new") == "1.2.4"


def test_what_is_deleted_is_forgotten_even_while_it_is_looked_up() -> None:
    """The news of the deletion may overtake the answer."""
    orthanc = FakeOrthanc()
    resources = Resources(orthanc)
    assert resources.study_of("in") == "1.2.3"
    del orthanc.holds["/instances/in/study"]
    resources.forget("in")
    assert resources.study_of("in") is None

    class Slow(FakeOrthanc):
        def RestApiGet(self, path: str) -> bytes:
            answer = super().RestApiGet(path)
            resources.forget("in")
            return answer

    slow = Slow()
    resources = Resources(slow)
    resources.study_of("in")
    asked = len(slow.asked)
    resources.study_of("in")
    assert len(slow.asked) > asked


def test_memory_is_bounded() -> None:
    """Somebody walks through the whole archive."""
    orthanc = FakeOrthanc()
    orthanc.holds = {f"/instances/{number}/study": "1.2.3" for number in range(100)}
    resources = Resources(orthanc, most=10)
    for number in range(100):
        resources.study_of(str(number))
    assert len(resources._studies) == 10


def test_a_series_is_known_by_its_own_and_its_studys_uid_until_it_is_deleted() -> None:
    """As the look-up of an instance needs it."""
    orthanc = FakeOrthanc()
    resources = Resources(orthanc)
    assert resources.series_of("se") is None  # without its own UID
    orthanc.series["/series/se"] = "1.2.3.1"
    assert [resources.series_of("se"), resources.series_of("se")] == [("1.2.3", "1.2.3.1")] * 2
    asked = len(orthanc.asked)
    resources.forget("se")
    orthanc.series.clear()
    assert resources.series_of("se") is None
    assert len(orthanc.asked) > asked
