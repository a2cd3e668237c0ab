"""The rounds of the fixity checks: every file is read in its turn, at the pace of the clock, whatever happens to us."""

from __future__ import annotations

import hashlib
import io
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from sqlalchemy import Engine, event, select, text, update

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog, Instance
from ehr_bridge.services.archive.file_digests import stored_digest
from ehr_bridge.services.fixity import rounds
from ehr_bridge.services.fixity.rounds import FixityRounds, damaged_before, in_turn
from ehr_bridge.services.fixity.state import look_at_fixity
from tests.support.archive import FakeArchive

DAYS = 10.0
PERIOD = timedelta(days=DAYS)
START = datetime(1970, 1, 1, tzinfo=UTC) + 2000 * PERIOD
"""When a round begins."""


class Shelf(FakeArchive):
    """An archive whose files all say their own name, and that notes which were read."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.before_reading: Callable[[str], object] = lambda _: None

    def open(self, orthanc_instance_id: str) -> io.BufferedIOBase:
        self.before_reading(orthanc_instance_id)
        self.opened.append(orthanc_instance_id)
        return io.BytesIO(orthanc_instance_id.encode())

    def answers(self) -> bool:
        return True

    def take(self) -> list[str]:
        opened, self.opened = self.opened, []
        return opened


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def orthanc_id(number: int) -> str:
    digest = hashlib.sha1(str(number).encode()).hexdigest()
    return "-".join(digest[i : i + 8] for i in range(0, 40, 8))


NAMES = sorted(orthanc_id(number) for number in range(40))


def record(database: Database, names: Sequence[str]) -> uuid.UUID:
    """A study with these instances, none of which anybody has read yet."""
    study, log = uuid.uuid4(), uuid.uuid4()
    with database.write() as session:
        session.add(
            Study(
                id=study, study_instance_uid=f"1.2.{study.int}", link_status="unlinked", match_kind="none",
                match_score=0, match_evidence=[], corrections={}, received_identity={}, coerced=[], modalities=[],
                created_at=START, updated_at=START,
            )
        )  # fmt: skip
        session.add(
            DicomUploadLog(
                id=log, upload_id=uuid.uuid4(), uploaded_by="x", study_instance_uid="1.2", number_of_files=0,
                number_of_duplicates=0, total_size_bytes=0, upload_status="success", uploaded_at=START,
                upload_source="api",
            )
        )  # fmt: skip
        session.flush()
        session.add_all(
            Instance(
                orthanc_instance_id=name, study_id=study, upload_log_id=log, series_instance_uid="1.2.3",
                sop_instance_uid=f"1.2.3.{name}", modality="MR", size_bytes=1, door="upload", received_at=START,
            )
            for name in names
        )  # fmt: skip
    return study


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(database: Database, shelf: Shelf, clock: Clock) -> Callable[[], FixityRounds]:
    """The checks of a process that has just started."""
    return lambda: FixityRounds(database, shelf, clock, DAYS)


def catch_up(checks: FixityRounds) -> None:
    """At most a piece to the end of a round, a whole round, and a piece of the next."""
    for _ in range(3):
        checks.run(60)


def test_at_first_every_file_is_read_and_its_digest_kept(
    database: Database, shelf: Shelf, start: Callable[[], FixityRounds]
) -> None:
    """Nobody waits for a round to know what the files are."""
    record(database, NAMES)
    catch_up(start())
    assert sorted(shelf.take()) == NAMES
    with database.read() as session:
        for name, digest, damaged_at in session.execute(
            select(Instance.orthanc_instance_id, Instance.stored_digest, Instance.damaged_at)
        ):
            assert (digest, damaged_at) == (stored_digest(name.encode()), None)


def test_the_clock_says_how_many_files_are_read(
    database: Database, shelf: Shelf, clock: Clock, start: Callable[[], FixityRounds]
) -> None:
    """In a quarter of a round those of that quarter, by whatever process; in the whole round each once."""
    catch_up(start())  # of an archive that is empty still
    record(database, NAMES)
    rounds: list[str] = []
    for quarter in ("0123", "4567", "89ab", "cdef"):
        clock.now += PERIOD / 4
        catch_up(start())
        read = shelf.take()
        assert read == [name for name in NAMES if name[0] in quarter]
        rounds += read
        catch_up(start())
        assert shelf.take() == []
    assert rounds == NAMES


def test_the_only_file_of_an_archive_is_read_in_every_round(
    database: Database, shelf: Shelf, clock: Clock, start: Callable[[], FixityRounds]
) -> None:
    """By a process that remembers which it read last."""
    record(database, NAMES[:1])
    checks = start()
    catch_up(checks)
    shelf.take()
    for _ in range(3):
        for _ in range(10):
            clock.now += PERIOD / 10
            checks.run(60)
        assert shelf.take() == NAMES[:1]


def test_what_was_missed_is_caught_up(
    database: Database, shelf: Shelf, clock: Clock, start: Callable[[], FixityRounds]
) -> None:
    """However long the server was off; and when the rounds are to be shorter, a whole one begins."""
    record(database, NAMES)
    catch_up(start())
    shelf.take()
    clock.now += PERIOD * 0.75
    catch_up(start())
    assert shelf.take() == [name for name in NAMES if name[0] in "0123456789ab"]
    clock.now += PERIOD * 5.5
    catch_up(start())
    assert set(shelf.take()) == set(NAMES)
    catch_up(FixityRounds(database, shelf, clock, DAYS / 3))
    assert set(shelf.take()) == set(NAMES)


def test_when_its_time_is_over_it_goes_on_where_it_was(
    database: Database, shelf: Shelf, start: Callable[[], FixityRounds], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second passes with each look at the watch; files whose ids begin alike are none the worse."""
    twins = [NAMES[3][:8] + f"-{number:08x}" for number in range(5)]
    names = sorted([*NAMES[:3], *twins, *NAMES[4:8]])
    record(database, names)
    ticks: Iterator[int] = iter(range(10_000))
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    checks, pieces = start(), []
    for _ in range(len(names)):
        checks.run(2)
        pieces.append(shelf.take())
    assert max(map(len, pieces)) == 1
    assert list(chain(*pieces)) == names


def test_a_killed_process_has_read_nothing_that_is_not_read_again(
    database: Database, shelf: Shelf, start: Callable[[], FixityRounds]
) -> None:
    """How far it is is written down after the work."""
    record(database, NAMES)

    def die(name: str) -> None:
        if name == NAMES[20]:
            raise KeyboardInterrupt

    shelf.before_reading = die
    with pytest.raises(KeyboardInterrupt):
        start().run(60)
    shelf.take()
    shelf.before_reading = lambda _: None
    catch_up(start())
    assert set(NAMES[20:]) <= set(shelf.take())


def test_a_file_that_is_stored_anew_while_it_is_read_is_not_judged(
    database: Database, shelf: Shelf, clock: Clock, start: Callable[[], FixityRounds]
) -> None:
    """What was read was compared with what the row said before."""
    record(database, NAMES[:1])
    with database.write() as session:
        session.execute(update(Instance).values(stored_digest=stored_digest(b"former")))

    def store(_name: str) -> None:
        with database.write() as session:
            session.execute(update(Instance).values(stored_digest=stored_digest(NAMES[0].encode())))

    shelf.before_reading = store
    catch_up(start())
    with database.read() as session:
        assert look_at_fixity(session, DAYS, clock()).damaged == 0


def test_when_a_whole_disk_is_gone_the_round_waits(
    database: Database, shelf: Shelf, clock: Clock, start: Callable[[], FixityRounds], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told of every file; when it is there again, everything is read."""
    monkeypatch.setattr(rounds, "MOST_DAMAGED", 10)
    monkeypatch.setattr(rounds, "AT_ONCE", 5)
    record(database, NAMES)

    def gone(_name: str) -> None:
        raise FileNotFoundError

    shelf.before_reading = gone
    checks = start()
    for _ in range(20):
        checks.run(60)
    with database.read() as session:
        assert look_at_fixity(session, DAYS, clock()).damaged == 10
    shelf.before_reading = lambda _: None
    clock.now += timedelta(hours=2)
    for _ in range(30):
        checks.run(60)
    assert set(shelf.take()) == set(NAMES)
    with database.read() as session:
        assert look_at_fixity(session, DAYS, clock()).damaged == 0


def test_as_many_files_are_named_as_are_said_to_be_damaged(database: Database, clock: Clock) -> None:
    """Also when another is found while somebody looks."""
    record(database, NAMES[:2])
    sound = NAMES[:2]

    def find_one(*_told: object) -> None:
        if sound:
            one = Instance.orthanc_instance_id == sound.pop()
            with database.write() as session:
                session.execute(update(Instance).where(one).values(damaged_at=clock()))

    find_one()
    event.listen(Engine, "after_cursor_execute", find_one)
    try:
        with database.read() as session:
            fixity = look_at_fixity(session, DAYS, clock())
    finally:
        event.remove(Engine, "after_cursor_execute", find_one)
    assert sound == []
    assert fixity.damaged == len(fixity.latest)


def test_it_says_how_far_it_is(
    database: Database, shelf: Shelf, clock: Clock, start: Callable[[], FixityRounds]
) -> None:
    """Behind by as long as it was off; nothing before it has begun, or where no file is to be read."""
    with database.read() as session:
        assert look_at_fixity(session, DAYS, clock()).checked_until is None
    catch_up(start())
    clock.now += timedelta(days=2)
    with database.read() as session:
        until = look_at_fixity(session, DAYS, clock()).checked_until
        assert until is not None
        assert abs(until - START) < PERIOD / 1000
        assert look_at_fixity(session, 0, clock()).checked_until is None
    FixityRounds(database, shelf, clock, 0).run(60)
    with database.read() as session:
        assert look_at_fixity(session, DAYS, clock()).checked_until == until


def test_files_are_found_with_indexes(database: Database) -> None:
    """Among many, half of whose studies are deleted; nothing reads all of them."""
    many = [orthanc_id(number) for number in range(3000)]
    record(database, many[:1500])
    deleted = record(database, many[1500:])
    with database.write() as session:
        session.execute(update(Study).where(Study.id == deleted).values(deleted_at=START))
        broken = Instance.orthanc_instance_id.in_(many[1498:1502])
        session.execute(update(Instance).where(broken).values(damaged_at=START))
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    in_order = "sqlite_autoindex_instances_1" if database.is_sqlite else "pk_instances"
    for query, index, found in (
        (in_turn("10000000", "11000000"), in_order, [n for n in sorted(many[:1500]) if n.startswith("10")]),
        (in_turn("00000000", "g"), in_order, sorted(set(many[:1500]) - set(many[1498:1502]))[: rounds.AT_ONCE]),
        (damaged_before(START + timedelta(1)), "ix_instances_damaged", many[1498:1500]),
    ):
        compiled = query.compile(database.engine, compile_kwargs={"literal_binds": True})
        with database.read() as session:
            assert [row[0] for row in session.execute(query.order_by(Instance.orthanc_instance_id))] == sorted(found)
            plan = " ".join(str(row[-1]) for row in session.execute(text(explain + str(compiled))))
        assert index in plan, plan
        assert "Seq Scan on instances" not in plan and "SCAN instances" not in plan.replace(f"USING INDEX {index}", "")
