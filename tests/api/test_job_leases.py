"""Two nodes and one job: who carries it on when one of them is killed or pauses. No image is lost at any moment."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest

from ehr_bridge.services.jobs.spool import Spool
from ehr_bridge.services.modifying import runner
from ehr_bridge.services.modifying.attempts import LEASE
from tests.api.conftest import Api
from tests.api.interrupted_steps import KILLED, KilledAt
from tests.api.tag_steps import files, job, jobs, modify, rows, said, store, undo

ENDED = LEASE + timedelta(seconds=1)


def images(*data: bytes) -> set[str]:
    return {pydicom.dcmread(io.BytesIO(one)).SOPInstanceUID for one in data}


def spooled(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in (folder / "modifying").glob("*.dcm")]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 7))
@pytest.mark.parametrize("changes", [{"StudyDate": "20260201"}, {"PatientID": "P-2"}])
def test_what_a_killed_node_left_another_finishes(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], at: int, after: bool
) -> None:
    """When the lease has ended, and not before; also the image that was out of the archive just then, from the folder
    that they share."""
    one, other = tmp_path / "one", tmp_path / "other"
    uid = store(api, 3)
    before = files(api)
    asked = modify(api, uid, **changes)
    monkeypatch.setattr(runner, "AT_ONCE", 1)
    killed = KilledAt(api, at, after)
    with pytest.raises(KILLED):
        jobs(api, one, shared=tmp_path).run()
    killed.off()
    left = files(api)
    jobs(api, other, shared=tmp_path).run()
    assert files(api) == left and job(api, asked["id"])["status"] == "running"
    jobs(api, other, ENDED, tmp_path).run()
    ended = job(api, asked["id"])
    assert (ended["status"], ended["number_done"]) == ("succeeded", 3)
    assert len(files(api)) == 3 and rows(api) == set(files(api))
    assert images(*files(api).values()) == images(*before.values())
    assert all(said(api, keyword) == {value} for keyword, value in changes.items())
    undo(api, asked["id"])
    jobs(api, one, 2 * ENDED, tmp_path).run()
    assert files(api) == before


@pytest.mark.parametrize("at", range(1, 7))
def test_an_image_in_a_folder_that_is_not_shared_waits_for_its_node(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """An image that was out of the archive just then lies in the folder of the dead node: the job says so, and ends
    when that node is back."""
    one, other, changes = tmp_path / "one", tmp_path / "other", {"StudyDate": "20260201"}
    uid = store(api, 3)
    before = files(api)
    asked = modify(api, uid, StudyDate="20260201")
    monkeypatch.setattr(runner, "AT_ONCE", 1)
    killed = KilledAt(api, at, after=False)
    with pytest.raises(KILLED):
        jobs(api, one).run()
    killed.off()
    left = files(api)
    jobs(api, other).run()
    assert files(api) == left and job(api, asked["id"])["status"] == "running"
    jobs(api, other, ENDED).run()
    assert images(*files(api).values(), *spooled(one)) == images(*before.values())
    ended = job(api, asked["id"])
    if images(*left.values()) == images(*before.values()):
        assert ended["status"] == "succeeded"
        assert spooled(one), "of no use any more, and in nobody's way"
    else:
        assert (ended["status"], ended["error_code"]) == ("running", "image_elsewhere")
        assert api.services.system.stuck_jobs() == 1
        modify(api, uid, 409, StudyDate="20260203")
    assert jobs(api, one, ENDED).run() == 0
    assert job(api, asked["id"])["status"] == "succeeded" and api.services.system.stuck_jobs() == 0
    assert len(files(api)) == 3 and rows(api) == set(files(api))
    assert all(said(api, keyword) == {value} for keyword, value in changes.items())
    undo(api, asked["id"])
    jobs(api, other, ENDED).run()
    assert files(api) == before


def test_what_a_node_has_just_prepared_no_other_clears_away(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is in the folder a moment before its row."""
    one, other = tmp_path / "one", tmp_path / "other"
    uid = store(api, 2)
    asked = modify(api, uid, PatientID="P-2")
    really = Spool.put

    def put(spool: Spool, *arguments: Any) -> None:
        really(spool, *arguments)
        jobs(api, other, shared=tmp_path)._keeper.release()
        assert arguments[0] in spool.names()

    monkeypatch.setattr(Spool, "put", put)
    jobs(api, one, shared=tmp_path).run()
    assert job(api, asked["id"])["status"] == "succeeded"
    (tmp_path / "modifying" / "killed.part").write_bytes(b"half")
    jobs(api, other, timedelta(hours=2), tmp_path).run()
    assert [path.name for path in (tmp_path / "modifying").iterdir()] == []


def test_a_node_that_starts_while_another_undoes_its_job_puts_nothing_back(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its spool still has the images that it moved to the new patient; the other takes them away as it looks."""
    one, other = tmp_path / "one", tmp_path / "other"
    uid = store(api, 3)
    before = files(api)
    asked = modify(api, uid, PatientID="P-2")
    jobs(api, one).run()
    undo(api, asked["id"])
    really, undone = api.archive.read, list[int]()

    def read(orthanc_instance_id: str) -> bytes:
        if not undone:
            undone.append(1)
            jobs(api, other).run()
        return really(orthanc_instance_id)

    monkeypatch.setattr(api.archive, "read", read)
    jobs(api, one).run()
    assert undone and files(api) == before


def test_a_node_that_slept_finds_its_job_taken(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops before the next image, and leaves the other's work alone."""
    one, other = tmp_path / "one", tmp_path / "other"
    uid = store(api, 3)
    before = files(api)
    asked = modify(api, uid, PatientID="P-2")
    monkeypatch.setattr(runner, "AT_ONCE", 1)
    sleeper = jobs(api, one)
    really, slept = Spool.put, list[int]()

    def put(spool: Spool, *arguments: Any) -> None:
        really(spool, *arguments)
        if not slept:
            slept.append(1)
            jobs(api, other, ENDED).run()
            sleeper._clock = lambda: api.services.clock() + ENDED

    monkeypatch.setattr(Spool, "put", put)
    assert sleeper.run() == 0
    assert job(api, asked["id"])["status"] == "succeeded"
    assert said(api, "PatientID") == {"P-2"} and rows(api) == set(files(api))
    undo(api, asked["id"])
    jobs(api, one, 2 * ENDED).run()
    assert files(api) == before


def test_the_same_node_goes_on_at_once(api: Api, tmp_path: Path) -> None:
    """After its own restart there is nobody to wait for."""
    asked = modify(api, store(api, 3), PatientID="P-2")
    killed = KilledAt(api, 2, True)
    with pytest.raises(KILLED):
        jobs(api, tmp_path).run()
    killed.off()
    assert jobs(api, tmp_path).run() == 0
    assert job(api, asked["id"])["status"] == "succeeded"


def test_the_last_look_of_a_killed_node_is_another_nodes(api: Api, tmp_path: Path) -> None:
    """What came while the job ran gets its values, whoever looks for it."""
    one, other = tmp_path / "one", tmp_path / "other"
    uid = store(api, 1)
    asked = modify(api, uid, StudyDate="20260201")
    jobs(api, one).run()
    assert job(api, asked["id"])["status"] == "succeeded"
    with api.services.database.read() as session:
        before = session.connection().exec_driver_sql("SELECT swept_at FROM modifications").scalar()
    assert before is None
    jobs(api, other, ENDED).run()
    with api.services.database.read() as session:
        assert session.connection().exec_driver_sql("SELECT swept_at FROM modifications").scalar() is not None


def test_who_takes_a_job_over_looks_at_every_image_again(api: Api, tmp_path: Path) -> None:
    """Also at those that this node has looked at while the job was queued."""
    uid = store(api, 3)
    asked = modify(api, uid, StudyDate="20260201")
    other = jobs(api, tmp_path / "other")
    while len(other._looked_at.get(uuid.UUID(asked["id"]), ())) < 2:
        other.run(0)
    killed = KilledAt(api, 3, True)
    with pytest.raises(KILLED):
        jobs(api, tmp_path / "one").run()
    killed.off()
    other._clock = lambda: api.services.clock() + ENDED
    other.run()
    assert job(api, asked["id"])["error_code"] in (None, "image_elsewhere")
    jobs(api, tmp_path / "one", ENDED).run()
    assert job(api, asked["id"])["status"] == "succeeded"
    assert said(api, "StudyDate") == {"20260201"}
