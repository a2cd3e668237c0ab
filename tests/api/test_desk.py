"""People at the desk: registering, correcting, cancelling, beside the EHR; on both databases."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from ehr_bridge.api.app import create_app
from ehr_bridge.db.database import Database
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import GivenNumber, Order
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import build_services
from ehr_bridge.services.registry import searching
from ehr_bridge.services.registry.desk import Teller
from ehr_bridge.services.registry.orders import Orders
from ehr_bridge.services.registry.registration import AtOnce, Unidentified
from ehr_bridge.settings import Settings
from tests.api.conftest import Api, make_api
from tests.api.desk_steps import (
    ORDER,
    PERSON,
    asked,
    correct,
    correct_order,
    emergency,
    last_detail,
    patient,
    place,
    register,
)
from tests.api.feed_steps import poll, types
from tests.api.link_steps import audited, changes, order, put_order, put_patient
from tests.api.message_steps import verdict
from tests.support.archive import FakeArchive
from tests.support.messages import adt, orm
from tests.support.racing import race
from tests.support.server import SECRET, user_token

AT_THE_DESK = ("reception", "technician", "admin")
NOT_AT_THE_DESK = ("doctor", "nurse", "radiologist", "manager")
ACTS: tuple[tuple[str, str, dict[str, Any], int], ...] = (
    ("POST", "patients", PERSON, 201),
    ("POST", "patients/emergency", {"sex": "female"}, 201),
    ("PUT", "patients/MRN-1", PERSON | {"reason": "passport"}, 200),
    ("POST", "orders", ORDER | {"mrn": "MRN-1"}, 201),
    ("PUT", "orders/ACC-1", ORDER | {"mrn": "MRN-1", "reason": "changed by phone"}, 200),
    ("POST", "orders/ACC-1/arrival", {}, 200),
    ("DELETE", "orders/ACC-1/arrival", {}, 200),
    ("POST", "orders/ACC-1/cancel", {"reason": "did not come"}, 200),
    ("POST", "patients/MRN-2/merge/preview", {"into": "MRN-1"}, 200),
    ("POST", "patients/MRN-2/merge", {"into": "MRN-1", "reason": "registered twice"}, 202),
    ("POST", "patients/MRN-2/unmerge", {"reason": "two people after all"}, 202),
)


@pytest.mark.parametrize("role", AT_THE_DESK)
def test_every_act_of_the_desk_is_open_to_those_at_the_desk(api: Api, role: str) -> None:
    """One after the other, on what the EHR has told."""
    api.place_order()
    put_patient(api, "MRN-2", 201)
    for method, path, body, status in ACTS:
        asked(api, method, f"/api/v1/{path}", body, status, role)


@pytest.mark.parametrize("role", NOT_AT_THE_DESK)
def test_no_act_of_the_desk_is_open_to_others(api: Api, role: str) -> None:
    """And nothing is written."""
    api.place_order()
    put_patient(api, "MRN-2", 201)
    before = len(audited(api))
    for method, path, body, _ in ACTS:
        if (method, path) in {
            ("POST", "orders/ACC-1/arrival"),
            ("DELETE", "orders/ACC-1/arrival"),
        } and role == "doctor":
            continue  # whoever sends images may say that the patient is there
        assert asked(api, method, f"/api/v1/{path}", body, 403, role)["code"] == "permission_missing", path
    written = [action for action in audited(api)[before:] if action != "request.refused"]
    assert written == []


def test_the_desk_sends_no_batches_and_corrects_no_accession_number(api: Api) -> None:
    """These stay the EHR's, and so does undoing the latter."""
    api.place_order()
    number = {"accession_number": "ACC-9", "reason": "typing error"}
    change = asked(api, "POST", "/api/v1/orders/ACC-1/accession-number", number, 202, "service")
    for path in ("patients/batch", "orders/batch", "patients/MRN-1/patch", "orders/ACC-9/patch"):
        assert api.call("POST", f"/api/v1/{path}", "reception", json={"items": [{}]}).status_code == 403, path
    assert api.call("POST", "/api/v1/orders/ACC-9/accession-number", "reception", json=number).status_code == 403
    path = f"/api/v1/changes/{change['id']}/undo"
    assert asked(api, "POST", path, {"reason": "x"}, 403, "reception")["code"] == "permission_missing"
    asked(api, "POST", path, {"reason": "x"}, 202, "service")


def test_numbers_are_given_by_the_patterns_and_never_twice(api: Api) -> None:
    """What the EHR has already is passed over."""
    put_patient(api, "L0000002", 201)
    numbers = [register(api)["mrn"] for _ in range(3)]
    assert numbers == ["L0000001", "L0000003", "L0000004"]
    first, second = (place(api, numbers[0])["accession_number"] for _ in range(2))
    assert re.fullmatch(r"A\d{8}0001", first)
    assert second == first[:-1] + "2"


def test_patterns_of_a_site_are_obeyed_and_one_that_is_used_up_says_so(database: Database, tmp_path: Path) -> None:
    """Nothing is recorded without a number."""
    settings = Settings(
        jwt_secret=SecretStr(SECRET), data_dir=tmp_path, local_mrn="W{n:03}", local_accession="RADIOLOGY-{n:06}"
    )
    services, archive = build_services(settings, database), FakeArchive()
    api = Api(create_app(services, archive, {}), services, archive)
    mrn = register(api)["mrn"]
    assert (mrn, place(api, mrn)["accession_number"]) == ("W001", "RADIOLOGY-000001")
    with database.write() as session:
        session.get_one(GivenNumber, "accession").last = 999_999
    refused = place(api, mrn, status=409)
    assert refused["code"] == "no_number_left"
    assert api.get("/api/v1/orders", "nurse").json["total"] == 1


def test_two_desks_on_two_nodes_never_give_one_number_to_two_people(database: Database, tmp_path: Path) -> None:
    """At the same moment."""
    nodes = [make_api(database, tmp_path), make_api(database, tmp_path)]
    token = user_token("reception")
    calls = [
        (
            str(at),
            lambda api=nodes[at % 2]: api.call("POST", "/api/v1/patients", token=token, json=PERSON),
        )
        for at in range(8)
    ]
    outcomes = race(calls)
    assert [one.status for one in outcomes] == [201] * 8
    assert sorted(one.body["mrn"] for one in outcomes) == [f"L{count:07}" for count in range(1, 9)]


def test_a_process_killed_before_the_end_has_given_no_number(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patient, order, count and audit are one transaction: all of it or nothing."""

    class Killed(BaseException):
        pass

    def die(*_: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Orders, "_write", die)
        with pytest.raises(Killed):
            who, at_once = Unidentified("male", 40, None), AtOnce("CT", "CT", None, None)
            api.services.registration.register_unidentified(who, at_once, Origin("renu"), Teller(is_desk=True))
    assert api.get("/api/v1/patients", "nurse").json["total"] == 0
    assert "patient.created" not in audited(api)
    assert emergency(api)["patient"]["mrn"] == "L0000001"


def test_the_same_request_again_registers_nobody_twice(api: Api) -> None:
    """The answer was lost on the way."""
    headers = {"Idempotency-Key": "one"}
    first, again = (asked(api, "POST", "/api/v1/patients", PERSON, 201, "reception", headers=headers) for _ in range(2))
    assert first == again
    assert api.get("/api/v1/patients", "nurse").json["total"] == 1


def test_what_only_the_desk_has_said_it_changes_without_a_reason(api: Api) -> None:
    """Until the EHR tells it."""
    mrn = register(api)["mrn"]
    assert patient(api, mrn)["registered_here"] is True
    assert correct(api, mrn, given_name="Niels")["differs_from_ehr"] is False
    told = put_patient(api, mrn, 200, **PERSON)
    assert (told["registered_here"], told["given_name"]) == (False, "Nils")
    assert last_detail(api, "patient.updated")["settled"] == ["registered_here"]
    refused = correct(api, mrn, status=422, given_name="Niels")
    assert (refused["code"], refused["errors"][0]["field"]) == ("reason_required", "reason")
    assert patient(api, mrn)["given_name"] == "Nils"


def test_a_correction_of_what_the_ehr_told_differs_until_the_ehr_says_the_same(api: Api) -> None:
    """Only the fields that were changed."""
    put_patient(api, status=201)
    told: dict[str, Any] = {
        "family_name": "Lindqvist",
        "given_name": "Åsa",
        "birth_date": "1961-03-14",
        "sex": "female",
    }
    said = correct(api, "MRN-1", **told | {"birth_date": "1961-03-15", "reason": "passport seen"})
    assert (said["differs_from_ehr"], said["ehr_says"]) == (True, {"birth_date": "1961-03-14"})
    change = changes(api)[0]
    assert (change["reason"], change["changed_by"]) == ("passport seen", "reception")
    again = correct(api, "MRN-1", **told | {"birth_date": "1961-03-16", "reason": "read again"})
    assert again["ehr_says"] == {"birth_date": "1961-03-14"}
    agreed = put_patient(api, birth_date="1961-03-16")
    assert (agreed["differs_from_ehr"], agreed["ehr_says"], agreed["birth_date"]) == (False, {}, "1961-03-16")
    assert last_detail(api, "patient.updated") | {"request_id": ""} == {
        "fields": [], "settled": ["birth_date"], "request_id": "",
    }  # fmt: skip


def test_whoever_takes_the_correction_back_agrees_with_the_ehr(api: Api) -> None:
    """By saying it again, or by undoing it; and who undoes the EHR's own change differs from it."""
    put_patient(api, status=201)
    told: dict[str, Any] = {
        "family_name": "Lindqvist",
        "given_name": "Åsa",
        "birth_date": "1961-03-14",
        "sex": "female",
    }
    correct(api, "MRN-1", **told | {"sex": "other", "reason": "asked"})
    assert correct(api, "MRN-1", **told | {"reason": "asked again"})["differs_from_ehr"] is False
    correct(api, "MRN-1", **told | {"sex": "other", "reason": "asked"})
    undo = f"/api/v1/changes/{changes(api)[0]['id']}/undo"
    asked(api, "POST", undo, {"reason": "wrong patient"}, 202, "reception")
    assert patient(api, "MRN-1")["differs_from_ehr"] is False
    put_patient(api, given_name="Åse")
    undo = f"/api/v1/changes/{changes(api)[0]['id']}/undo"
    asked(api, "POST", undo, {"reason": "it is Åsa"}, 202, "reception")
    now = patient(api, "MRN-1")
    assert (now["given_name"], now["ehr_says"]) == ("Åsa", {"given_name": "Åse"})


@pytest.mark.parametrize("door", ["put", "patch", "batch", "hl7"])
def test_the_next_word_of_the_ehr_wins_and_says_so(api: Api, door: str) -> None:
    """By every door; of a field that a message does not name the desk's word stays."""
    assert verdict(api, adt("A04")) == "AA"
    before = patient(api, "MRN-1")
    whole: dict[str, Any] = {
        name: before[name] for name in ("family_name", "given_name", "middle_name", "prefix", "birth_date", "sex")
    }
    correct(api, "MRN-1", **whole | {"sex": "other", "birth_date": "1961-03-15", "reason": "asked"})
    part = {"sex": "female"}
    if door == "put":
        asked(api, "PUT", "/api/v1/patients/MRN-1", whole, 200, "service")
    elif door == "patch":
        asked(api, "POST", "/api/v1/patients/MRN-1/patch", part, 200, "service")
    elif door == "batch":
        body = {"items": [part | {"mrn": "MRN-1"}], "partial": True}
        assert asked(api, "POST", "/api/v1/patients/batch", body, 200, "service")["updated"] == 1
    else:
        assert verdict(api, adt("A08").replace("|19610314|", "||")) == "AA"
    now = patient(api, "MRN-1")
    stays = {} if door == "put" else {"birth_date": "1961-03-14"}
    assert (now["sex"], now["ehr_says"], now["differs_from_ehr"]) == ("female", stays, bool(stays))
    assert now["birth_date"] == ("1961-03-14" if door == "put" else "1961-03-15")
    assert "sex" in last_detail(api, "patient.updated")["settled"]
    assert changes(api)[0]["reason"] == "from the EHR, where the desk had said otherwise"


def test_an_order_is_corrected_like_a_patient(api: Api) -> None:
    """Fields, steps, and whose it is; the EHR's next word wins."""
    placed = api.place_order()
    put_patient(api, "MRN-2", 201)
    whole: dict[str, Any] = {"modality": "MR", "description": "MR brain", "ordered_by": "Ekström^Maria"}
    assert correct_order(api, "ACC-1", "MRN-1", 422, **whole | {"modality": "CT"})["code"] == "reason_required"
    said = correct_order(api, "ACC-1", "MRN-2", **whole | {"reason": "wrong person chosen"})
    assert (said["mrn"], said["ehr_says"]) == ("MRN-2", {"patient_id": placed["patient_id"]})
    assert changes(api, "?kind=order_updated")[0]["reason"] == "wrong person chosen"
    won = put_order(api)
    assert (won["mrn"], won["differs_from_ehr"]) == ("MRN-1", False)
    assert last_detail(api, "order.updated")["settled"] == ["patient_id"]


def test_the_desk_does_not_say_what_only_the_ehr_can_know(api: Api) -> None:
    """When it knew something, how far an order is, and under which UID the images come."""
    mrn = register(api)["mrn"]
    refused = correct(api, mrn, status=422, as_of="2026-11-29T08:00:00Z")
    assert [one["field"] for one in refused["errors"]] == ["as_of"]
    for field, value in (("status", "reported"), ("scheduled_study_instance_uid", "1.2.3")):
        body = ORDER | {"mrn": mrn, field: value}
        refused = asked(api, "POST", "/api/v1/orders", body, 422, "reception")
        assert [one["field"] for one in refused["errors"]] == [field]


def test_an_order_of_the_desk_is_on_the_worklist_until_it_is_cancelled(api: Api) -> None:
    """Like any other; and nobody must say why for what only the desk has said."""
    mrn = register(api)["mrn"]
    number = place(api, mrn, scheduled_at="2026-11-29T08:00:00Z")["accession_number"]
    assert order(api, number)["registered_here"] is True
    assert _offered(api) == [number]
    asked(api, "POST", f"/api/v1/orders/{number}/cancel", {}, 200, "reception")
    assert _offered(api) == []
    assert types(poll(api)[0]) == ["patient.created", "order.created", "order.cancelled"]


def _offered(api: Api) -> list[str]:
    """As the query of the worklist begins."""
    with api.services.database.read() as session:
        offered = (Order.status == OrderStatus.SCHEDULED) & ~Order.made_here
        return list(session.scalars(select(Order.accession_number).where(offered)))


def test_a_cancellation_of_the_desk_differs_until_the_ehr_cancels_too(api: Api) -> None:
    """With a reason; what the EHR says of the order meanwhile does not bring it back, and is told so."""
    api.place_order()
    path = "/api/v1/orders/ACC-1/cancel"
    assert api.call("POST", path, "reception").json["code"] == "reason_required"
    said = asked(api, "POST", path, {"reason": "did not come"}, 200, "reception")
    assert (said["status"], said["ehr_says"]) == ("cancelled", {"status": "scheduled"})
    assert changes(api, "?kind=order_cancelled")[0]["reason"] == "did not come"
    answer = api.call("PUT", "/api/v1/orders/ACC-1", "service", json=ORDER | {"mrn": "MRN-1", "status": "arrived"})
    assert answer.json["code"] == "order_state"
    agreed = api.call("POST", path, "service")
    assert (agreed.status_code, agreed.json["differs_from_ehr"]) == (200, False)


def test_undoing_a_cancellation_of_the_desk_agrees_with_the_ehr_again(api: Api) -> None:
    """And undoing one of the EHR's differs from it."""
    api.place_order()
    for role, differs in (("reception", False), ("service", True)):
        asked(api, "POST", "/api/v1/orders/ACC-1/cancel", {"reason": "did not come"}, 200, role)
        undo = f"/api/v1/changes/{changes(api, '?kind=order_cancelled')[0]['id']}/undo"
        asked(api, "POST", undo, {"reason": "came after all"}, 202, "reception")
        assert (order(api)["status"], order(api)["differs_from_ehr"]) == ("scheduled", differs)


def test_a_number_given_here_that_the_ehr_uses_for_somebody_else_takes_nothing_along(api: Api) -> None:
    """By REST and HL7: the images of the desk's order stay with its patient until a person has looked."""
    mrn = register(api)["mrn"]
    number = place(api, mrn)["accession_number"]
    assert verdict(api, orm("NW", number, "MRN-1")) == "AA"
    now = order(api, number)
    assert (now["mrn"], now["registered_here"]) == ("MRN-1", False)


def test_two_desks_at_once_do_not_write_over_each_other(api: Api) -> None:
    """The second hears that somebody was faster."""
    mrn = register(api)["mrn"]
    tag = api.get(f"/api/v1/patients/{mrn}", "reception").headers["ETag"]
    path, headers = f"/api/v1/patients/{mrn}", {"If-Match": tag}
    first = api.call("PUT", path, "reception", json=PERSON | {"given_name": "Niels"}, headers=headers)
    second = api.call("PUT", path, "technician", json=PERSON | {"sex": "other"}, headers=headers)
    assert (first.status_code, second.status_code, second.json["code"]) == (200, 412, "version_changed")
    assert patient(api, mrn)["sex"] == "male"


def test_the_reception_may_choose_a_station_but_not_change_one(api: Api) -> None:
    """It reads the list of modalities."""
    body = {"host": "10.0.3.17", "port": 104, "may": ["worklist"]}
    asked(api, "PUT", "/api/v1/modalities/CT2", body, 201, "admin")
    assert api.get("/api/v1/modalities", "reception").json["items"][0]["ae_title"] == "CT2"
    assert api.call("PUT", "/api/v1/modalities/CT2", "reception", json=body).status_code == 403
    assert api.get("/api/v1/modalities/CT2", "reception").status_code == 403


@pytest.mark.parametrize("most", [searching.MOST, 0], ids=["few", "many"])
@pytest.mark.parametrize(
    "words",
    [
        "berg",
        "nils berg",
        "Berg, Nils",
        "BÉRG",
        "1950-01-02",
        "2.1.1950",
        "19500102",
        "000001",
        "L0000001",
        "l0000001",
        "erg ils",
    ],
)
def test_a_patient_is_found_by_any_part(api: Api, words: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names in either order, without accents; birth date; any part of the number, in capitals or not; and a part of an
    order's number. However many are found."""
    monkeypatch.setattr(searching, "MOST", most)
    mrn = register(api)["mrn"]
    register(api, family_name="Zimmer", given_name="Ida", birth_date="1990-09-09")
    number = place(api, mrn)["accession_number"]
    for query in (words, number, number.lower(), number[5:]):
        found = api.get("/api/v1/patients", "reception", query_string={"q": query}).json["items"]
        assert [one["mrn"] for one in found] == [mrn], query
    found = api.get("/api/v1/orders", "reception", query_string={"q": words}).json["items"]
    assert [one["accession_number"] for one in found] == [number]
