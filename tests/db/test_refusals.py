"""Refused attempts on their way into the trail: each is counted, none can fill the disk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.audit import refusals
from ehr_bridge.services.audit.refusals import Refusal, Refusals
from ehr_bridge.services.bundle import build_services, utc_now
from ehr_bridge.settings import Settings
from tests.support.server import SECRET, user_token


class Desk:
    """A `Refusals` with a clock in hand."""

    def __init__(self, database: Database) -> None:
        self.database, self.seconds = database, 1000.0
        services = build_services(Settings(jwt_secret=SecretStr(SECRET)), database)
        self.refusals = Refusals(database, services.authenticator, utc_now, lambda: self.seconds)

    def refuse(self, token: str, times: int = 1, **changes: Any) -> None:
        what = {"address": "192.0.2.7", "code": "permission_missing", "route": "GET /api/v1/audit"} | changes
        for _ in range(times):
            self.refusals.hand_over(Refusal(f"Bearer {token}", **what))

    def events(self) -> list[AuditEvent]:
        """What was refused; the alarms about it have a test of their own."""
        with self.database.read() as session:
            query = select(AuditEvent).where(AuditEvent.action != "access.alarm").order_by(AuditEvent.id)
            return list(session.scalars(query))


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    yield Desk(database)


def test_a_refusal_names_who_what_and_from_where(desk: Desk) -> None:
    """One attempt, one event."""
    desk.refuse(user_token("nurse", subject="nina"), study_instance_uid="1.2.3")
    desk.refusals.flush()
    (event,) = desk.events()
    assert (event.actor, event.action, event.outcome, event.address) == (
        "nina",
        "request.refused",
        "refused",
        "192.0.2.7",
    )
    assert event.study_instance_uid == "1.2.3"
    assert event.detail == {"code": "permission_missing", "route": "GET /api/v1/audit", "count": 1}


def test_alike_refusals_become_one_event_a_minute_with_a_count(desk: Desk) -> None:
    """The first at once, the others when their minute is over; none is forgotten."""
    token = user_token("nurse", subject="nina")
    desk.refuse(token)
    desk.refusals.flush()
    for _ in range(5):
        desk.refuse(token, 20)
        desk.seconds += 10
        desk.refusals.flush()
    assert [event.detail["count"] for event in desk.events()] == [1]
    desk.seconds += 10
    desk.refusals.flush()
    desk.refusals.flush()
    assert [event.detail["count"] for event in desk.events()] == [1, 100]


def test_a_flood_of_bad_tokens_is_a_handful_of_events(desk: Desk) -> None:
    """Whoever knocks without end leaves one line per address and code, and a number."""
    desk.refuse("nonsense", 400)
    desk.refuse(user_token("admin", ttl=timedelta(hours=-1)), 30)
    desk.refusals.flush()
    found = {event.detail["code"]: event for event in desk.events()}
    assert {code: event.detail["count"] for code, event in found.items()} == {"token_invalid": 400, "token_expired": 30}
    assert {event.action for event in found.values()} == {"token.refused"}
    assert {event.actor for event in found.values()} == {"anonymous"}


def test_a_request_without_any_token_is_no_attempt(desk: Desk) -> None:
    """Browsers ask before they sign in."""
    desk.refusals.hand_over(Refusal(None, "192.0.2.7", "token_missing", "GET /api/v1/audit"))
    desk.refusals.flush()
    assert desk.events() == []


def test_a_modalitys_refused_instances_are_one_event_a_minute(desk: Desk) -> None:
    """Under its AE title, with the finding; a scanner that repeats itself all night does not fill the disk."""
    for _ in range(3):
        desk.refusals.hand_over(Refusal(None, "192.0.2.7", "malformed", "C-STORE", files=1, actor="ae:MR1"))
    desk.refusals.flush()
    (event,) = desk.events()
    assert (event.actor, event.action, event.outcome, event.address) == (
        "ae:MR1",
        "upload.refused",
        "refused",
        "192.0.2.7",
    )
    assert event.detail == {"code": "malformed", "route": "C-STORE", "count": 3, "files": 3}


def test_a_modality_with_a_new_title_each_time_is_bounded_too(desk: Desk) -> None:
    """Titles are what the caller says."""
    for number in range(refusals.MOST_KINDS + 40):
        desk.refusals.hand_over(Refusal(None, None, "malformed", "C-STORE", files=1, actor=f"ae:X{number}"))
    desk.refusals.flush()
    events = desk.events()
    assert len(events) == refusals.MOST_KINDS + 1
    assert sum(event.detail["files"] for event in events) == refusals.MOST_KINDS + 40


def test_what_does_not_fit_into_memory_is_counted(desk: Desk) -> None:
    """A flood between two rounds of the worker."""
    desk.refuse("nonsense", refusals.MOST_WAITING + 25)
    desk.refusals.flush()
    counts = {event.detail["code"]: event.detail["count"] for event in desk.events()}
    assert counts == {"token_invalid": refusals.MOST_WAITING, "not_examined": 25}


def test_a_flood_from_many_addresses_is_bounded_too(desk: Desk) -> None:
    """More kinds of refusals than fit become one."""
    for number in range(refusals.MOST_KINDS + 40):
        desk.refuse("nonsense", address=f"2001:db8::{number:x}")
    desk.refusals.flush()
    events = desk.events()
    assert len(events) == refusals.MOST_KINDS + 1
    (rest,) = [event for event in events if event.detail["code"] == "many"]
    assert (rest.detail["count"], rest.address) == (40, None)


def test_several_studies_are_listed(desk: Desk) -> None:
    """Somebody who tries one study after the other shows."""
    token = user_token("nurse", subject="nina")
    for number in range(12):
        desk.refuse(token, study_instance_uid=f"1.2.{number}")
    desk.refusals.flush()
    (event,) = desk.events()
    assert event.detail["count"] == 12
    assert event.detail["studies"] == [f"1.2.{number}" for number in range(10)]


def test_a_database_that_is_away_loses_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next round writes it."""
    desk.refuse("nonsense", 3)

    def away() -> None:
        raise Unavailable("database_unavailable", "away")

    with monkeypatch.context() as patch:
        patch.setattr(desk.database, "write", away)
        with pytest.raises(Unavailable):
            desk.refusals.flush()
    desk.refusals.flush()
    assert [event.detail["count"] for event in desk.events()] == [3]


def test_at_the_end_everything_is_written(desk: Desk) -> None:
    """The process stops within the minute."""
    for _ in range(2):
        desk.refuse("nonsense")
        desk.refusals.flush(last=True)
    assert [event.detail["count"] for event in desk.events()] == [1, 1]


def test_what_is_wrong_with_a_token_is_in_the_trail_and_in_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """The claim, in words, under the id of the request; never the token."""
    told = user_token("admin", ttl=timedelta(hours=-1))
    desk.refusals.hand_over(Refusal(f"Bearer {told}", "192.0.2.7", "token_expired", "GET /x", request_id="req-1"))
    desk.refuse("nonsense", request_id="req-2")
    desk.refusals.flush()
    found = {event.detail["reason"]: event.detail for event in desk.events()}
    assert set(found) == {"exp", "form"}
    assert found["exp"]["why"].startswith("it expired 1 hour")
    assert found["exp"]["request_id"] == "req-1"
    assert any("token_expired (GET /x): exp: it expired 1 hour" in line for line in caplog.messages)
    assert told not in caplog.text


def test_each_reason_is_counted_apart(desk: Desk) -> None:
    """A wrong audience is not lost behind a thousand expired tokens."""
    for reason in ("form_data", "form_data", "too_large"):
        desk.refuse(user_token("nurse", subject="nina"), code="body_refused", reason=reason)
    desk.refusals.flush()
    counts = {event.detail["reason"]: event.detail["count"] for event in desk.events()}
    assert counts == {"form_data": 2, "too_large": 1}


def test_roles_that_mean_nothing_here_are_in_the_trail(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The caller is known and may not: because nobody mapped the role."""
    desk.refuse(user_token("Arzt", subject="anna"))
    desk.refusals.flush()
    (event,) = desk.events()
    assert (event.actor, event.detail["reason"]) == ("anna", "ignored_roles")
    assert '["Arzt"]' in event.detail["why"]
    assert '["Arzt"]' in caplog.text


def test_the_log_of_refusals_has_an_end(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Some lines a minute, then one that says so; the trail counts on."""
    desk.refuse("nonsense", refusals.MOST_LINES + 50)
    desk.refusals.flush()
    assert len(caplog.messages) == refusals.MOST_LINES + 1
    assert "only counted" in caplog.messages[-1]
    desk.seconds += refusals.WINDOW_SECONDS
    desk.refuse("nonsense")
    desk.refusals.flush()
    assert len(caplog.messages) == refusals.MOST_LINES + 2
