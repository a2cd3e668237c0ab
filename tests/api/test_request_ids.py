"""One id for the answer, the problem and the audit events of a request."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from ehr_bridge import request_id
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import OURSELVES, AuditFilters, Event
from ehr_bridge.services.bundle import utc_now
from tests.api.conftest import Api
from tests.support.samples import small

HERS = {"X-Request-Id": "her-own_1:2.3/4+5=6@7"}
PATIENT = {"family_name": "Lindqvist"}


def events(api: Api) -> list[tuple[str, Any]]:
    api.services.refusals.flush(last=True)
    with api.services.database.read() as session:
        found = audit.search(session, AuditFilters(), 100, 0).items
    return [(event.action, event.detail.get("request_id")) for event in found]


def test_the_callers_own_id_comes_back_and_stands_in_what_was_written(api: Api) -> None:
    """When the EHR asks what became of its call, both sides name it alike."""
    answer = api.call("PUT", "/api/v1/patients/MRN-1", "service", json=PATIENT, headers=HERS)
    assert answer.status_code == 201
    assert answer.headers.getlist("X-Request-Id") == [HERS["X-Request-Id"]]
    assert events(api) == [("patient.created", HERS["X-Request-Id"])]


@pytest.mark.parametrize("given", [None, "", "with space", "semi;colon", "new\tline", "x" * 129, "Åsa", '"quoted"'])
def test_another_id_is_made_where_the_callers_cannot_be_used(api: Api, given: str | None) -> None:
    headers = {} if given is None else {"X-Request-Id": given}
    first, second = (api.get("/api/v1/health", headers=headers).headers["X-Request-Id"] for _ in range(2))
    assert first != second
    assert {len(first), len(second)} == {36}


@pytest.mark.parametrize(
    ("method", "path", "roles", "options", "status"),
    [
        ("GET", "/api/v1/audit", (), {}, 401),
        ("GET", "/api/v1/audit", ("nurse",), {}, 403),
        ("GET", "/api/v1/nothing", ("nurse",), {}, 404),
        ("DELETE", "/api/v1/orders", ("nurse",), {}, 405),
        ("GET", "/api/v1/orders?limit=0", ("nurse",), {}, 422),
        ("PUT", "/api/v1/patients/MRN-1", ("service",), {"data": b"{", "content_type": "application/json"}, 400),
        ("POST", "/api/v1/dicom/upload", ("technician",), {"data": b"x", "content_type": "application/dicom"}, 422),
        ("POST", "/api/v1/dicom/upload", ("nurse",), {"data": b"x", "content_type": "application/dicom"}, 403),
    ],
)
def test_every_problem_says_the_id(
    api: Api, method: str, path: str, roles: tuple[str, ...], options: dict[str, Any], status: int
) -> None:
    answer = api.call(method, path, *roles, headers=HERS, **options)
    assert answer.status_code == status
    assert answer.headers["X-Request-Id"] == HERS["X-Request-Id"]
    assert answer.json is not None and answer.json["request_id"] == HERS["X-Request-Id"]


def test_a_stored_image_answers_with_its_id_on_the_short_way_too(api: Api) -> None:
    answer = api.upload(small(), headers=HERS)
    assert (answer.status_code, answer.headers["X-Request-Id"]) == (201, HERS["X-Request-Id"])
    assert {request for _, request in events(api)} == {HERS["X-Request-Id"]}


def test_a_refused_attempt_keeps_the_id_of_the_first_like_it(api: Api) -> None:
    for number in range(3):
        api.get("/api/v1/audit", "nurse", headers={"X-Request-Id": f"try-{number}"})
    assert events(api) == [("request.refused", "try-0")]


def test_a_defect_is_found_in_the_log_by_its_id(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The person reads the id to the administrator, who finds what happened."""
    seen: list[str | None] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(request_id.current())

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(api.services.patients, "search", broken)
    listener = Listener()
    logging.getLogger("ehr_bridge").addHandler(listener)
    try:
        answer = api.get("/api/v1/patients", "nurse", headers=HERS)
    finally:
        logging.getLogger("ehr_bridge").removeHandler(listener)
    assert answer.status_code == 500
    assert answer.json is not None and answer.json["request_id"] == HERS["X-Request-Id"]
    assert seen == [HERS["X-Request-Id"]]


def test_nothing_done_outside_a_request_has_an_id(api: Api) -> None:
    """A chore after a request is not taken for a part of it; and the chain holds with and without ids."""
    api.call("PUT", "/api/v1/patients/MRN-1", "service", json=PATIENT, headers=HERS)
    with api.services.database.write() as session:
        audit.append(session, OURSELVES, Event("study.purged"), utc_now())
    assert request_id.current() is None
    assert events(api) == [("study.purged", None), ("patient.created", HERS["X-Request-Id"])]
    assert api.get("/api/v1/audit/verify", "admin").json["ok"] is True


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("given", "trace"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"cc-{TRACE}-00f067aa0ba902b7-01-what-comes-later", TRACE),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-00f067aa0ba902b7-01-{'x' * 600}", None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_a_problem_names_the_trace_that_its_caller_follows(
    api: Api, caplog: pytest.LogCaptureFixture, given: str | None, trace: str | None
) -> None:
    """Whoever follows a call through several systems finds ours by the same id (W3C Trace Context)."""
    headers = {} if given is None else {"traceparent": given}
    assert api.get("/api/v1/nothing", "nurse", headers=headers).json.get("trace_id") == trace
    assert "trace_id" not in api.get("/api/v1/nothing", "nurse").json
    assert request_id.trace() is None
