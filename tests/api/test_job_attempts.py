"""Jobs that raise what nobody foresaw: counted, ended or shown, tried again or given up; never silently let go."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.services.jobs.replacing import replace
from ehr_bridge.services.modifying import job_files, runner
from ehr_bridge.services.modifying.attempts import MOST_ATTEMPTS, pause_after
from ehr_bridge.services.modifying.new_files import new_form
from tests.api.conftest import Api
from tests.api.tag_steps import files, job, jobs, modify, rows, said, store, undo

SECRET = "PATIENT^NAME"
DAY = timedelta(days=1)


def broken(*_: Any) -> None:
    raise ZeroDivisionError(SECRET)


def attempt(api: Api, folder: Path, times: int = MOST_ATTEMPTS) -> None:
    """So many attempts, each after its pause."""
    later = timedelta()
    for number in range(1, times + 1):
        jobs(api, folder, later).run()
        later += pause_after(number)


def attention(api: Api) -> dict[str, int]:
    return {each["code"]: each["count"] for each in api.get("/api/v1/system", "admin").json["attention"]}


def decide(api: Api, job_id: str, decision: str, status: int = 202, role: str = "admin") -> dict[str, Any]:
    path = f"/api/v1/jobs/{job_id}/{decision}"
    answer = api.call("POST", path, role, json={"reason": "looked at it"})
    assert answer.status_code == status, answer.json
    return dict(answer.json)


def actions(api: Api) -> list[str]:
    items = api.get("/api/v1/audit", "admin").json["items"]
    return [each["action"] for each in reversed(items) if each["action"].startswith("study.job")]


class Breaks:
    """`replace`, broken for the n-th image and those after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self._really, self._patch, self._at, self.calls = replace, monkeypatch, at, 0
        monkeypatch.setattr(job_files, "replace", self)

    def __call__(self, *arguments: Any, **named: Any) -> None:
        self.calls += 1
        if self.calls >= self._at:
            broken()
        self._really(*arguments, **named)

    def mend(self) -> None:
        self._patch.setattr(job_files, "replace", self._really)


def half(api: Api, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, dict[str, bytes], Breaks]:
    """A study whose job has changed one image of three and cannot go on: its UID, the job, its files before."""
    uid = store(api, 3)
    before = files(api)
    asked = modify(api, uid, PatientID="P-2")
    monkeypatch.setattr(runner, "AT_ONCE", 1)
    breaks = Breaks(monkeypatch, 2)
    attempt(api, folder)
    return uid, asked["id"], before, breaks


def test_a_job_that_touched_nothing_fails_after_its_attempts_and_lets_its_study_go(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What it raised stands there without a word of the message; whoever comes next is not held up."""
    uid = store(api, 2)
    before = files(api)
    asked = modify(api, uid, StudyDate="20260201")
    monkeypatch.setattr(job_files, "new_form", broken)
    attempt(api, tmp_path, MOST_ATTEMPTS - 1)
    assert job(api, asked["id"])["status"] == "queued" and attention(api) == {}
    modify(api, uid, 409, StudyDate="20260202")
    monkeypatch.undo()
    monkeypatch.setattr(job_files, "new_form", broken)
    jobs(api, tmp_path, DAY).run()
    ended = job(api, asked["id"])
    assert (ended["status"], ended["error_code"], files(api)) == ("failed", "unexpected_error", before)
    assert ended["error_message"]
    (named,) = api.get("/api/v1/system", "admin").json["failed_jobs"]
    assert named["failure"].startswith("ZeroDivisionError") and SECRET not in named["failure"]
    assert SECRET not in caplog.text and asked["id"] in caplog.text
    assert attention(api) == {"jobs_failed": 1}
    monkeypatch.setattr(job_files, "new_form", new_form)
    modify(api, uid, StudyDate="20260202")
    assert jobs(api, tmp_path, DAY).run() == 0
    assert said(api, "StudyDate") == {"20260202"} and attention(api) == {}
    assert decide(api, asked["id"], "retry", 409)["code"] == "job_state"


def test_a_job_rests_between_its_attempts_and_the_others_go_on(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seconds, four, eight …"""
    asked = modify(api, store(api, 1), StudyDate="20260201")
    calls: list[int] = []

    def picky(job: Modification, *arguments: Any) -> Any:
        if str(job.id) == asked["id"]:
            calls.append(1)
            broken()
        return new_form(job, *arguments)

    monkeypatch.setattr(job_files, "new_form", picky)
    now = api.services.clock()
    worker = jobs(api, tmp_path)

    def run_at(seconds: float) -> tuple[int, int]:
        worker._clock = lambda: now + timedelta(seconds=seconds)
        return worker.run(), len(calls)

    assert run_at(0) == (1, 1)
    assert run_at(1.9) == (0, 1)
    other = modify(api, store(api, 1), StudyDate="20260203")
    assert run_at(2) == (1, 2)
    assert job(api, other["id"])["status"] == "succeeded"
    assert run_at(5.9) == (0, 2)
    assert run_at(6) == (1, 3)


def test_a_failed_job_can_be_tried_again(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an administrator, with a reason."""
    asked = modify(api, store(api, 1), StudyDate="20260201")
    with monkeypatch.context() as patch:
        patch.setattr(job_files, "new_form", broken)
        attempt(api, tmp_path)
    decide(api, asked["id"], "retry", 403, "technician")
    decide(api, asked["id"], "give-up", 409)
    again = decide(api, asked["id"], "retry")
    assert (again["status"], again["error_code"], again["finished_at"]) == ("queued", None, None)
    assert jobs(api, tmp_path).run() == 0
    assert job(api, asked["id"])["status"] == "succeeded" and said(api, "StudyDate") == {"20260201"}
    assert actions(api) == ["study.job_retried"]
    assert decide(api, asked["id"], "retry", 409)["code"] == "job_state"


def test_a_study_that_is_half_old_and_half_new_is_held_and_shown(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody carries it on, and nobody else may touch it, until somebody decides; then it goes on where it was."""
    uid, asked, _, breaks = half(api, tmp_path, monkeypatch)
    calls = breaks.calls
    stuck = job(api, asked)
    assert (stuck["status"], stuck["error_code"], stuck["number_done"]) == ("running", "unexpected_error", 1)
    assert said(api, "PatientID") == {"P-1", "P-2"} or len(said(api, "PatientID")) == 2
    assert attention(api) == {"jobs_stuck": 1}
    system = api.get("/api/v1/system", "admin").json
    assert system["queue"]["jobs"] == {"waiting": 0, "running": 0, "failed": 0, "stuck": 1}
    assert [(each["id"], each["status"]) for each in system["failed_jobs"]] == [(asked, "running")]
    assert api.services.system.stuck_jobs() == 1
    modify(api, uid, 409, StudyDate="20260202")
    jobs(api, tmp_path, DAY).run()
    assert breaks.calls == calls, "it is left to a person"
    breaks.mend()
    decide(api, asked, "retry")
    assert jobs(api, tmp_path, DAY).run() == 0
    assert (job(api, asked)["status"], job(api, asked)["error_code"]) == ("succeeded", None)
    assert said(api, "PatientID") == {"P-2"} and rows(api) == set(files(api))
    assert attention(api) == {} and api.services.system.stuck_jobs() == 0


def test_a_job_that_is_given_up_puts_every_file_back(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the byte; the study is free again, and everything is in the trail."""
    uid, asked, before, breaks = half(api, tmp_path, monkeypatch)
    assert files(api) != before
    decide(api, asked, "give-up", 403, "radiologist")
    breaks.mend()
    decide(api, asked, "give-up")
    jobs(api, tmp_path, DAY).run()
    assert jobs(api, tmp_path, DAY).run() == 0
    assert files(api) == before and rows(api) == set(files(api))
    assert (job(api, asked)["status"], job(api, asked)["error_code"]) == ("partial", "given_up")
    assert attention(api) == {}
    assert actions(api) == ["study.job_given_up"]
    modify(api, uid, StudyDate="20260202")
    jobs(api, tmp_path, DAY).run()
    assert said(api, "StudyDate") == {"20260202"}


def test_a_job_that_is_given_up_before_its_first_image_has_failed(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running, and nothing is changed; what arrives from now on keeps its values."""
    uid = store(api, 2)
    before = files(api)
    asked = modify(api, uid, StudyDate="20260201")
    breaks = Breaks(monkeypatch, 1)
    attempt(api, tmp_path)
    assert job(api, asked["id"])["status"] == "running"
    breaks.mend()
    decide(api, asked["id"], "give-up")
    assert jobs(api, tmp_path, DAY).run() == 0
    ended = job(api, asked["id"])
    assert (ended["status"], ended["error_code"], files(api)) == ("failed", "given_up", before)
    assert undo(api, asked["id"], 409)["code"] == "cannot_undo"
    store(api, 1, StudyInstanceUID=uid)
    assert "20260201" not in said(api, "StudyDate")


def test_an_undo_that_has_begun_is_not_given_up(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be tried again, and leads back to the former files."""
    uid = store(api, 2)
    before = files(api)
    asked = modify(api, uid, PatientID="P-2")
    jobs(api, tmp_path).run()
    taken_back = undo(api, asked["id"])
    breaks = Breaks(monkeypatch, 2)
    attempt(api, tmp_path)
    assert decide(api, taken_back["id"], "give-up", 409)["code"] == "job_state"
    breaks.mend()
    decide(api, taken_back["id"], "retry")
    assert jobs(api, tmp_path, DAY).run() == 0
    assert files(api) == before


@pytest.mark.parametrize("decision", ["retry", "give-up"])
def test_a_job_that_is_well_is_nobodys_to_decide_on(api: Api, decision: str) -> None:
    """409; and 404 for one that is not."""
    asked = modify(api, store(api, 1), StudyDate="20260201")
    assert decide(api, asked["id"], decision, 409)["code"] == "job_state"
    assert decide(api, "8a3c1f52-6c5b-4a3e-9d0c-5ad6f0b5a7d1", decision, 404)["code"] == "job_not_found"
