"""Who does the examination of an order: taken, given to somebody, taken over, given back."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api, facts
from tests.api.day_steps import place
from tests.api.privacy_steps import restrict
from tests.api.report_steps import signed, with_images
from tests.support.server import user_token

TORE = ("technician", "tore", "Tore Tech")
TINA = ("technician", "tina", "Tina Tech")
DESK = ("reception", "rune", "Rune Reception")


def assign(api: Api, who: tuple[str, str, str], number: str = "A1", expect: int = 200, **body: Any) -> dict[str, Any]:
    answer = api.call("POST", f"/api/v1/orders/{number}/assignment", token=token(who), json=body)
    assert answer.status_code == expect, answer.json
    return dict(answer.json)


def token(who: tuple[str, str, str]) -> str:
    role, subject, name = who
    return user_token(role, subject=subject, name=name)


def give_back(api: Api, who: tuple[str, str, str], number: str = "A1", query: str = "") -> Any:
    return api.call("DELETE", f"/api/v1/orders/{number}/assignment{query}", token=token(who))


def audited(api: Api) -> list[tuple[str, str, dict[str, Any]]]:
    events = api.get("/api/v1/audit?limit=500", "admin").json["items"][::-1]
    return [(one["action"], one["actor"], facts(one["detail"])) for one in events if "assigned" in one["action"]]


def listed(api: Api, query: str, who: tuple[str, str, str] = TORE) -> list[str]:
    return [one["accession_number"] for one in api.get(f"/api/v1/orders?{query}", token=token(who)).json["items"]]


def test_a_technician_takes_an_examination_and_gives_it_back(api: Api) -> None:
    """Each is in the audit trail; to take what one has already changes nothing, and so is no event."""
    place(api, "A1")
    taken = assign(api, TORE)
    assert (taken["assigned_to"], taken["assigned_name"]) == ("tore", "Tore Tech")
    assert taken["assigned_at"]
    assert assign(api, TORE) == taken
    assert give_back(api, TORE).json["assigned_to"] is None
    assert give_back(api, TORE).json["assigned_name"] is None
    assert audited(api) == [
        ("order.assigned", "tore", {"assigned_to": "tore", "former": None}),
        ("order.unassigned", "tore", {"assigned_to": None, "former": "tore"}),
    ]


def test_what_a_colleague_does_is_taken_over_on_purpose_only(api: Api) -> None:
    """Two press at once: the second is told who was first."""
    place(api, "A1")
    assign(api, TORE)
    refused = assign(api, TINA, expect=409)
    assert (refused["code"], "Tore Tech" in refused["detail"]) == ("order_assigned", True)
    assert assign(api, TINA, take_over=True)["assigned_name"] == "Tina Tech"
    assert audited(api)[-1] == ("order.assigned", "tina", {"assigned_to": "tina", "former": "tore"})


def test_nobody_makes_an_examination_nobodys_while_a_colleague_is_at_it(api: Api) -> None:
    """From a page of before, two would examine. On purpose it can be done, and the colleague's name is in the trail."""
    place(api, "A1")
    assign(api, TORE)
    refused = give_back(api, TINA)
    assert (refused.status_code, refused.json["code"], "Tore Tech" in refused.json["detail"]) == (
        409,
        "order_assigned",
        True,
    )
    assert api.get("/api/v1/orders/A1", "nurse").json["assigned_to"] == "tore"
    assert give_back(api, TINA, query="?take_over=true").json["assigned_to"] is None
    assert audited(api)[-1] == ("order.unassigned", "tina", {"assigned_to": None, "former": "tore"})
    assert give_back(api, TINA).status_code == 200, "it is nobody's already"


def test_the_desk_gives_an_examination_to_somebody(api: Api) -> None:
    """By the name of an account here, or of somebody who had one before; for others it says who that is."""
    place(api, "A1")
    place(api, "A2")
    account = {"username": "anna", "full_name": "Anna Ask", "roles": ["technician"], "password": "a long password"}
    assert api.call("POST", "/api/v1/accounts", "admin", json=account).status_code == 201
    assert assign(api, DESK, assigned_to="anna", name="Not Anna")["assigned_name"] == "Anna Ask"
    refused = assign(api, DESK, "A2", expect=422, assigned_to="ehr-7")
    assert (refused["code"], refused["errors"][0]["field"]) == ("person_unknown", "assigned_to")
    assert assign(api, DESK, "A2", assigned_to="ehr-7", name="Eva Ehr")["assigned_name"] == "Eva Ehr"
    people = api.get("/api/v1/day/people", token=token(DESK)).json
    assert people["items"] == [{"subject": "anna", "name": "Anna Ask"}, {"subject": "ehr-7", "name": "Eva Ehr"}]
    assert assign(api, DESK, assigned_to="ehr-7", take_over=True)["assigned_name"] == "Eva Ehr"


def test_an_account_that_was_switched_off_gets_no_examination(api: Api) -> None:
    """Nor is it offered."""
    place(api, "A1")
    account = {"username": "anna", "full_name": "Anna Ask", "roles": ["technician"], "password": "a long password"}
    api.call("POST", "/api/v1/accounts", "admin", json=account)
    off = {"full_name": "Anna Ask", "roles": ["technician"], "active": False}
    assert api.call("PUT", "/api/v1/accounts/anna", "admin", json=off).status_code == 200
    assert assign(api, DESK, expect=422, assigned_to="anna")["code"] == "person_unknown"
    assert api.get("/api/v1/day/people", token=token(DESK)).json["items"] == []


def test_the_list_shows_mine_what_is_free_and_what_a_person_has(api: Api) -> None:
    for number in ("A1", "A2", "A3"):
        place(api, number)
    assign(api, TORE, "A1")
    assign(api, TINA, "A2")
    assert listed(api, "assigned_to=me") == ["A1"]
    assert listed(api, "assigned_to=nobody") == ["A3"]
    assert listed(api, "assigned_to=tina") == ["A2"]
    assert listed(api, "assigned_to=nobody", DESK) == ["A3"]
    assert listed(api, "assigned_to=me", DESK) == []
    assert listed(api, "sort=assigned_to") == ["A2", "A1", "A3"]


def test_what_is_over_is_assigned_to_nobody_any_more(api: Api) -> None:
    """Who did it stays to be read."""
    place(api, "A1")
    assign(api, TORE)
    api.call("POST", "/api/v1/orders/A1/cancel", "service")
    assert assign(api, TINA, expect=409, take_over=True)["code"] == "order_state"
    assert give_back(api, TORE).json["code"] == "order_state"
    assert api.get("/api/v1/orders/A1", "nurse").json["assigned_name"] == "Tore Tech"
    with_images(api)
    signed(api, order_id="ACC-1")
    assert assign(api, TORE, "ACC-1", expect=409)["code"] == "order_state"


def test_two_who_saw_the_same_row_do_not_both_get_it(api: Api) -> None:
    """A condition holds of an assignment too; and what the EHR tells later leaves it as it is."""
    place(api, "A1")
    tag = api.get("/api/v1/orders/A1", "nurse").headers["ETag"]
    assign(api, TORE)
    late = api.call("DELETE", "/api/v1/orders/A1/assignment", token=token(TINA), headers={"If-Match": tag})
    assert late.status_code == 412
    body = {"mrn": "MRN-A1", "modality": "CT", "description": "CT abdomen"}
    told = api.call("PUT", "/api/v1/orders/A1", "service", json=body)
    assert (told.status_code, told.json["assigned_to"]) == (200, "tore")


def test_who_only_reads_assigns_nothing(api: Api) -> None:
    place(api, "A1")
    assert assign(api, ("nurse", "nora", "Nora Nurse"), expect=403)["code"] == "permission_missing"
    assert api.get("/api/v1/day/people", "nurse").status_code == 403


def test_an_order_is_not_given_to_somebody_who_may_not_see_its_patient(api: Api) -> None:
    """It would stand in nobody's list; the refusal says whom to ask, and names the person, not the patient."""
    place(api, "A1")
    mrn = api.get("/api/v1/orders/A1", token=token(TORE)).json["mrn"]
    restrict(api, mrn, "tore")
    refused = assign(api, TORE, expect=409, assigned_to="tina", name="Tina Tech")
    assert (refused["code"], "Tina Tech" in refused["detail"], mrn in refused["detail"]) == (
        "assignee_may_not_see",
        True,
        False,
    )
    assert assign(api, TORE)["assigned_to"] == "tore"
    assert assign(api, TORE, expect=409, assigned_to="tina", name="Tina", take_over=True)["code"] == (
        "assignee_may_not_see"
    )
    restrict(api, mrn, "tore", "tina")
    assert assign(api, TORE, assigned_to="tina", name="Tina Tech", take_over=True)["assigned_to"] == "tina"
