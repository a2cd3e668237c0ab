"""What a monitor learns of nodes, readiness, backups and the object storage."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from ehr_bridge.api.app import create_app
from ehr_bridge.db.states import BackupKind
from ehr_bridge.db.tables.operations.backups import Backup
from ehr_bridge.db.tables.operations.nodes import Node
from ehr_bridge.services.backups.records import Backups, Result
from ehr_bridge.services.bundle import utc_now
from ehr_bridge.services.nodes.readiness import WRONG
from ehr_bridge.services.nodes.register import Nodes
from ehr_bridge.settings import Settings
from ehr_bridge.storage.files import ERRORS, ObjectState
from tests.api.conftest import Api
from tests.api.metric_steps import read

type Looked = Callable[..., float]


@pytest.fixture
def looked(api: Api) -> Looked:
    """A number as it is now: each look is by a server that has held none."""

    def look(name: str, *labels: str) -> float:
        fresh = Api(create_app(api.services, api.archive, {"gate": lambda: True}), api.services, api.archive)
        return read(fresh)[f"ehr_bridge_{name}", labels]

    return look


def shift(api: Api, **moments: timedelta) -> None:
    """Move moments of the backups into the past."""
    with api.services.database.write() as session:
        for column, by in moments.items():
            for row in session.query(Backup):
                if (moment := getattr(row, column)) is not None:
                    setattr(row, column, moment - by)


def test_a_backup_is_known_by_its_age_its_size_and_how_it_ended(api: Api, looked: Looked) -> None:
    """Never made, running, made, failed; a check of all backups is another kind."""
    backups = Backups(api.services.database, utc_now)
    assert looked("backup_scheduled") == looked("backup_failed", "backup") == 0
    assert looked("backup_success_timestamp_seconds", "backup") == 0  # never
    run = backups.begin(BackupKind.BACKUP, "a", "/srv/backup", is_scheduled=True)
    shift(api, begun_at=timedelta(seconds=100))
    assert looked("backup_running_seconds", "backup") >= 100
    assert looked("backup_running_seconds", "check") == 0
    backups.end(run, Result("abc", 7, 9_000_000_000, 123))
    assert looked("backup_running_seconds", "backup") == 0
    assert looked("backup_seconds", "backup") >= 100
    assert (looked("backup_bytes"), looked("backup_added_bytes")) == (9e9, 123)
    assert 100 <= time.time() - looked("backup_success_timestamp_seconds", "backup") < 86_400
    backups.fail(backups.begin(BackupKind.BACKUP, "a", "/srv/backup", is_scheduled=True), "repository_away")
    assert (looked("backup_failed", "backup"), looked("backup_failed", "check")) == (1, 0)
    assert looked("backup_bytes") == 9e9  # of the last good one
    backups.end(backups.begin(BackupKind.BACKUP, "a", "/srv/backup", is_scheduled=True), Result("abd", 7, 1, 0))
    assert looked("backup_failed", "backup") == 0


def test_a_backup_whose_process_died_has_failed_before_anybody_records_it(api: Api, looked: Looked) -> None:
    """Nobody runs it any more, and nobody has said so."""
    backups = Backups(api.services.database, utc_now)
    backups.begin(BackupKind.CHECK, "a", "/srv/backup", is_scheduled=True)
    shift(api, leased_until=timedelta(hours=1))
    assert looked("backup_running_seconds", "check") == 0
    assert looked("backup_failed", "check") == 1


def test_nodes_are_counted_by_state_and_none_is_named(api: Api, looked: Looked, tmp_path: Any) -> None:
    """This one serves; another one drains, is lost, and ends."""
    api.services.nodes.claim()
    api.services.nodes.begin()
    api.services.nodes.beat()
    with api.services.database.write() as session:
        session.execute(update(Node).values(clock_ahead_seconds=-1.5))
    other = Nodes(api.services.database, Settings(data_dir=tmp_path / "b", node="b"), utc_now)
    other.claim()
    assert (looked("nodes", "serving"), looked("nodes", "starting")) == (1, 1)
    assert looked("node_clock_ahead_seconds") == -1.5
    with api.services.database.write() as session:
        row = session.get_one(Node, "b")
        row.last_seen_at -= timedelta(hours=1)
    assert (looked("nodes", "serving"), looked("nodes", "lost")) == (1, 1)
    other.end()
    assert (looked("nodes", "lost"), looked("nodes", "starting")) == (0, 0)


def test_a_node_that_wants_no_new_work_says_why(api: Api, looked: Looked) -> None:
    """The words of `GET ready`, each 0 or 1."""
    api.services.settings.storage_path.mkdir(exist_ok=True)
    assert {reason: looked("not_ready", reason) for reason in WRONG} == dict.fromkeys(WRONG, 0)
    api.services.settings.draining_path.touch()
    api.services.settings.storage_path.rmdir()
    wrong = {reason for reason in WRONG if looked("not_ready", reason)}
    assert wrong == {"draining", "storage"} == set(api.get("/api/v1/ready").json["wrong"])


def test_what_waits_for_the_bucket_is_told_and_why(api: Api, looked: Looked, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is 0 where images are in a folder."""
    assert looked("objects_waiting") == looked("objects_limit_bytes") == looked("objects_failing", "away") == 0
    since = utc_now() - timedelta(minutes=20)
    state = ObjectState(3, 1_500, 2_000, since, removing=4, error="not_allowed", failing_since=since)
    monkeypatch.setattr(api.archive, "objects", lambda: state)
    assert (looked("objects_waiting"), looked("objects_waiting_bytes"), looked("objects_limit_bytes")) == (
        3,
        1500,
        2000,
    )
    assert looked("objects_removing") == 4
    assert looked("objects_oldest_seconds") >= 1_200
    assert [error for error in ERRORS if looked("objects_failing", error)] == ["not_allowed"]
