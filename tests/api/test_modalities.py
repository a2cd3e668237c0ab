"""Registering modalities, on both databases: what may be said of one, who may, and what is on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ehr_bridge.api.interfaces.modalities import ECHO
from ehr_bridge.db.states import May
from tests.api.conftest import Api, facts

CT2: dict[str, Any] = {"host": "10.0.3.17", "port": 104, "may": ["worklist", "store"]}


def put(api: Api, ae_title: str = "CT2", headers: dict[str, str] | None = None, **changes: Any) -> Any:
    body = {name: value for name, value in (CT2 | changes).items() if value != ""}
    return api.call("PUT", f"/api/v1/modalities/{ae_title}", "admin", json=body, headers=headers or {})


def audited(api: Api) -> list[tuple[str, dict[str, Any]]]:
    items = api.get("/api/v1/audit", "admin").json["items"]
    return [(one["action"], facts(one["detail"])) for one in items if one["action"].startswith("modality.")][::-1]


def test_a_modality_is_registered_changed_and_removed(api: Api) -> None:
    told: list[set[str]] = []
    api.services.modalities.follow(lambda: told.append(set(api.services.modalities.refresh())))
    made = put(api)
    assert made.status_code == 201
    assert {name: made.json[name] for name in ("ae_title", "may", "charset", "description")} == {
        "ae_title": "CT2",
        "may": ["store", "worklist"],
        "charset": None,
        "description": None,
    }
    assert put(api, "ct2").json["ae_title"] == "ct2"
    assert api.get("/api/v1/modalities/Ct2", "admin").json["ae_title"] == "ct2"
    changed = put(api, "CT2", host="ct2.example", charset="utf8", description="CT 2, ground floor", may=[])
    assert (changed.status_code, changed.json["may"], changed.json["charset"]) == (200, [], "utf8")
    again = put(api, "CT2", host="ct2.example", charset="utf8", description="CT 2, ground floor", may=[])
    assert (again.status_code, again.json) == (200, changed.json)
    known = api.services.modalities.known(" ct2 ")
    assert known is not None
    assert (known.host, known.may) == ("ct2.example", frozenset())
    listed = api.get("/api/v1/modalities", "admin").json
    assert (listed["total"], listed["items"]) == (1, [changed.json])
    assert api.call("DELETE", "/api/v1/modalities/CT2", "admin").status_code == 204
    gone = api.get("/api/v1/modalities/CT2", "admin")
    assert (gone.status_code, gone.json["code"]) == (404, "modality_not_found")
    assert api.services.modalities.known("CT2") is None
    assert told == [{"CT2"}, {"CT2"}, {"CT2"}, set()]
    everything = ["ae_title", "charset", "description", "host", "may", "port"]
    assert audited(api) == [
        (
            "modality.registered",
            {"ae_title": "CT2", "fields": ["ae_title", "host", "may", "port"], "may": CT2["may"][::-1]},
        ),
        ("modality.changed", {"ae_title": "ct2", "fields": ["ae_title"], "may": CT2["may"][::-1]}),
        ("modality.changed", {"ae_title": "CT2", "fields": [one for one in everything if one != "port"], "may": []}),
        ("modality.removed", {"ae_title": "CT2"}),
    ]


def test_nobody_overwrites_what_they_have_not_seen(api: Api) -> None:
    made = put(api, headers={"If-None-Match": "*"})
    assert made.status_code == 201
    assert put(api, headers={"If-None-Match": "*"}).json["code"] == "already_exists"
    seen = made.headers["ETag"]
    assert put(api, headers={"If-Match": seen}, port=105).status_code == 200
    stale = put(api, headers={"If-Match": seen}, port=106)
    assert (stale.status_code, stale.json["code"]) == (412, "version_changed")
    removed = api.call("DELETE", "/api/v1/modalities/CT2", "admin", headers={"If-Match": seen})
    assert removed.status_code == 412
    assert api.get("/api/v1/modalities/CT2", "admin").json["port"] == 105


@pytest.mark.parametrize("title", ["SEVENTEEN-LETTERS", "CT\\2", "CT%202", "M%C3%9C", "CT.", "%09"])
def test_what_cannot_be_an_ae_title_here_is_refused(api: Api, title: str) -> None:
    refused = put(api, title)
    assert (refused.status_code, refused.json["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "10.0.3.17:104"},
        {"host": "ct 2"},
        {"host": " "},
        {"port": 0},
        {"port": 65536},
        {"may": ["find"]},
        {"may": ["store"] * 6},
        {"charset": "klingon"},
        {"description": "x" * 256},
        {"description": "a\nb"},
        {"AllowFind": True},
    ],
)
def test_what_a_modality_cannot_be_is_refused(api: Api, changes: dict[str, Any]) -> None:
    refused = put(api, **changes)
    assert (refused.status_code, refused.json["code"]) == (422, "invalid_request")
    assert audited(api) == []


def test_everything_that_a_modality_may_can_be_said(api: Api) -> None:
    assert put(api, may=[*May]).json["may"] == sorted(May)


def test_modalities_are_found_and_sorted(api: Api) -> None:
    for title, description in (("MR1", "Neuro"), ("CT1", None), ("US1", "neuro ward")):
        assert put(api, title, description=description or "").status_code == 201

    def titles(query: str) -> list[str]:
        return [one["ae_title"] for one in api.get(f"/api/v1/modalities{query}", "admin").json["items"]]

    assert titles("") == ["CT1", "MR1", "US1"]
    assert titles("?sort=-ae_title") == ["US1", "MR1", "CT1"]
    assert titles("?sort=updated_at") == ["MR1", "CT1", "US1"]
    assert titles("?q=NEURO") == ["MR1", "US1"]
    assert titles("?q=ct") == ["CT1"]
    assert titles("?limit=1&offset=1") == ["MR1"]


def test_an_echo_answers_whatever_becomes_of_it(api: Api) -> None:
    @dataclass
    class Outcome:
        ok: bool
        milliseconds: int
        error: str | None

    asked: list[str] = []

    def echo(ae_title: str) -> Outcome:
        asked.append(ae_title)
        return Outcome(False, 5000, "It did not answer.")

    api.client.application.extensions[ECHO] = echo
    put(api)
    answer = api.call("POST", "/api/v1/modalities/ct2/echo", "admin")
    assert (answer.status_code, answer.json) == (200, {"ok": False, "ms": 5000, "error": "It did not answer."})
    assert asked == ["CT2"]
    assert api.call("POST", "/api/v1/modalities/MR1/echo", "admin").json["code"] == "modality_not_found"


@pytest.mark.parametrize("role", ["technician", "reception", "doctor", "nurse", "radiologist", "manager", "service"])
def test_only_who_sets_up_interfaces_may(api: Api, role: str) -> None:
    may_read = role in {"technician", "reception", "doctor", "radiologist"}  # to choose a station, or whom to send to
    assert api.get("/api/v1/modalities", role).status_code == (200 if may_read else 403)
    assert api.call("PUT", "/api/v1/modalities/CT2", role, json=CT2).status_code == 403
