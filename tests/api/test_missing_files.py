"""Jobs that meet an image whose file is gone or cannot be read: they end and say so; not silently, not for ever."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest

from ehr_bridge.services.jobs.replacing import replace
from ehr_bridge.services.modifying import job_files
from ehr_bridge.services.modifying.attempts import MOST_ATTEMPTS, pause_after
from tests.api.conftest import Api
from tests.api.tag_steps import files, job, jobs, modify, said, store, undo
from tests.support.samples import small


def unreadable(api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception, *names: str) -> None:
    """The archive still lists these images."""
    read, opened = api.archive.read, api.archive.open

    def cannot_read(name: str) -> bytes:
        if name in names and name in api.archive.instances:
            raise LookupError(name)
        return read(name)

    def cannot_open(name: str) -> io.BufferedIOBase:
        if name in names and name in api.archive.instances:
            raise error
        return opened(name)

    monkeypatch.setattr(api.archive, "read", cannot_read)
    monkeypatch.setattr(api.archive, "open", cannot_open)


def test_an_image_that_is_lost_does_not_keep_the_others_from_being_corrected(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job names what it could not change, once, and its undo restores the others."""
    uid = store(api, 3)
    before = files(api)
    lost = sorted(before)[1]
    with monkeypatch.context() as patch:
        unreadable(api, patch, FileNotFoundError(), lost)
        asked = modify(api, uid, PatientName="Berg^Ida")
        assert jobs(api, tmp_path).run() == 0
        ended = job(api, asked["id"])
        assert (ended["status"], ended["error_code"], ended["number_done"]) == ("partial", "file_missing", 2)
        assert jobs(api, tmp_path, timedelta(seconds=11)).run() == 0
        assert job(api, asked["id"]) | {"updated_at": ""} == ended | {"updated_at": ""}
        assert {name for name, data in files(api).items() if data == before[name]} == {lost}
        back = undo(api, asked["id"])
        for seconds in (22, 33):
            assert jobs(api, tmp_path, timedelta(seconds=seconds)).run() == 0
        assert job(api, back["id"])["status"] in ("partial", "succeeded")
    assert files(api) == before


def test_an_image_that_is_lost_under_the_job_s_hands_is_there_again(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job has read it before, and has its new form."""
    uid = store(api, 1)
    ((name, data),) = files(api).items()

    def loses(*arguments: object, **named: object) -> None:
        unreadable(api, monkeypatch, FileNotFoundError(), name)
        delete = api.archive.delete

        def found_again(gone: str) -> None:
            monkeypatch.undo()
            delete(gone)

        monkeypatch.setattr(api.archive, "delete", found_again)
        replace(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(job_files, "replace", loses)
    asked = modify(api, uid, PatientName="Berg^Ida")
    assert jobs(api, tmp_path).run() == 0
    assert job(api, asked["id"])["status"] == "succeeded"
    assert said(api, "PatientName") == {"Berg^Ida"} and files(api) != {name: data}


def test_a_disk_that_is_not_mounted_is_waited_for(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No job says of images that it has not seen that they are changed."""
    uid = store(api, 2)
    asked = modify(api, uid, PatientName="Berg^Ida")
    with monkeypatch.context() as patch:
        unreadable(api, patch, NotADirectoryError(), *files(api))
        with pytest.raises(Exception, match="disk with the images"):
            jobs(api, tmp_path).run()
        assert job(api, asked["id"])["status"] == "queued"
    assert jobs(api, tmp_path).run() == 0
    assert (job(api, asked["id"])["status"], said(api, "PatientName")) == ("succeeded", {"Berg^Ida"})


def test_a_file_that_cannot_be_read_ends_the_job_after_its_attempts(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was changed; an administrator finds it among the failed jobs, and can retry it."""
    uid = store(api, 2)
    before = files(api)
    unreadable(api, monkeypatch, OSError(5, "input/output error"), sorted(before)[1])
    asked, later = modify(api, uid, PatientName="Berg^Ida"), timedelta()
    for number in range(1, MOST_ATTEMPTS + 1):
        jobs(api, tmp_path, later).run()
        later += pause_after(number)
    ended = job(api, asked["id"])
    assert (ended["status"], ended["error_code"]) == ("failed", "unexpected_error")
    assert files(api) == before


def test_a_lost_image_that_comes_again_is_taken_though_it_was_corrected_since(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No sender has the corrected bytes: what comes gets the correction again, and the audit trail says that the bytes
    are others."""
    data = small()
    uid = api.upload(data).json["studies"][0]["study_instance_uid"]
    modify(api, uid, PatientName="Berg^Ida")
    for seconds in (0, 11):
        assert jobs(api, tmp_path, timedelta(seconds=seconds)).run() == 0
    (name,) = files(api)
    with monkeypatch.context() as patch:
        unreadable(api, patch, FileNotFoundError(), name)
        assert api.upload(data).json["instances"][0]["status"] == "stored"
    assert said(api, "PatientName") == {"Berg^Ida"}
    (event,) = api.get("/api/v1/audit?action=study.file_restored", "admin").json["items"]
    assert (event["detail"]["code"], event["detail"]["is_as_stored"]) == ("missing", False)
