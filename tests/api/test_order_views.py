"""Views of the list of orders: saved for oneself or for everybody, changed, removed; and with which the list opens."""

from __future__ import annotations

from typing import Any

import pytest

from ehr_bridge.services.day import views
from tests.api.conftest import Api, facts
from tests.support.server import user_token

VIEWS, CHOICES = "/api/v1/day/views", "/api/v1/day/choices"
CT = {
    "name": "CT today",
    "filters": {"day": "today", "modality": "CT", "status": "scheduled,arrived", "assigned_to": "me"},
    "sort": "-scheduled_at",
    "columns": ["patient", "scheduled", "status"],
}
NOBODYS = "6f6b0e3e-6f0e-4c3b-8a44-1d1a4d1f2f10"


def saved(api: Api, who: str = "tore", role: str = "technician", expect: int = 201, **changes: Any) -> dict[str, Any]:
    answer = api.call("POST", VIEWS, token=user_token(role, subject=who), json=CT | changes)
    assert answer.status_code == expect, answer.json
    return dict(answer.json)


def names(api: Api, who: str) -> list[str]:
    return [one["name"] for one in api.get(VIEWS, token=user_token("technician", subject=who)).json["items"]]


def test_a_person_saves_a_view_and_finds_it_again(api: Api) -> None:
    """Everything that was set, and nobody else sees it."""
    view = saved(api)
    assert {name: view[name] for name in CT} == CT
    assert (view["is_mine"], view["is_shared"], view["owner"]) == (True, False, "tore")
    assert (names(api, "tore"), names(api, "tina")) == (["CT today"], [])
    tina = user_token("technician", subject="tina")
    assert api.get(f"{VIEWS}/{view['id']}", token=tina).json["code"] == "view_not_found"
    assert api.call("DELETE", f"{VIEWS}/{view['id']}", token=tina).status_code == 404


def test_an_administrator_shares_a_view_with_everybody(api: Api) -> None:
    """Others use it and do not change it; who may not share is told so."""
    view = saved(api, "ada", "admin", name="Overdue", is_shared=True)
    assert names(api, "tina") == ["Overdue"]
    seen = api.get(f"{VIEWS}/{view['id']}", token=user_token("technician", subject="tina")).json
    assert (seen["is_mine"], seen["owner"]) == (False, "ada")
    tina = user_token("technician", subject="tina")
    assert api.call("PUT", f"{VIEWS}/{view['id']}", token=tina, json=CT).json["code"] == "view_not_yours"
    assert api.call("DELETE", f"{VIEWS}/{view['id']}", token=tina).status_code == 403
    assert saved(api, is_shared=True, expect=403)["code"] == "view_not_shared"


def test_two_tabs_do_not_overwrite_each_other(api: Api) -> None:
    view = saved(api)
    path, tore = f"{VIEWS}/{view['id']}", user_token("technician", subject="tore")
    tag = api.get(path, token=tore).headers["ETag"]
    first = api.call("PUT", path, token=tore, json=CT | {"name": "CT"}, headers={"If-Match": tag})
    second = api.call("PUT", path, token=tore, json=CT | {"name": "MR"}, headers={"If-Match": tag})
    assert (first.status_code, second.status_code, names(api, "tore")) == (200, 412, ["CT"])


def test_one_name_is_one_view_and_there_is_an_end_to_them(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each person: a colleague may have the same name."""
    view = saved(api)
    assert saved(api, expect=409)["code"] == "view_exists"
    saved(api, "tina")
    assert (
        api.call("PUT", f"{VIEWS}/{view['id']}", token=user_token("technician", subject="tore"), json=CT).json == view
    )
    monkeypatch.setattr(views, "MOST_VIEWS", 1)
    assert saved(api, name="Another", expect=409)["code"] == "views_full"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"sort": "colour"}, "sort"),
        ({"columns": ["colour"]}, "columns.0"),
        ({"filters": {"q": "Smith"}}, "filters.q"),
        ({"filters": {"day": "someday"}}, "filters.day"),
        ({"filters": {"status": "gone"}}, "filters.status"),
    ],
)
def test_what_no_list_understands_is_not_saved(api: Api, change: dict[str, Any], field: str) -> None:
    """Nor what was searched for: it is often a name."""
    answer = saved(api, expect=422, **change)
    assert answer["errors"][0]["field"].startswith(field.partition(".")[0])
    assert names(api, "tore") == []


def test_the_list_opens_with_the_view_somebody_has_chosen(api: Api) -> None:
    """Until it is removed, or not shared any more; columns of the list without a view are kept beside it."""
    tore, ada = user_token("technician", subject="tore"), user_token("admin", subject="ada")
    assert api.get(CHOICES, token=tore).json == {"view_id": None, "columns": None}
    view = saved(api, "ada", "admin", is_shared=True)
    chosen = {"view_id": view["id"], "columns": ["patient", "status"]}
    assert api.call("PUT", CHOICES, token=tore, json=chosen).json == chosen
    assert api.get(CHOICES, token=tore).json == chosen
    assert api.get(CHOICES, token=ada).json["view_id"] is None
    path = f"{VIEWS}/{view['id']}"
    assert api.call("PUT", path, token=ada, json=CT).status_code == 200
    assert api.get(CHOICES, token=tore).json["view_id"] is None
    assert api.call("PUT", path, token=ada, json=CT | {"is_shared": True}).status_code == 200
    assert api.get(CHOICES, token=tore).json == chosen
    assert api.call("DELETE", path, token=ada).status_code == 204
    assert api.get(CHOICES, token=tore).json == {"view_id": None, "columns": ["patient", "status"]}
    assert api.call("PUT", CHOICES, token=tore, json={"view_id": NOBODYS}).json["code"] == "view_not_found"


def test_each_change_is_in_the_audit_trail_without_the_name(api: Api) -> None:
    """A view may be called by a patient."""
    tore = user_token("technician", subject="tore")
    view = saved(api)
    api.call("PUT", CHOICES, token=tore, json={"view_id": view["id"]})
    api.call("DELETE", f"{VIEWS}/{view['id']}", token=tore)
    events = [one for one in api.get("/api/v1/audit", "admin").json["items"] if "view" in one["action"]][::-1]
    assert [one["action"] for one in events] == ["order_view.made", "order_view.chosen", "order_view.removed"]
    assert facts(events[0]["detail"]) == {"view_id": view["id"], "shared": False}
