"""Rate limits: per actor, per minute, on all nodes together, without a database write per request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import event, select, text

from ehr_bridge.api.app import create_app
from ehr_bridge.api.http.access import ACCESS, ATTACH
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.accounts.rate_limits import RateLimits, UsedUp
from ehr_bridge.services.bundle import build_services, utc_now
from tests.api.conftest import Api, facts
from tests.support.archive import FakeArchive
from tests.support.samples import small

START = datetime(2026, 11, 24, 9, 0, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limited(api: Api) -> Iterator[Api]:
    """Three uploads and two sign-ins in a minute; the clock stands still, so that no minute ends meanwhile."""
    moment = utc_now()
    settings = api.services.settings.model_copy(update={"uploads_per_minute": 3, "sign_ins_per_minute": 2})
    services = build_services(settings, api.services.database, lambda: moment)
    archive = FakeArchive()
    yield Api(create_app(services, archive, {}), services, archive)


def used(limits: RateLimits, who: str, tries: int = 20) -> int:
    """How many of these tries are let through."""
    let_through = 0
    for _ in range(tries):
        try:
            limits.take("upload", who)
            let_through += 1
        except Unavailable:
            pass
    return let_through


def test_the_next_upload_in_a_minute_hears_when_to_come_back(limited: Api) -> None:
    """503 and Retry-After on every upload door; another sender and other routes are not touched."""
    for _ in range(3):
        assert limited.upload(small()).status_code == 201
    related = b"--x\r\nContent-Type: application/dicom\r\n\r\n" + small() + b"\r\n--x--\r\n"
    for path, content_type, data in (
        ("/api/v1/dicom/upload", "application/dicom", small()),
        ("/api/v1/dicom/upload", "multipart/related; boundary=x", related),
        ("/api/v1/dicom-web/studies", "multipart/related; boundary=x", related),
        ("/instances", "application/dicom", small()),
    ):
        answer = limited.call("POST", path, "technician", data=data, content_type=content_type)
        assert (answer.status_code, answer.json["code"]) == (503, "rate_limited"), path
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert len(limited.archive.instances) == 3
    assert limited.upload(small(), "doctor").status_code == 201
    assert limited.get("/api/v1/dicom/studies", "technician").status_code == 200


def item(name: str, **parameters: int) -> str:
    """As in a list of RFC 9651 structured fields."""
    return ";".join([f'"{name}"', *(f"{key}={value}" for key, value in parameters.items())])


def test_every_upload_hears_what_is_left(limited: Api) -> None:
    """Stored or refused, by the short way and the general one, on each door; at the end nothing is left until the
    moment that Retry-After names too."""
    related = b"--x\r\nContent-Type: application/dicom\r\n\r\n" + small() + b"\r\n--x--\r\n"
    left: list[int] = []
    for path, content_type, data, status in (
        ("/api/v1/dicom/upload", "application/dicom", small(), 201),
        ("/api/v1/dicom-web/studies", "multipart/related; boundary=x", related, 200),
        ("/api/v1/dicom/upload", "application/dicom; general=way", b"", 422),
        ("/api/v1/dicom/upload", "application/dicom", small(), 503),
        ("/api/v1/dicom/upload", "application/dicom; general=way", small(), 503),
    ):
        answer = limited.call("POST", path, "technician", data=data, content_type=content_type)
        assert answer.status_code == status, path
        assert answer.headers.getlist("RateLimit-Policy") == [item("upload", q=3, w=60)], path
        [told] = answer.headers.getlist("RateLimit")
        seconds = int(told.rpartition("=")[2])
        assert told == item("upload", r=max(2 - len(left), 0), t=seconds)
        assert status != 503 or answer.headers["Retry-After"] == str(seconds)
        left.append(seconds)
    assert 1 <= min(left) == max(left) <= 60


def test_who_proves_a_password_hears_of_both_limits(limited: Api) -> None:
    """Of the address's, and of the name's from there."""
    answer = limited.call("POST", "/api/v1/auth/login", json={"username": "dora", "password": "wrong"})
    assert answer.status_code == 401
    policy = f"{item('sign_in_address', q=40, w=60)}, {item('sign_in', q=2, w=60)}"
    assert answer.headers["RateLimit-Policy"] == policy
    assert re.sub(r"t=\d+", "t", answer.headers["RateLimit"]) == '"sign_in_address";r=39;t, "sign_in";r=1;t'


def test_what_is_not_counted_tells_no_limit(limited: Api) -> None:
    """Routes without a limit, and who is not known or may not upload."""
    for answer in (
        limited.get("/api/v1/dicom/studies", "technician"),
        limited.get("/api/v1/health"),
        limited.upload(small(), "nurse"),
        limited.call("POST", "/api/v1/dicom/upload", data=small(), content_type="application/dicom"),
    ):
        assert not {"RateLimit", "RateLimit-Policy"} & set(answer.headers.keys()), answer.status_code


def test_the_document_names_the_headers_on_the_limited_routes_only(api: Api) -> None:
    """With each status, but 401 of an upload, whose sender is not known."""
    passwords = {("POST", "/api/v1/auth/login"), ("POST", "/api/v1/auth/password"), ("POST", "/api/v1/share/open")}
    limited = passwords | {route for route, need in ACCESS.items() if need in (Permission.UPLOAD, ATTACH)}
    for path, methods in api.get("/api/v1/openapi.json").json["paths"].items():
        for name, operation in methods.items():
            route = name.upper(), path
            for status, response in operation["responses"].items():
                expected = route in limited and (status != "401" or route in passwords)
                assert ({"RateLimit", "RateLimit-Policy"} <= set(response["headers"])) == expected, (route, status)


def test_sign_ins_are_limited_by_name_and_address(limited: Api) -> None:
    """The third try in a minute is not even looked at; another name is."""
    body = {"username": "dora", "password": "wrong"}
    codes = [limited.call("POST", "/api/v1/auth/login", json=body).json["code"] for _ in range(3)]
    assert codes == ["wrong_credentials", "wrong_credentials", "rate_limited"]
    answer = limited.call("POST", "/api/v1/auth/login", json=body | {"username": "nora"})
    assert answer.json["code"] == "wrong_credentials"


def audited(api: Api) -> list[tuple[str, str, str | None, dict[str, object]]]:
    api.services.refusals.flush()
    with api.services.database.read() as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.outcome == "refused").order_by(AuditEvent.id))
        return [(event.action, event.actor, event.address, event.detail) for event in events]


def test_uploads_over_the_limit_are_audited_as_one_event(limited: Api) -> None:
    """Who it was, through which door, how often; the ones that were let through are no refusals."""
    for _ in range(3 + 4):
        limited.upload(small())
    limited.call("POST", "/instances", "technician", data=small(), content_type="application/dicom")
    assert sorted((action, detail["route"], detail["count"]) for action, _, _, detail in audited(limited)) == [
        ("request.refused", "POST /api/v1/dicom/upload", 4),
        ("request.refused", "POST /instances", 1),
    ]
    assert {(actor, detail["code"]) for _, actor, _, detail in audited(limited)} == {("technician", "rate_limited")}


def test_sign_ins_over_the_limit_are_audited_without_the_name(limited: Api) -> None:
    """What is typed as a name may be a password; the two that were looked at have their own events."""
    for _ in range(2 + 5):
        limited.call("POST", "/api/v1/auth/login", json={"username": "dora", "password": "wrong"})
    events = audited(limited)
    assert [(action, actor, detail["code"]) for action, actor, _, detail in events] == [
        ("session.refused", "anonymous", "wrong_credentials"),
        ("session.refused", "anonymous", "wrong_credentials"),
        ("session.refused", "anonymous", "rate_limited"),
    ]
    assert facts(events[-1][3]) == {"code": "rate_limited", "route": "POST /api/v1/auth/login", "count": 5}
    assert events[-1][2] is not None
    assert "dora" not in str(events)


def test_one_address_cannot_try_names_without_end(limited: Api) -> None:
    """Twenty times the limit of one name."""
    codes = [
        limited.call("POST", "/api/v1/auth/login", json={"username": f"n{n}", "password": ""}).json["code"]
        for n in range(41)
    ]
    assert codes.count("rate_limited") == 1 and codes[-1] == "rate_limited"


def test_a_new_minute_begins_anew(database: Database, clock: Clock) -> None:
    """And the refusal says how long that is."""
    limits = RateLimits(database, clock, {"upload": 5})
    assert used(limits, "rita") == 5
    with pytest.raises(Unavailable) as refusal:
        limits.take("upload", "rita")
    assert refusal.value.retry_after_seconds == 48
    limits.reconcile()
    clock.now += timedelta(seconds=48)
    assert used(limits, "rita") == 5


def test_two_nodes_share_one_limit(database: Database, clock: Clock) -> None:
    """What the first node used up, the second one no longer gives, once both have told each other."""
    first, second = (RateLimits(database, clock, {"upload": 10}) for _ in range(2))
    assert (used(first, "rita", 4), used(second, "rita", 3)) == (4, 3)
    for node in (first, second, first):
        node.reconcile()
    # the second heard both; the first hears with its next count
    assert used(second, "rita") == 3
    second.reconcile()
    first.take("upload", "rita")
    first.reconcile()
    assert used(first, "rita") == 0
    assert used(second, "doctor") == 10


@pytest.mark.parametrize("what", ["sign_in", "sign_in_address", "share", "share_address"])
def test_what_guards_a_secret_holds_exactly_on_all_nodes(database: Database, clock: Clock, what: str) -> None:
    """Nobody has more tries at a password or a PIN because they ask two nodes at once. Nor does the database hear of
    those who are refused already."""
    nodes = [RateLimits(database, clock, {what: 6}) for _ in range(2)]
    let_through = []

    def tries(node: RateLimits) -> None:
        for _ in range(10):
            with suppress(UsedUp):
                let_through.append(node.take(what, "dora").remaining)

    threads = [Thread(target=tries, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(let_through) == [0, 1, 2, 3, 4, 5]
    begun: list[object] = []
    for engine in database.engines.different:
        event.listen(engine, "begin", begun.append)
    for node in nodes:
        with pytest.raises(UsedUp):
            node.take(what, "dora")
        node.reconcile()
    assert len(begun) <= 2  # rows of past minutes, once on each node
    assert nodes[0].take(what, "nora").remaining == 5
    clock.now += timedelta(minutes=1)
    assert nodes[1].take(what, "dora").remaining == 5


def test_counting_touches_no_database_and_telling_is_one_transaction(database: Database, clock: Clock) -> None:
    """A thousand uploads: not one statement; then one transaction for all."""
    limits = RateLimits(database, clock, {"upload": 2000})
    limits.reconcile()
    begun: list[object] = []
    for engine in database.engines.different:
        event.listen(engine, "begin", begun.append)
    assert used(limits, "rita", 1000) == 1000
    assert begun == []
    limits.reconcile()
    limits.reconcile()
    assert len(begun) == 1


def test_counts_survive_a_database_that_was_away(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are told the next time, once."""
    limits = RateLimits(database, clock, {"upload": 10})
    assert used(limits, "rita", 4) == 4
    with monkeypatch.context() as patched:
        patched.setattr(
            database, "write_relaxed", lambda: (_ for _ in ()).throw(Unavailable("database_unavailable", ""))
        )
        with pytest.raises(Unavailable):
            limits.reconcile()
    limits.reconcile()
    limits.reconcile()
    with database.read() as session:
        assert session.execute(text("SELECT count FROM rate_counts")).scalars().all() == [4]
    assert used(limits, "rita") == 6


def test_rows_of_past_minutes_go_away_and_hold_no_names(database: Database, clock: Clock) -> None:
    """The table stays small."""
    limits = RateLimits(database, clock, {"upload": 10})
    limits.take("upload", "rita")
    limits.reconcile()
    clock.now += timedelta(minutes=3)
    limits.take("upload", "dora")
    limits.reconcile()
    with database.read() as session:
        rows = session.execute(text("SELECT who_sha256, count FROM rate_counts")).all()
    assert len(rows) == 1 and "dora" not in rows[0][0]
