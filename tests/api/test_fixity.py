"""What becomes of a damaged file: it is found, told once, and shown until it is whole; on both databases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.archive.file_digests import ledger_digest, stored_digest
from ehr_bridge.services.fixity.rounds import FixityRounds
from tests.api.conftest import Api
from tests.api.tag_steps import jobs, modify, store

DAYS = 30.0


class Checks(FixityRounds):
    """With a clock that can be put forward, and all the time they need."""

    def __init__(self, api: Api) -> None:
        self.later = timedelta()
        super().__init__(api.services.database, api.archive, self.now, DAYS)
        self._services = api.services
        self.run()

    def now(self) -> datetime:
        return self._services.clock() + self.later

    def run(self, seconds: float = 60) -> None:
        for _ in range(3):
            super().run(seconds)

    def a_round_later(self) -> None:
        self.later += timedelta(days=DAYS)
        self.run()

    def an_hour_later(self) -> None:
        self.later += timedelta(hours=1, seconds=1)
        self.run()


@pytest.fixture
def uid(api: Api) -> str:
    """A study of three images, all recorded."""
    uid = store(api)
    api.services.recorder.settle()
    return uid


@pytest.fixture
def checks(api: Api, uid: str) -> Checks:
    """Every file was read once."""
    return Checks(api)


def fixity(api: Api) -> dict[str, Any]:
    return dict(api.get("/api/v1/system", "admin").json["fixity"])


def told(api: Api, uid: str) -> list[tuple[str, str | None]]:
    """What a study's history says of its files."""
    steps = api.get(f"/api/v1/dicom/studies/{uid}/history", "nurse").json["items"]
    return [
        (step["action"].removeprefix("study.file_"), step["detail"].get("code"))
        for step in steps
        if step["action"].startswith("study.file_")
    ]


def digests(api: Api) -> dict[str, str | None]:
    with api.services.database.read() as session:
        return {i.orthanc_instance_id: i.stored_digest for i in session.scalars(select(Instance))}


def flip(api: Api, name: str) -> bytes:
    """Change the last bit of a file; how it was."""
    former = api.archive.instances[name]
    api.archive.instances[name] = former[:-1] + bytes([former[-1] ^ 1])
    return former


@contextmanager
def unreadable(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that answers with errors."""

    def fail(_name: str) -> Any:
        raise OSError("Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(api.archive, "open", fail)
        yield


def test_whole_files_are_read_and_nobody_hears_of_them(api: Api, uid: str, checks: Checks) -> None:
    """Their digests are known from then on."""
    assert digests(api) == {name: stored_digest(data) for name, data in api.archive.instances.items()}
    checks.a_round_later()
    said = fixity(api)
    assert (said["damaged"], said["latest"], said["days"]) == (0, [], DAYS)
    assert told(api, uid) == []


def test_a_file_that_changed_is_told_once_and_shown_until_it_is_restored(api: Api, uid: str, checks: Checks) -> None:
    """One bit of one image."""
    name = next(iter(api.archive.instances))
    former = flip(api, name)
    checks.run()
    assert fixity(api)["damaged"] == 0, "its turn has not come"
    checks.a_round_later()
    said = fixity(api)
    assert said["damaged"] == 1
    (shown,) = said["latest"]
    assert (shown["study_instance_uid"], shown["orthanc_instance_id"]) == (uid, name)
    for _ in range(3):
        checks.an_hour_later()
    assert told(api, uid) == [("damaged", "changed")]
    assert fixity(api)["latest"][0]["damaged_at"] > shown["damaged_at"], "when it was last seen so"
    api.archive.instances[name] = former
    checks.run()
    assert fixity(api)["damaged"] == 1, "nobody has looked yet"
    checks.an_hour_later()
    assert (fixity(api)["damaged"], told(api, uid)) == (0, [("damaged", "changed"), ("restored", None)])
    assert api.get("/api/v1/audit/verify", "admin").json["ok"]


def test_the_event_names_the_file_and_nobody(api: Api, uid: str, checks: Checks) -> None:
    """Ids, by which it is found on the disk and in the backup."""
    name = next(iter(api.archive.instances))
    flip(api, name)
    checks.a_round_later()
    (event,) = api.get("/api/v1/audit?action=study.file_damaged", "admin").json["items"]
    assert (event["study_instance_uid"], event["actor"]) == (uid, "ehr-bridge")
    assert set(event["detail"]) == {"orthanc_instance_id", "sop_instance_uid", "code"}
    assert event["detail"]["orthanc_instance_id"] == name


def test_a_file_that_is_gone_is_missing(api: Api, uid: str, checks: Checks) -> None:
    """Also one that nobody had read before it went."""
    first, second, _ = api.archive.instances
    with api.services.database.write() as session:
        session.execute(update(Instance).where(Instance.orthanc_instance_id == second).values(stored_digest=None))
    gone = {name: api.archive.instances.pop(name) for name in (first, second)}
    checks.a_round_later()
    assert (fixity(api)["damaged"], told(api, uid)) == (2, [("damaged", "missing")] * 2)
    api.archive.instances |= gone
    checks.an_hour_later()
    assert fixity(api)["damaged"] == 0
    assert digests(api)[second] == stored_digest(gone[second])


def test_a_file_that_cannot_be_read_is_told_as_that(
    api: Api, uid: str, checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk may only need a moment."""
    with unreadable(api, monkeypatch):
        checks.a_round_later()
        assert told(api, uid) == [("damaged", "unreadable")] * 3
    checks.an_hour_later()
    assert fixity(api)["damaged"] == 0


def test_an_archive_that_does_not_answer_damages_nothing(
    api: Api, uid: str, checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot say what it has; what was due stays due."""
    flip(api, next(iter(api.archive.instances)))
    instances, api.archive.instances = api.archive.instances, {}
    api.archive.refuses = Unavailable("archive_unavailable", "away")
    with pytest.raises(Unavailable):
        checks.a_round_later()
    assert fixity(api)["damaged"] == 0
    api.archive.instances, api.archive.refuses = instances, None
    checks.run()
    assert told(api, uid) == [("damaged", "changed")]


def test_a_study_that_a_job_has_in_its_hands_is_left_alone(api: Api, uid: str, checks: Checks, tmp_path: Path) -> None:
    """Its files come and go; afterwards they are known in their new form."""
    modify(api, uid, StudyDate="20260201")
    name = next(iter(api.archive.instances))
    former = api.archive.instances.pop(name)
    checks.a_round_later()
    assert fixity(api)["damaged"] == 0
    api.archive.instances[name] = former
    jobs(api, tmp_path).run()
    checks.a_round_later()
    assert fixity(api)["damaged"] == 0, "it has not looked for stragglers yet"
    jobs(api, tmp_path, later=timedelta(minutes=1)).run()
    checks.a_round_later()
    assert (fixity(api)["damaged"], told(api, uid)) == (0, [])
    flip(api, name)
    checks.a_round_later()
    assert fixity(api)["damaged"] == 1


def test_what_the_ledger_says_of_a_file_counts(api: Api, uid: str, checks: Checks, tmp_path: Path) -> None:
    """A digest that was not brought up to date when a job replaced the file; but only the newest entry."""
    first = digests(api)
    for date in ("20260201", "20260202"):
        modify(api, uid, StudyDate=date)
        jobs(api, tmp_path).run()
        jobs(api, tmp_path, later=timedelta(minutes=1)).run()
        if date == "20260201":
            between = dict(api.archive.instances)
    with api.services.database.write() as session:
        for name, digest in first.items():
            session.execute(update(Instance).where(Instance.orthanc_instance_id == name).values(stored_digest=digest))
    name = next(iter(first))
    now, api.archive.instances[name] = api.archive.instances[name], between[name]
    checks.a_round_later()
    assert told(api, uid) == [("damaged", "changed")]
    assert [d for n, d in digests(api).items() if n != name] == [
        ledger_digest(hashlib.sha256(api.archive.instances[n]).hexdigest()) for n in digests(api) if n != name
    ]
    api.archive.instances[name] = now
    checks.an_hour_later()
    assert told(api, uid) == [("damaged", "changed"), ("restored", None)]


def test_a_deleted_study_needs_no_files(api: Api, uid: str, checks: Checks) -> None:
    """Neither one that was damaged before nor one that is purged."""
    first, second, _ = list(api.archive.instances)
    flip(api, first)
    checks.a_round_later()
    assert fixity(api)["damaged"] == 1
    path = f"/api/v1/dicom/studies/{uid}"
    assert api.call("DELETE", path, "radiologist", headers={"X-Reason": "sent twice"}).status_code == 202
    api.archive.instances.pop(second)
    checks.a_round_later()
    assert (fixity(api)["damaged"], fixity(api)["latest"]) == (0, [])
    with api.services.database.read() as session:
        damaged = session.scalars(select(Instance.orthanc_instance_id).where(Instance.damaged_at.is_not(None)))
        assert list(damaged) == [first]
        assert session.scalars(select(Modification)).all() == []


def test_damaged_files_are_to_be_acted_on(api: Api, uid: str, checks: Checks) -> None:
    """With their number."""
    for name in list(api.archive.instances)[:2]:
        flip(api, name)
    checks.a_round_later()
    attention = api.get("/api/v1/system", "admin").json["attention"]
    assert [(each["code"], each["count"]) for each in attention if each["code"] == "files_damaged"] == [
        ("files_damaged", 2)
    ]
    assert checks.damaged() == 2
