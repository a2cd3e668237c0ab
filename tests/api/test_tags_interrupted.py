"""Modifying stored studies when something goes wrong: killed, away, refused, changed behind our back."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest

from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.services.archive.storing import Stored
from ehr_bridge.services.jobs.spool import Spool
from ehr_bridge.services.jobs.spool_keeping import KEPT_FOR, SpoolKeeper
from tests.api.conftest import Api
from tests.api.interrupted_steps import KILLED, KilledAt
from tests.api.tag_steps import files, job, jobs, modify, rows, said, store, undo
from tests.support.samples import unrecodable


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 5))
@pytest.mark.parametrize("changes", [{"StudyDate": "20260201"}, {"PatientID": "P-2"}])
def test_killed_at_any_step_loses_no_image_and_the_job_ends(
    api: Api, tmp_path: Path, changes: dict[str, Any], at: int, after: bool
) -> None:
    """At every moment each image is in the archive or whole in the spool; after the start the job goes on."""
    uid = store(api, 2)
    before = files(api)
    asked = modify(api, uid, **changes)
    killed = KilledAt(api, at, after)
    with pytest.raises(KILLED):
        jobs(api, tmp_path).run()
    killed.off()
    kept = [*files(api).values(), *(p.read_bytes() for p in (tmp_path / "modifying").glob("*.dcm"))]
    names = {pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID for data in kept}
    assert names == {pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID for data in before.values()}
    assert jobs(api, tmp_path).run() == 0
    assert (job(api, asked["id"])["status"], job(api, asked["id"])["number_done"]) == ("succeeded", 2)
    assert len(files(api)) == 2 and rows(api) == set(files(api))
    assert all(said(api, keyword) == {value} for keyword, value in changes.items())
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    assert files(api) == before


def test_an_archive_that_forgot_after_a_power_cut_gets_its_images_back(api: Api, tmp_path: Path) -> None:
    """The index was not on the disk yet: the spool still has the file. After two minutes it lets go of it."""
    uid = store(api, 3)
    asked = modify(api, uid, PatientID="P-2")
    jobs(api, tmp_path).run()
    modified = files(api)
    api.archive.instances.popitem()
    jobs(api, tmp_path).run()
    assert files(api) == modified
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    former = files(api)
    jobs(api, tmp_path).run()
    assert files(api) == former, "what was undone does not come back"
    assert len(list((tmp_path / "modifying").glob("*.dcm"))) == 6
    jobs(api, tmp_path, KEPT_FOR + timedelta(seconds=1)).run()
    assert list((tmp_path / "modifying").glob("*.dcm")) == []


def test_another_node_leaves_what_is_prepared_slowly(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the images of a study take: what has a row is no leftover."""
    uid = store(api, 3)
    asked = modify(api, uid, PatientID="P-2")
    really = Spool.put

    def slowly(self: Spool, *image: Any) -> None:
        SpoolKeeper(api.services.database, api.archive, self, lambda: api.services.clock() + 2 * KEPT_FOR).release()
        really(self, *image)

    with monkeypatch.context() as patched:
        patched.setattr(Spool, "put", slowly)
        jobs(api, tmp_path).run()
    assert len(list((tmp_path / "modifying").glob("*.dcm"))) == 3
    jobs(api, tmp_path).run()
    assert (job(api, asked["id"])["status"], job(api, asked["id"])["number_done"]) == ("succeeded", 3)


def test_killed_while_the_spool_was_written_starts_that_image_again(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger has the row, the disk not the file: the archive was not touched."""
    uid = store(api, 1)
    before = files(api)
    modify(api, uid, StudyDate="20260201")

    def pulled(*_: Any) -> None:
        raise KILLED

    monkeypatch.setattr(Spool, "put", pulled)
    with pytest.raises(KILLED):
        jobs(api, tmp_path).run()
    assert files(api) == before
    monkeypatch.undo()
    assert jobs(api, tmp_path).run() == 0
    assert said(api, "StudyDate") == {"20260201"}


def test_an_archive_or_a_folder_that_is_away_only_delays_the_job(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job waits and goes on by itself."""
    uid = store(api, 2)
    before = files(api)
    asked = modify(api, uid, StudyDate="20260201")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "put", full)
    with pytest.raises(Unavailable):
        jobs(api, tmp_path).run()
    assert (job(api, asked["id"])["status"], files(api)) == ("running", before)
    monkeypatch.undo()
    api.archive.refuses = Unavailable("archive_unavailable", "away")
    with pytest.raises(Unavailable):
        jobs(api, tmp_path).run()
    api.archive.refuses = None
    assert jobs(api, tmp_path).run() == 0
    assert job(api, asked["id"])["status"] == "succeeded"
    assert said(api, "StudyDate") == {"20260201"} and len(files(api)) == 2


def test_an_archive_that_refuses_the_new_file_gets_the_old_one_back(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image stays as it was, and the job says so."""
    uid = store(api, 1)
    before = files(api)
    asked = modify(api, uid, StudyDate="20260201")
    really = api.archive.store

    def picky(data: bytes) -> Stored:
        if b"20260201" in data:
            raise RefusedInstance("refused_by_archive", "no")
        return really(data)

    monkeypatch.setattr(api.archive, "store", picky)
    assert jobs(api, tmp_path).run() == 0
    assert files(api) == before
    ended = job(api, asked["id"])
    assert (ended["status"], ended["error_code"], ended["number_done"]) == ("partial", "refused_by_archive", 0)


def test_a_study_of_which_one_image_cannot_be_modified_is_left_as_it_is(api: Api, tmp_path: Path) -> None:
    """No half-modified study: the job fails before it begins, and a better request may follow."""
    uid = store(api, 2)
    assert api.upload(unrecodable(StudyInstanceUID=uid)).status_code == 201
    before = files(api)
    asked = modify(api, uid, PatientName="Öberg^Kaj")
    assert jobs(api, tmp_path).run() == 0
    failed = job(api, asked["id"])
    assert (failed["status"], failed["error_code"]) == ("failed", "cannot_recode")
    assert failed["error_message"]
    assert files(api) == before
    assert undo(api, asked["id"], 409)["code"] == "cannot_undo"
    modify(api, uid, PatientName="Oberg^Kaj")
    jobs(api, tmp_path).run()
    assert said(api, "PatientName") == {"Oberg^Kaj"}


def test_undo_refuses_a_file_that_is_not_the_one_it_left(api: Api, tmp_path: Path) -> None:
    """Somebody else changed the archive: nothing is overwritten."""
    uid = store(api, 1)
    asked = modify(api, uid, StudyDate="20260201")
    jobs(api, tmp_path).run()
    (instance_id,) = files(api)
    api.archive.instances[instance_id] = files(api)[instance_id][:-2] + b"\7\7"
    foreign = files(api)
    taken_back = undo(api, asked["id"])
    jobs(api, tmp_path).run()
    ended = job(api, taken_back["id"])
    assert (ended["status"], ended["error_code"]) == ("failed", "changed_since")
    assert files(api) == foreign


def test_a_job_goes_on_where_its_time_was_over(api: Api, tmp_path: Path) -> None:
    """A little at a time, so that the worker's other chores have their turn."""
    uid = store(api, 3)
    asked = modify(api, uid, StudyDate="20260201")
    worker = jobs(api, tmp_path)
    assert worker.run(0) == 1
    rounds = 0
    while worker.run(0):
        rounds += 1
        assert rounds < 50
    assert job(api, asked["id"])["status"] == "succeeded"
    assert said(api, "StudyDate") == {"20260201"}
