"""What a modality was told is stored, and the archive does not give out: it is kept for people, or was refused."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ehr_bridge.errors import Unavailable
from ehr_bridge.services.uploads.arrivals import AtDoor
from plugin.storing.ingest import Ingest
from plugin.storing.store_refusals import OUT_OF_RESOURCES, StoreRefusals
from tests.api.conftest import Api
from tests.api.copy_steps import Case, was_there

AWAY = Unavailable("archive_unavailable", "The archive does not answer.", 30)
MODALITY = SimpleNamespace(GetInstanceRemoteAet=lambda: "MR1")


class Action(Enum):
    KEEP_AS_IS = 1
    MODIFY = 2


class Hooks:
    """Orthanc's hooks of a C-STORE; 1.13 calls only the first one for an image whose UIDs it has."""

    def __init__(self, case: Case, monkeypatch: pytest.MonkeyPatch, *, calls_for_duplicates: bool) -> None:
        api = case.api
        self.handed: list[AtDoor] = []
        monkeypatch.setattr(api.archive, "is_storing", lambda: False, raising=False)
        archive: Any = api.archive
        self.ingest = Ingest(
            SimpleNamespace(ReceivedInstanceAction=Action),
            api.services.intake,
            archive,
            api.services.quarantine,
            StoreRefusals(1, lambda _: None),
            self.handed.append,
            calls_for_duplicates=calls_for_duplicates,
        )

    def receive(self, data: bytes) -> int:
        """What the sender hears, if Orthanc goes on after the first hook."""
        self.ingest.on_received(data, 2)
        return self.ingest.on_c_store(MODALITY)

    def stored(self, name: str) -> None:
        """As for an image that has been there for years."""
        self.ingest.on_stored(
            SimpleNamespace(GetInstanceMetadata=lambda _: "20200101T000000", GetInstanceRemoteAet=lambda: "MR1"), name
        )


@pytest.fixture
def case(api: Api, tmp_path: Path) -> Case:
    case = Case(api, tmp_path)
    case.take(case.copy()[0])
    case.age()
    return case


def raising(error: Exception) -> Any:
    def fail(*_: object) -> Any:
        raise error

    return fail


def other(image: bytes) -> bytes:
    return image[:-1] + bytes([image[-1] ^ 1])


def lose(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is gone, and the index has the image still."""
    monkeypatch.setattr(case.api.archive, "open", raising(FileNotFoundError()))
    monkeypatch.setattr(case.api.archive, "read", raising(LookupError()))


@pytest.mark.parametrize("calls_for_duplicates", [True, False])
@pytest.mark.parametrize("question", ["has", "read"])
def test_an_image_that_cannot_be_compared_now_is_refused(
    case: Case, monkeypatch: pytest.MonkeyPatch, question: str, calls_for_duplicates: bool
) -> None:
    """The index or the bucket does not answer: the modality keeps it and sends it again."""
    hooks = Hooks(case, monkeypatch, calls_for_duplicates=calls_for_duplicates)
    with monkeypatch.context() as patch:
        patch.setattr(case.api.archive, question, raising(AWAY))
        assert hooks.receive(other(case.image)) == OUT_OF_RESOURCES
    assert (hooks.handed, case.quarantined("same_uid_other_content")) == ([], [])
    assert hooks.receive(other(case.image)) == 0
    assert case.quarantined("same_uid_other_content") == [other(case.image)]


def test_an_image_that_could_not_be_compared_after_its_answer_is_compared_later(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index was away when it came back to the second hook: the other image under these UIDs is not dropped."""
    hooks = Hooks(case, monkeypatch, calls_for_duplicates=True)
    (name,) = case.api.archive.instances
    with monkeypatch.context() as patch:
        patch.setattr(case.api.archive, "has", lambda *_: False)
        assert hooks.receive(other(case.image)) == 0
        patch.setattr(case.api.archive, "has", raising(AWAY))
        hooks.stored(name)
    (arrival,) = hooks.handed
    case.take(arrival)
    assert case.quarantined("same_uid_other_content") == [other(case.image)]


def test_a_lost_image_that_comes_again_to_orthanc_1_13_takes_its_place(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other hook is called for it."""
    hooks = Hooks(case, monkeypatch, calls_for_duplicates=False)
    with monkeypatch.context() as patch:
        lose(case, patch)
        assert hooks.receive(case.image) == 0
        (arrival,) = hooks.handed
        case.take(arrival)
    assert case.told() == ["study.file_restored", "study.file_damaged"]
    assert case.quarantined("same_uid_other_content") == []


def test_a_lost_image_that_cannot_be_replaced_now_is_kept_for_people(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its disk is not mounted, or a job works on its study; what came may be the only copy."""
    with monkeypatch.context() as patch:
        lose(case, patch)
        patch.setattr(case.api.archive, "open", raising(NotADirectoryError()))
        case.take(was_there(case.copy()[0]))
    assert case.quarantined("same_uid_other_content") == [case.image]


def test_a_lost_image_is_kept_for_people_if_the_archive_does_not_take_it(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was left of the damaged file is in quarantine by then, and gone from the archive."""
    case.damage()
    left = case.kept
    again = was_there(case.copy()[0])
    with monkeypatch.context() as patch:
        patch.setattr(case.api.archive, "store", raising(AWAY))
        case.take(again)
    assert (case.quarantined("damaged"), case.quarantined("same_uid_other_content")) == ([left], [case.image])


def test_a_whole_image_that_comes_again_is_not_kept_twice(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the database is away for a moment."""
    again = was_there(case.copy()[0])
    case.take(again)
    with monkeypatch.context() as patch:
        patch.setattr(case.api.services.intake, "mend", raising(Unavailable("database_unavailable", "away")))
        with pytest.raises(Unavailable):
            case.take(again)
    assert case.quarantined("same_uid_other_content") == []
