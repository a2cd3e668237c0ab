"""Numbers of events have no gaps for a reader, however many write at the same time and however slowly."""

from __future__ import annotations

import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.facts import tell_facts
from ehr_bridge.db.row_changes import keep_dates
from ehr_bridge.db.tables.logs import FeedEvent
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.services.changes.feed import Feed

WRITERS, EACH = 6, 15


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def told(database: Database) -> Database:
    keep_dates(database, now)
    tell_facts(database, now)
    return database


def write(database: Database, mrn: str, chance: random.Random) -> None:
    """One to three events in a transaction that takes its time before and after it has written."""
    with database.write() as session:
        for number in range(chance.randint(1, 3)):
            session.add(Patient(id=uuid.uuid4(), mrn=f"{mrn}-{number}", sex="unknown", created_at=now()))
        session.flush()
        time.sleep(chance.random() / 200)
        if chance.random() < 0.2:
            raise InterruptedError
    time.sleep(chance.random() / 200)


def test_a_reader_misses_nothing_while_many_write(told: Database) -> None:
    """Several readers ask all the time, with small pages; writers fail now and then, and leave no gap."""
    done = threading.Event()

    def read(seed: int) -> list[int]:
        feed, seen, seq, chance = Feed(told, now), [0], 0, random.Random(seed)
        while True:
            is_last = done.is_set()
            page = feed.after(seq, chance.randint(1, 4))
            seen += [item.seq for item in page.items]
            if is_last and page.next == seq:
                return seen
            seq = page.next

    def many(number: int) -> None:
        chance = random.Random(number)
        for step in range(EACH):
            try:
                write(told, f"{number}-{step}", chance)
            except InterruptedError:
                continue

    with ThreadPoolExecutor(WRITERS + 3) as pool:
        readers = [pool.submit(read, seed) for seed in range(3)]
        writers = [pool.submit(many, number) for number in range(WRITERS)]
        try:
            for writer in writers:
                writer.result()
        finally:
            done.set()
        seen = [reader.result() for reader in readers]
    with told.read() as session:
        patients = len(session.scalars(select(Patient.id)).all())
        times = list(session.scalars(select(FeedEvent.time).order_by(FeedEvent.seq)))
    assert patients > WRITERS
    assert all(one == [*range(patients + 1)] for one in seen)
    assert times == sorted(times), "the moment is taken in the writer's turn"


def test_readers_do_not_wait_for_a_writer(told: Database) -> None:
    """What is not committed is not there yet."""
    with told.write() as session:
        session.add(Patient(id=uuid.uuid4(), mrn="1", sex="unknown", created_at=now()))
        session.flush()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(Feed(told, now).after, 0, 100).result(timeout=10).items == []
    assert [item.type for item in Feed(told, now).after(0, 100).items] == ["patient.created"]


def test_old_events_go_in_small_parts(told: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no writer waits long; the newest stays."""
    monkeypatch.setattr("ehr_bridge.services.changes.feed.FORGOTTEN_AT_ONCE", 2)
    for number in range(4):
        write_one(told, str(number))
    feed = Feed(told, lambda: datetime(2200, 1, 1, tzinfo=UTC))
    assert [feed.forget_old() for _ in range(4)] == [2, 1, 0, 0]
    assert [item.seq for item in feed.after(0, 100).items] == [4]


def write_one(database: Database, mrn: str) -> None:
    with database.write() as session:
        session.add(Patient(id=uuid.uuid4(), mrn=mrn, sex="unknown", created_at=now()))
