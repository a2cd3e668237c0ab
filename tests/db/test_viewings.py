"""Viewings: one audit event per actor, study and viewing, and alarms for who is refused again and again."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.access import Viewing
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog, Instance
from ehr_bridge.services.audit.alarms import MANY, WINDOW_SECONDS, Alarms
from ehr_bridge.services.bundle import utc_now
from ehr_bridge.services.viewing.viewings import Viewings, Whole

DORA = Caller("dora", "Dora", ("doctor",), frozenset({Permission.VIEW}))


class Clock:
    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now


def store(database: Database, *uids: str) -> None:
    """Rows of studies, as the claims write them."""
    with database.write() as session:
        for uid in uids:
            session.add(
                Study(
                    study_instance_uid=uid,
                    link_status="unlinked",
                    match_kind="none",
                    match_score=0.0,
                    match_evidence=[],
                    corrections={},
                    received_identity={},
                    coerced=[],
                    modalities=[],
                    created_at=utc_now(),
                    updated_at=utc_now(),
                )
            )


@pytest.fixture(autouse=True)
def stored(database: Database) -> None:
    store(database, "1.2.3", "1.2.4")


def events(database: Database) -> list[tuple[str, str | None, int, int]]:
    with database.read() as session:
        rows = session.query(AuditEvent).filter_by(action="study.viewed").order_by(AuditEvent.id)
        return [(r.actor, r.study_instance_uid, r.detail["instances"], r.detail["requests"]) for r in rows]


def test_five_hundred_frames_are_one_event_with_a_count(database: Database) -> None:
    """Frames of the same instance count once; the event comes when nobody reads any more."""
    clock = Clock()
    viewings = Viewings(database, clock)
    for frame in range(500):
        viewings.note(DORA, "1.2.3", f"1.2.3.{frame % 100}", "10.0.0.1")
        if frame % 50 == 0:
            viewings.flush()
    viewings.flush()
    assert events(database) == []
    clock.now += timedelta(minutes=11)
    viewings.flush()
    viewings.flush()
    assert events(database) == [("dora", "1.2.3", 100, 500)]


def store_instances(database: Database, study_uid: str, **of_series: int) -> None:
    """So many instances in each series of a stored study."""
    with database.write() as session:
        study = session.query(Study).filter_by(study_instance_uid=study_uid).one()
        log = DicomUploadLog(
            id=uuid.uuid4(),
            upload_id=uuid.uuid4(),
            uploaded_by="rita",
            study_instance_uid=study_uid,
            number_of_files=0,
            number_of_duplicates=0,
            total_size_bytes=0,
            upload_status="success",
            uploaded_at=utc_now(),
            upload_source="api",
        )
        session.add(log)
        session.flush()
        for series, count in of_series.items():
            for number in range(count):
                session.add(
                    Instance(
                        orthanc_instance_id=f"{series}-{number}",
                        study_id=study.id,
                        upload_log_id=log.id,
                        series_instance_uid=series,
                        sop_instance_uid=f"{series}.{number}",
                        modality="MR",
                        size_bytes=1,
                        door="upload",
                        received_at=utc_now(),
                    )
                )


def test_whoever_reads_a_whole_series_or_study_has_read_each_of_its_instances(database: Database) -> None:
    """In one request; an instance that is read once more by itself does not count twice."""
    clock = Clock()
    store_instances(database, "1.2.3", s1=3, s2=4)
    viewings = Viewings(database, clock)
    nora = Caller("nora", "Nora", (), frozenset())
    for caller, what in ((DORA, Whole("s1")), (DORA, "s1.0"), (nora, "s2.0"), (nora, Whole()), (nora, Whole())):
        viewings.note(caller, "1.2.3", what, "10.0.0.1")
        viewings.flush()
    viewings.note(DORA, "9.9.9", Whole(), "10.0.0.1")
    viewings.flush()
    clock.now += timedelta(minutes=11)
    viewings.flush()
    assert sorted(events(database)) == [("dora", "1.2.3", 3, 2), ("nora", "1.2.3", 7, 3)]


def test_another_study_another_person_and_another_day_are_events_of_their_own(database: Database) -> None:
    """One for each viewing."""
    clock = Clock()
    viewings = Viewings(database, clock)
    viewings.note(DORA, "1.2.3", "a", "10.0.0.1")
    viewings.note(DORA, "1.2.4", None, "10.0.0.1")
    viewings.note(Caller("nora", "Nora", (), frozenset()), "1.2.3", "a", "10.0.0.2")
    viewings.flush()
    clock.now += timedelta(minutes=11)
    viewings.flush()
    viewings.note(DORA, "1.2.3", "a", "10.0.0.1")
    viewings.flush()
    clock.now += timedelta(minutes=11)
    viewings.flush()
    assert sorted(events(database)) == [
        ("dora", "1.2.3", 1, 1),
        ("dora", "1.2.3", 1, 1),
        ("dora", "1.2.4", 0, 1),
        ("nora", "1.2.3", 1, 1),
    ]


def test_a_viewing_of_a_killed_process_still_becomes_an_event(database: Database) -> None:
    """Another node, or the same one started again, writes it."""
    clock = Clock()
    killed = Viewings(database, clock)
    killed.note(DORA, "1.2.3", "a", "10.0.0.1")
    killed.flush()
    clock.now += timedelta(minutes=11)
    Viewings(database, clock).flush()
    assert events(database) == [("dora", "1.2.3", 1, 1)]


def test_two_nodes_that_serve_one_viewing_write_one_event(database: Database) -> None:
    """A load balancer between them."""
    clock = Clock()
    nodes = [Viewings(database, clock) for _ in range(2)]
    for number in range(10):
        nodes[number % 2].note(DORA, "1.2.3", str(number), "10.0.0.1")
    for node in nodes:
        node.flush()
    with database.read() as session:
        assert session.query(Viewing).count() == 1
    clock.now += timedelta(minutes=11)
    for node in nodes:
        node.flush()
    assert events(database) == [("dora", "1.2.3", 10, 10)]


def test_what_does_not_exist_is_viewed_by_nobody(database: Database) -> None:
    """Somebody tries UIDs; nothing is written, and nothing gets stuck."""
    clock = Clock()
    viewings = Viewings(database, clock)
    for number in range(20):
        viewings.note(DORA, f"9.9.{number}", "a", "10.0.0.1")
    viewings.note(DORA, "1." + "2" * 200, "a", "10.0.0.1")
    viewings.note(DORA, "1.2.3", "a", "10.0.0.1")
    viewings.flush()
    clock.now += timedelta(minutes=11)
    viewings.flush()
    assert events(database) == [("dora", "1.2.3", 1, 1)]


def test_a_smart_app_is_counted_under_its_subject(database: Database) -> None:
    """Its token has an id, but it is none of ours."""
    clock = Clock()
    viewings = Viewings(database, clock)
    app = replace(DORA, subject="app", token_id="any-text", grant="patient MRN-1", studies=frozenset({"1.2.3"}))
    viewings.note(app, "1.2.3", "a", "10.0.0.1")
    viewings.flush()
    clock.now += timedelta(minutes=11)
    viewings.flush()
    assert events(database) == [("app", "1.2.3", 1, 1)]


def test_many_refusals_of_one_actor_are_one_alarm(database: Database) -> None:
    """Told once while it goes on; over when it stops."""
    time = [0.0]
    alarms = Alarms(lambda: time[0])
    for _ in range(MANY - 1):
        alarms.count("mallory", "10.0.0.9")
    assert (alarms.take_new(), alarms.loud()) == ([], 0)
    for _ in range(5):
        alarms.count("mallory", "10.0.0.9")
    assert [(a.actor, a.address) for a in alarms.take_new()] == [("mallory", "10.0.0.9")]
    assert (alarms.take_new(), alarms.loud()) == ([], 1)
    time[0] += WINDOW_SECONDS + 1
    assert alarms.loud() == 0
