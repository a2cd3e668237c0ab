"""The offline verifier: whatever is done to the audit trail behind the triggers' back, it is found, and where."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from ehr_bridge.db.database import Database
from ehr_bridge.derived_keys import SharedSecret
from ehr_bridge.services import audit
from ehr_bridge.services.audit.anchors import Anchors, anchor_keys
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.audit.verification import Verification, main, verify_connection, verify_database
from ehr_bridge.services.bundle import utc_now

EVENTS = 6
COLUMNS = (
    "at", "actor", "action", "outcome", "patient_id", "order_id", "study_instance_uid", "address", "detail",
    "previous_hash", "hash",
)  # fmt: skip
SECRET = "a-secret-that-only-the-tests-know-0123456789"


def fill(database: Database, events: int = EVENTS) -> None:
    """A small trail with every column in use."""
    for number in range(events):
        event = Event(
            "thing.done",
            patient_id=uuid.uuid4(),
            order_id=uuid.uuid4(),
            study_instance_uid=f"1.2.{number}",
            detail={"count": number, "what": "Åsa", "score": 0.5, "list": [1, None, True]},
        )
        with database.write() as session:
            audit.append(session, Origin("tester", "192.0.2.7"), event, utc_now())


def unprotect(connection: Connection) -> None:
    """What somebody with all rights on the database can do."""
    if connection.dialect.name == "sqlite":
        for verb in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER IF EXISTS audit_events_no_{verb}"))
    else:
        connection.execute(text("DROP TRIGGER IF EXISTS audit_events_append_only ON audit_events"))


type Statement = tuple[str, dict[str, Any]]


def verdict_after(database: Database, *statements: Statement) -> Verification:
    """The verdict on the altered trail; afterwards everything is as before."""
    with database.engine.connect() as connection, connection.begin() as transaction:
        unprotect(connection)
        for statement, values in statements:
            connection.execute(text(statement), values)
        verdict = verify_connection(connection)
        transaction.rollback()
    return verdict


def raw(database: Database, column: str, number: int) -> str:
    cast = f"CAST({column} AS TEXT)"
    with database.engine.connect() as connection:
        found = connection.execute(text(f"SELECT {cast} FROM audit_events WHERE id = :id"), {"id": number})
        return str(found.scalar_one())


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    column=st.sampled_from([c for c in COLUMNS if c != "at"]),
    number=st.integers(1, EVENTS),
    place=st.integers(0, 10_000),
    what=st.characters(min_codepoint=32, max_codepoint=126),
    how=st.sampled_from(["replace", "insert", "remove"]),
)
def test_a_single_altered_byte_in_any_column_is_found_with_its_event(
    database: Database, column: str, number: int, place: int, what: str, how: str
) -> None:
    """Replaced, added or removed; also where the value would mean the same, such as a space inside JSON."""
    if verify_database(str(database.engine.url.render_as_string(hide_password=False))).events == 0:
        fill(database)
    before = raw(database, column, number)
    place %= len(before)
    rest = before[place:] if how == "insert" else before[place + 1 :]
    after = before[:place] + ("" if how == "remove" else what) + rest
    if after == before:
        return
    value = "CAST(:value AS JSON)" if column == "detail" and not database.is_sqlite else ":value"
    statement = f"UPDATE audit_events SET {column} = {value} WHERE id = :id"
    if column == "detail" and not database.is_sqlite and not is_json(after):
        return  # this engine does not even take it
    if column in ("previous_hash", "hash", "patient_id", "order_id") and how == "insert" and not database.is_sqlite:
        return  # longer than the column
    verdict = verdict_after(database, (statement, {"value": after, "id": number}))
    assert (verdict.ok, verdict.broken_at, verdict.events) == (False, number, number - 1)


def is_json(text_: str) -> bool:
    try:
        json.loads(text_, parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError):
        return False
    return True


@pytest.mark.parametrize("column", COLUMNS)
def test_a_value_that_is_emptied_is_found(database: Database, column: str) -> None:
    """NULL and nothing are not the same as what was there, wherever the table lets them in."""
    fill(database)
    optional = column in ("patient_id", "order_id", "study_instance_uid", "address")
    values: list[str | None] = [None] if optional else []
    if column not in ("at", "detail"):
        values.append("")
    for value in values:
        verdict = verdict_after(database, (f"UPDATE audit_events SET {column} = :value WHERE id = 3", {"value": value}))
        assert (verdict.ok, verdict.broken_at) == (False, 3), value


def test_a_moment_that_is_one_microsecond_off_is_found(database: Database) -> None:
    """And on SQLite, where it is text, one that is only written otherwise."""
    fill(database)
    if database.is_sqlite:
        statements = [
            "UPDATE audit_events SET at = substr(at, 1, 25) || ((substr(at, 26, 1) + 1) % 10) WHERE id = 4",
            "UPDATE audit_events SET at = at || '0' WHERE id = 4",
            "UPDATE audit_events SET at = replace(at, ' ', 'T') WHERE id = 4",
            "UPDATE audit_events SET at = CAST(at AS BLOB) WHERE id = 4",
            "UPDATE audit_events SET at = CAST(X'ff' || at AS TEXT) WHERE id = 4",
            "UPDATE audit_events SET actor = CAST(actor AS BLOB) WHERE id = 4",
        ]
    else:
        statements = ["UPDATE audit_events SET at = at + interval '1 microsecond' WHERE id = 4"]
    for statement in statements:
        verdict = verdict_after(database, (statement, {}))
        assert (verdict.ok, verdict.broken_at, verdict.reason) == (False, 4, "altered"), statement


@pytest.mark.parametrize("number", range(1, EVENTS))
def test_a_removed_event_is_found(database: Database, number: int) -> None:
    """Wherever it stood, but for the end: that is what anchors are for."""
    fill(database)
    verdict = verdict_after(database, (f"DELETE FROM audit_events WHERE id = {number}", {}))
    assert (verdict.ok, verdict.broken_at, verdict.reason) == (False, number, "missing")


@pytest.mark.parametrize("number", range(1, EVENTS))
def test_a_removed_event_whose_number_was_closed_up_is_found(database: Database, number: int) -> None:
    """The later events moved down by one."""
    fill(database)
    moves: list[Statement] = [
        (f"UPDATE audit_events SET id = {n - 1} WHERE id = {n}", {}) for n in range(number + 1, EVENTS + 1)
    ]
    verdict = verdict_after(database, (f"DELETE FROM audit_events WHERE id = {number}", {}), *moves)
    assert (verdict.ok, verdict.broken_at, verdict.reason) == (False, number, "altered")


@pytest.mark.parametrize("number", range(1, EVENTS + 1))
def test_an_inserted_event_is_found(database: Database, number: int) -> None:
    """A copy of another event, with room made for it."""
    fill(database)
    moves: list[Statement] = [
        (f"UPDATE audit_events SET id = {n + 1} WHERE id = {n}", {}) for n in range(EVENTS, number - 1, -1)
    ]
    names = ", ".join(COLUMNS)
    source = number + 1 if number < EVENTS else 1
    insert = f"INSERT INTO audit_events (id, {names}) SELECT {number}, {names} FROM audit_events WHERE id = {source}"
    verdict = verdict_after(database, *moves, (insert, {}))
    assert not verdict.ok
    assert verdict.broken_at in (number, number + 1)


@pytest.mark.parametrize("number", range(1, EVENTS))
def test_two_events_in_each_others_place_are_found(database: Database, number: int) -> None:
    """Reordered: both still there, both unaltered but for their numbers."""
    fill(database)
    swap: list[Statement] = [(f"UPDATE audit_events SET id = {a} WHERE id = {b}", {}) for a, b in
            ((1000, number), (number, number + 1), (number + 1, 1000))]  # fmt: skip
    verdict = verdict_after(database, *swap)
    assert (verdict.ok, verdict.broken_at) == (False, number)


def anchors(database: Database, tmp_path: Path) -> Anchors:
    return Anchors(database, tmp_path / "audit-anchor.log", anchor_keys(SharedSecret(SECRET)), utc_now)


def url_of(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def alter_for_good(database: Database, *statements: str) -> None:
    with database.engine.begin() as connection:
        unprotect(connection)
        for statement in statements:
            connection.execute(text(statement))


def test_a_trail_whose_newest_events_were_cut_off_verifies_alone_but_not_against_an_anchor(
    database: Database, tmp_path: Path
) -> None:
    """The weakness of a chain, and what closes it."""
    fill(database)
    anchor = anchors(database, tmp_path)
    anchor.write()
    assert verify_database(url_of(database), anchor.path, secret=SECRET).anchors == 1
    alter_for_good(database, f"DELETE FROM audit_events WHERE id > {EVENTS - 2}")
    assert verify_database(url_of(database)).ok
    verdict = verify_database(url_of(database), anchor.path, secret=SECRET)
    assert (verdict.ok, verdict.broken_at, verdict.reason) == (False, EVENTS - 1, "cut_off")
    assert main([url_of(database), "--anchors", str(anchor.path)]) == 1


def test_a_trail_that_was_computed_anew_does_not_agree_with_an_anchor(database: Database, tmp_path: Path) -> None:
    """Whoever can write the database can make a chain that is right in itself."""
    fill(database)
    anchor = anchors(database, tmp_path)
    anchor.write()
    alter_for_good(database, "DELETE FROM audit_events")
    fill(database, EVENTS + 2)
    assert verify_database(url_of(database)).ok
    verdict = verify_database(url_of(database), anchor.path, secret=SECRET)
    assert (verdict.ok, verdict.broken_at, verdict.reason) == (False, EVENTS, "rewritten")


def test_an_anchor_is_written_once_per_head_and_none_for_an_empty_trail(database: Database, tmp_path: Path) -> None:
    """The file grows with the trail, not with time."""
    anchor = anchors(database, tmp_path)
    anchor.write()
    assert not anchor.path.exists()
    fill(database, 1)
    anchor.write()
    anchor.write()
    fill(database, 1)
    anchor.write()
    assert len(anchor.path.read_text().splitlines()) == 2
    assert anchor.path.stat().st_mode & 0o077 == 0
    assert verify_database(url_of(database), anchor.path, secret=SECRET).anchors == 2


def test_each_node_is_a_witness_and_together_they_know_what_one_of_them_has_missed(
    database: Database, tmp_path: Path
) -> None:
    """Both write about one chain while both write events. A node that was away when the newest events were cut off says
    ok of what it knows; all files at once say the truth."""
    one, other = (Anchors(database, tmp_path / name, anchor_keys(SharedSecret(SECRET)), utc_now) for name in "ab")
    for _ in range(3):
        for node in (one, other):
            fill(database, 1)
            node.write()
    for node in (one, other):
        verdict = verify_database(url_of(database), node.path, secret=SECRET)
        assert (verdict.ok, verdict.events, verdict.anchors) == (True, 6, 3)
    fill(database, 2)
    one.write()
    alter_for_good(database, "DELETE FROM audit_events WHERE id > 7")
    assert verify_database(url_of(database), other.path, secret=SECRET).ok
    assert verify_database(url_of(database), one.path, secret=SECRET).reason == "cut_off"
    verdict = verify_database(url_of(database), other.path, one.path, secret=SECRET)
    assert (verdict.ok, verdict.broken_at, verdict.reason) == (False, 8, "cut_off")
    paths = [argument for node in (one, other) for argument in ("--anchors", str(node.path))]
    assert main([url_of(database), *paths]) == 1


def test_an_altered_anchor_file_is_found(database: Database, tmp_path: Path) -> None:
    """Any byte of it, and a file that was made with another secret."""
    fill(database)
    anchor = anchors(database, tmp_path)
    anchor.write()
    right = anchor.path.read_bytes()
    assert verify_database(url_of(database), anchor.path, secret="another-secret").reason == "anchors_altered"
    for place in range(len(right) - 1):
        anchor.path.write_bytes(right[:place] + bytes([right[place] ^ 1]) + right[place + 1 :])
        assert verify_database(url_of(database), anchor.path, secret=SECRET).reason == "anchors_altered", place


def test_a_line_that_a_power_cut_tore_is_no_alarm_and_is_written_over(database: Database, tmp_path: Path) -> None:
    """Half a line at the end; the whole ones count, and the next one is whole again."""
    anchor = anchors(database, tmp_path)
    fill(database, 2)
    anchor.write()
    with anchor.path.open("ab") as file:
        file.write(b'["2026-11-24T09:4')
    assert verify_database(url_of(database), anchor.path, secret=SECRET).anchors == 1
    fill(database, 1)
    anchor.write()
    assert verify_database(url_of(database), anchor.path, secret=SECRET).anchors == 2
    anchor.path.write_bytes(b'["torn')
    fill(database, 1)
    anchor.write()
    assert len(anchor.path.read_bytes().splitlines()) == 1


def test_the_command_says_in_words_what_it_found(database: Database, tmp_path: Path) -> None:
    """As an administrator calls it, without the product running."""
    fill(database)
    command = [sys.executable, "-m", "ehr_bridge.services.audit.verification", url_of(database)]
    whole = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (whole.returncode, whole.stdout.split(":")[0]) == (0, "ok"), whole.stderr
    alter_for_good(database, "UPDATE audit_events SET actor = 'somebody' WHERE id = 5")
    broken = subprocess.run(command, capture_output=True, text=True, check=False)
    assert broken.returncode == 1
    assert "event 5 is altered" in broken.stdout
