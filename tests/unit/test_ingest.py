"""Orthanc's ingest hooks with a stand-in for Orthanc: they never raise, and never discard what is not safe."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from ehr_bridge.errors import Unavailable
from plugin.ingest import Ingest
from plugin.quarantine import Quarantine
from tests.support.samples import nested, small


class Action(Enum):
    KEEP_AS_IS = 1
    MODIFY = 2
    DISCARD = 3


class FakeOrthanc:
    ReceivedInstanceAction = Action


class NothingUnderWay:
    def is_storing(self) -> bool:
        return False


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


def hooks(folder: Path, error: Exception | None = None) -> Ingest:
    return Ingest(FakeOrthanc(), Intake(error), NothingUnderWay(), Quarantine(folder), lambda arrival: None)  # type: ignore[arg-type]


def test_bytes_that_would_kill_orthanc_go_to_quarantine_once(tmp_path: Path) -> None:
    """From a modality: kept on disk, then discarded; the same bytes are kept once."""
    data = nested(100)
    for _ in range(2):
        assert hooks(tmp_path).on_received(data, 2) == (Action.DISCARD, None)
    files = list(tmp_path.iterdir())
    assert [path.read_bytes() for path in files] == [data]


def test_a_quarantine_that_cannot_be_written_makes_the_sender_hear_a_failure(tmp_path: Path) -> None:
    """Neither lost with a success nor let into the server."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert hooks(blocked / "quarantine").on_received(nested(100), 2) == (Action.MODIFY, None)


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
