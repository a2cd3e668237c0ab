"""Orthanc's ingest hooks with a stand-in for Orthanc: they never raise, and never discard what is not safe."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pydicom
import pytest

from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.services.archive.quarantine import Quarantine
from ehr_bridge.services.audit.refusals import Refusal
from ehr_bridge.services.intake.quarantine_records import QuarantineRecords
from plugin.storing.ingest import Ingest
from plugin.storing.store_refusals import StoreRefusals
from tests.support.samples import nested, small

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Action(Enum):
    KEEP_AS_IS = 1
    MODIFY = 2
    DISCARD = 3


class FakeOrthanc:
    ReceivedInstanceAction = Action


class NothingUnderWay:
    is_full = False

    def is_storing(self) -> bool:
        return False

    def has_room(self, size: int) -> bool:
        return not self.is_full


class Holding(NothingUnderWay):
    """An archive that has every instance, or none."""

    def __init__(self, has_it: bool) -> None:
        self.has_it = has_it

    def has(self, orthanc_instance_id: str, sop_instance_uid: str) -> bool:
        return self.has_it


class Intake:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def judge(self, data: bytes, delivery: Any) -> Any:
        from ehr_bridge.dicom import read_header

        if self.error:
            raise self.error
        read_header(data, max_depth=16)
        raise AssertionError("only refusals are tested here")

    def coerce(self, arrival: Any) -> None:
        raise AssertionError("nothing that is refused is coerced")


class Instance:
    """What the C-STORE filter is shown."""

    def __init__(self, calling: str | None = "MR1") -> None:
        self.calling = calling

    def GetInstanceRemoteAet(self) -> str:
        if self.calling is None:
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
        return self.calling


class Door:
    """Both hooks of Orthanc, as one C-STORE meets them."""

    def __init__(self, folder: Path, error: Exception | None = None, archive: Any = None) -> None:
        self.told: list[Refusal] = []
        self.refusals = StoreRefusals(1, self.told.append)
        database: Any = None
        self.records = QuarantineRecords(database, Quarantine(folder), lambda: NOW, "node", timedelta(7))
        stand_ins: tuple[Any, ...] = (
            Intake(error),
            archive or NothingUnderWay(),
            self.records,
            self.refusals,
            lambda arrival: None,
        )
        self.ingest = Ingest(FakeOrthanc(), *stand_ins)

    def status(self, data: bytes, calling: str | None = "MR1") -> int:
        """What the sender hears; nothing of a refused instance may reach Orthanc."""
        action, replacement = self.ingest.on_received(data, 2)
        if action is Action.MODIFY:
            assert replacement is not None
            ds = pydicom.dcmread(io.BytesIO(replacement))
            assert (str(ds.SOPInstanceUID), "PatientID" in ds) == ("2.25.1", False)
        return self.ingest.on_c_store(Instance(calling))


def hooks(folder: Path, error: Exception | None = None) -> Ingest:
    return Door(folder, error).ingest


def test_bytes_that_would_kill_orthanc_go_to_quarantine_once(tmp_path: Path) -> None:
    """From a modality: kept on disk, then refused; the same bytes are kept once."""
    data, door = nested(100), Door(tmp_path)
    assert [door.status(data) for _ in range(2)] == [0xC000, 0xC000]
    files = list(tmp_path.iterdir())
    assert [path.read_bytes() for path in files] == [data]


def test_an_image_for_which_there_is_no_room_is_refused_and_its_sender_not_blamed(tmp_path: Path) -> None:
    """Before anything is done with it: not even a file that would be kept in quarantine is kept."""
    archive = NothingUnderWay()
    archive.is_full = True
    door = Door(tmp_path, archive=archive)
    assert [door.status(nested(100)), door.status(small())] == [0xA700, 0xA700]
    assert (door.told, list(tmp_path.iterdir())) == ([], [])


def test_a_refused_instance_is_told_to_the_audit_trail_and_the_next_one_is_not(tmp_path: Path) -> None:
    """With the calling AE title and the finding; the good file behind it on the same association passes."""
    door = Door(tmp_path, Unavailable("database_unavailable", "away"))
    assert (door.status(small()), door.told) == (0, [])
    door = Door(tmp_path)
    door.status(nested(100))
    assert [(r.actor, r.code, r.route, r.files, r.address) for r in door.told] == [
        ("ae:MR1", "nested_too_deep", "C-STORE", 1, None)
    ]
    assert door.refusals.answer(Instance()) == 0


def test_a_refusal_that_orthanc_never_asked_about_does_not_hit_the_next_instance(tmp_path: Path) -> None:
    """The association broke between the two hooks."""
    door = Door(tmp_path)
    door.ingest.on_received(nested(100), 2)
    door.ingest.on_received(small(SOPInstanceUID=None), 4)
    assert door.refusals.answer(Instance()) == 0


def test_a_calling_title_that_cannot_be_read_does_not_hide_the_refusal(tmp_path: Path) -> None:
    """Audited as from some modality."""
    door = Door(tmp_path)
    assert door.status(nested(100), calling=None) == 0xC000
    assert [refusal.actor for refusal in door.told] == ["modality"]


def test_a_report_of_ours_that_comes_back_does_no_harm(tmp_path: Path) -> None:
    """While the archive has it, it keeps that one; one that was replaced or withdrawn stays out of the study."""
    ours, data = RefusedInstance("own_document", "a report of ours"), small()
    assert Door(tmp_path, ours, Holding(True)).status(data) == 0
    assert list(tmp_path.iterdir()) == []
    assert Door(tmp_path, ours, Holding(False)).status(data) == 0xB000
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [data]


def test_a_quarantine_that_cannot_be_written_makes_the_sender_hear_a_failure(tmp_path: Path) -> None:
    """Neither lost with a success nor let into the server: out of resources, so that it is sent again."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert Door(blocked / "quarantine").status(nested(100)) == 0xA700


@pytest.mark.parametrize("error", [Unavailable("database_unavailable", "away"), RuntimeError("defect")])
def test_an_instance_that_cannot_be_judged_is_kept(tmp_path: Path, error: Exception) -> None:
    """A database that is down, or a defect of ours, never costs an image."""
    assert hooks(tmp_path, error).on_received(small(), 2) == (Action.KEEP_AS_IS, None)


def test_what_is_harmless_but_unstorable_is_left_to_orthanc(tmp_path: Path) -> None:
    """No quarantine for a file that merely lacks a UID."""
    from ehr_bridge.errors import RefusedInstance

    answer = hooks(tmp_path, RefusedInstance("missing_uid", "no UID")).on_received(small(), 2)
    assert answer == (Action.KEEP_AS_IS, None)
    assert list(tmp_path.iterdir()) == []
