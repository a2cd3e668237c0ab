"""Batches of patients and orders: each item as if it were sent alone, some at a time in one transaction."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from ehr_bridge.api.app import create_app
from ehr_bridge.api.registry import batches
from ehr_bridge.db.database import Database
from ehr_bridge.services.bundle import build_services
from ehr_bridge.services.registry.patients import Patients
from ehr_bridge.settings import Settings
from tests.api.conftest import Api
from tests.api.feed_steps import poll, types
from tests.api.link_steps import audited, order, post, put_order, put_patient, study
from tests.api.privacy_steps import restrict
from tests.api.tag_steps import jobs, store
from tests.support.archive import FakeArchive
from tests.support.server import SECRET
from tests.support.steps import eventually

PATIENTS, ORDERS = "/api/v1/patients/batch", "/api/v1/orders/batch"
PERSON = {"family_name": "Lindqvist", "given_name": "Åsa", "birth_date": "1961-03-14", "sex": "female"}
MR = {"mrn": "MRN-1", "modality": "MR", "description": "MR brain", "ordered_by": "Ekström^Maria"}
MOMENTS = {"id", "created_at", "updated_at", "study_instance_uid", "scheduled_study_instance_uid", "patient_id"}


def tell(api: Api, path: str, *items: dict[str, Any], role: str = "service", **options: Any) -> list[dict[str, Any]]:
    answer = api.call("POST", path, role, json={"items": list(items), **options})
    assert answer.status_code == 200, answer.json
    assert [answer.json[status] for status in ("created", "updated", "failed")] == [
        sum(item["status"] == status for item in answer.json["items"]) for status in ("created", "updated", "failed")
    ]
    return list(answer.json["items"])


def said(items: list[dict[str, Any]]) -> list[str]:
    """The outcome of each, or its code."""
    return [item["error"]["code"] if item["error"] else item["status"] for item in items]


def records(api: Api, kind: str) -> list[dict[str, Any]]:
    """What the API shows of all of them, without ids and moments."""
    items = api.get(f"/api/v1/{kind}?limit=500", "service").json["items"]
    return [{name: value for name, value in one.items() if name not in MOMENTS} for one in items]


def test_orders_are_placed_with_an_outcome_for_each(api: Api) -> None:
    """A bad item keeps no other out, says why, and saying all of it again changes nothing."""
    put_patient(api, status=201)
    uid = "1.2.3.4"
    items: list[dict[str, Any]] = [
        {"accession_number": "ACC-1", **MR, "scheduled_study_instance_uid": uid, "status": "arrived"},
        {"accession_number": "ACC-2", **MR, "mrn": "MRN-9"},
        {"accession_number": "ACC-3", **MR, "modality": "mr"},
        {"accession_number": "ACC-4", **MR, "scheduled_study_instance_uid": uid},
        MR,
        {"accession_number": "ACC-5", **MR},
    ]
    answer = tell(api, ORDERS, *items)
    refused = ["patient_not_found", "invalid_request", "study_uid_of_another_order", "invalid_request"]
    assert said(answer) == ["created", *refused, "created"]
    numbers = ["ACC-1", "ACC-2", "ACC-3", "ACC-4", None, "ACC-5"]
    assert [item["accession_number"] for item in answer] == numbers
    assert [item["error"]["errors"][0]["field"] for item in (answer[2], answer[4])] == ["modality", "accession_number"]
    assert answer[0]["id"] == order(api)["id"] and order(api)["status"] == "arrived"
    trail, feed = audited(api), poll(api)
    assert said(tell(api, ORDERS, *items)) == ["updated", *refused, "updated"]
    assert (audited(api), poll(api)) == (trail, feed)


def test_a_batch_leaves_what_single_requests_would(api: Api) -> None:
    """Records, audit trail and events: told one by one, and told the same in batches under other numbers."""
    steps = [{"scheduled_procedure_step_id": "S2", "modality": "US"}]
    told: list[dict[str, Any]] = [
        MR,
        {**MR, "scheduled_procedure_step_id": "S1", "further_steps": steps, "status": "completed"},
    ]
    again: list[dict[str, Any]] = [
        {**MR, "ordered_by": "Berg^Ida", "status": "reported"},
        {**MR, "description": "MR knee"},
    ]
    put_patient(api, "MRN-1", 201)
    for one in (told, again):
        for number, body in enumerate(one):
            put_order(api, f"ACC-{number}", **body)
    put_patient(api, "MRN-1", given_name="Ada")
    trail, feed, before = audited(api), types(poll(api)[0]), records(api, "orders")
    moved = [{**one, "mrn": "MRN-2"} for one in (*told, *again)]
    tell(api, PATIENTS, {"mrn": "MRN-2", **PERSON})
    for some in (moved[:2], moved[2:]):
        tell(api, ORDERS, *({"accession_number": f"BCC-{number}", **body} for number, body in enumerate(some)))
    tell(api, PATIENTS, {"mrn": "MRN-2", **PERSON, "given_name": "Ada"})
    assert sorted(audited(api)[len(trail) :]) == sorted(trail)
    assert sorted(types(poll(api)[0])[len(feed) :]) == sorted(feed)
    alike = [
        {**one, "mrn": "MRN-1"}
        | {name: str(one[name]).replace("BCC", "ACC") for name in one if "CC-" in str(one[name])}
        for one in records(api, "orders")
        if one["mrn"] == "MRN-2"
    ]
    assert sorted(alike, key=str) == sorted(before, key=str)
    assert api.get("/api/v1/audit/verify", "admin").json["ok"] is True


def test_a_number_may_come_twice(api: Api) -> None:
    """The later item sees what the earlier one did, as if they had been sent one by one."""
    items: list[dict[str, Any]] = [
        {"mrn": "MRN-1", **PERSON, "as_of": "2026-01-15T08:30:00Z"},
        {"mrn": " MRN-1 ", "family_name": "Older", "as_of": "2026-01-15T08:00:00Z"},
        {"mrn": "MRN-1", "family_name": "Newer", "as_of": "2026-01-15T09:00:00Z"},
    ]
    assert said(tell(api, PATIENTS, *items)) == ["created", "stale", "updated"]
    assert records(api, "patients")[0]["family_name"] == "Newer"
    twice: list[dict[str, Any]] = [{"accession_number": "A", **MR}] * 2
    assert said(tell(api, ORDERS, *twice)) == ["created", "updated"]


def test_a_refused_item_leaves_its_record_alone(api: Api) -> None:
    """Also where the refusal comes late, among others that are taken."""
    put_patient(api, status=201)
    put_order(api)
    post(api, "/api/v1/orders/ACC-1/cancel", {}, 200, "service")
    before = order(api)
    late: dict[str, Any] = {
        "accession_number": "ACC-1",
        **MR,
        "description": "CT",
        "status": "arrived",
        "as_of": "2026-01-15T08:30:00Z",
    }
    late["further_steps"] = [{"scheduled_procedure_step_id": "S2", "modality": "US"}]
    late["scheduled_procedure_step_id"] = "S1"
    answer = tell(api, ORDERS, {"accession_number": "ACC-0", **MR}, late, {"accession_number": "ACC-2", **MR})
    assert said(answer) == ["created", "order_state", "created"]
    assert order(api) == before


def test_orders_may_exchange_their_study_instance_uids(api: Api) -> None:
    """A UID that one item gives up is free for the next one."""
    put_patient(api, status=201)
    tell(api, ORDERS, {"accession_number": "A", **MR, "scheduled_study_instance_uid": "1.2.1"})
    moved = {"accession_number": "A", **MR, "scheduled_study_instance_uid": "1.2.2"}
    taking = {"accession_number": "B", **MR, "scheduled_study_instance_uid": "1.2.1"}
    assert said(tell(api, ORDERS, moved, taking)) == ["updated", "created"]
    assert [order(api, number)["study_instance_uid"] for number in "AB"] == ["1.2.2", "1.2.1"]


def test_items_may_say_only_what_they_know(api: Api) -> None:
    """With `partial` what is left out stays, null erases; without it, what is left out is erased."""
    tell(api, PATIENTS, {"mrn": "MRN-1", **PERSON, "middle_name": "Maria"})
    tell(api, ORDERS, {"accession_number": "ACC-1", **MR, "priority": "STAT", "status": "arrived"})
    some: list[dict[str, Any]] = [
        {"mrn": "MRN-1", "given_name": "Ada", "middle_name": None},
        {"mrn": "MRN-2"},
        {"mrn": "MRN-1", "sex": "so"},
    ]
    odd: list[dict[str, Any]] = [{"mrn": mrn} for mrn in ("M\0", "\ud800", "", "x" * 65, 7, ["MRN-1"])]
    told = said(tell(api, PATIENTS, *some, *odd, partial=True))
    assert told == ["updated", "created", "invalid_request", *["invalid_request"] * len(odd)]
    shown = api.get("/api/v1/patients/MRN-1", "service").json
    assert (shown["family_name"], shown["given_name"], shown["middle_name"]) == ("Lindqvist", "Ada", None)
    part = {"accession_number": "ACC-1", "description": "MR knee"}
    assert said(tell(api, ORDERS, part, {"accession_number": "ACC-2"}, partial=True)) == ["updated", "invalid_request"]
    shown = order(api)
    assert (shown["description"], shown["priority"], shown["status"]) == ("MR knee", "STAT", "arrived")
    assert said(tell(api, ORDERS, part)) == ["invalid_request"]
    tell(api, ORDERS, {"accession_number": "ACC-1", **MR})
    assert order(api)["priority"] is None


@pytest.mark.parametrize("together", [1, 100])
def test_a_dry_run_answers_the_same_and_keeps_nothing(api: Api, monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    """Later items see what earlier ones would have done."""
    monkeypatch.setattr(batches, "TOGETHER", together)
    put_patient(api, status=201)
    before = (records(api, "patients"), audited(api), poll(api))
    items = [{"mrn": "MRN-1", **PERSON, "sex": "male"}, {"mrn": "MRN-2"}, {"mrn": "MRN-2", **PERSON}, {"mrn": "\\"}]
    answer = tell(api, PATIENTS, *items, dry_run=True)
    assert said(answer) == ["updated", "created", "updated", "invalid_request"] and answer[1]["id"] is None
    orders = [{"accession_number": "ACC-1", **MR}, {"accession_number": "ACC-2", **MR, "mrn": "MRN-2"}]
    assert said(tell(api, ORDERS, *orders, dry_run=True)) == ["created", "patient_not_found"]
    assert (records(api, "patients"), audited(api), poll(api)) == before
    assert api.get("/api/v1/orders", "service").json["total"] == 0
    assert said(tell(api, PATIENTS, *items)) == said(answer)


def test_images_that_wait_are_linked_by_an_order_of_a_batch(api: Api, tmp_path: Path) -> None:
    """Among many that concern no study, the one that does is found; so is the patient."""
    uid = store(
        api, 1, PatientID="MRN-1", PatientName="Lindqvist^Asa", PatientBirthDate="19610314", AccessionNumber="A7"
    )
    tell(api, PATIENTS, *({"mrn": f"MRN-{number}", **PERSON, "given_name": f"N{number}"} for number in range(2, 20)))
    tell(api, PATIENTS, {"mrn": "MRN-0"}, {"mrn": "MRN-1", **PERSON})
    tell(api, ORDERS, *({"accession_number": f"A{number}", **MR} for number in range(5, 9)))
    jobs(api, tmp_path).run()
    seen = study(api, uid)
    assert (seen["link_status"], seen["accession_number"], seen["mrn"]) == ("linked", "A7", "MRN-1")


def test_what_was_written_before_a_defect_stays_and_a_retry_completes_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The items of the transaction that failed are not kept, those before it are."""
    monkeypatch.setattr(batches, "TOGETHER", 2)
    items = [{"mrn": f"MRN-{number}", **PERSON} for number in range(5)]
    write, calls = Patients._write, []

    def failing(self: Patients, *arguments: Any) -> None:
        write(self, *arguments)
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr(Patients, "_write", failing)
        assert api.call("POST", PATIENTS, "service", json={"items": items}).status_code == 500
    assert [one["mrn"] for one in records(api, "patients")] == ["MRN-0", "MRN-1"]
    assert said(tell(api, PATIENTS, *items)) == ["updated", "updated", "created", "created", "created"]


WAITING = (
    "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
    "WHERE NOT granted AND locktype = 'advisory' AND datname = current_database()"
)


def test_who_waits_to_write_has_a_turn_before_the_next_items(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload does not wait for the end of a batch."""
    database, write, order_of_turns = api.services.database, Patients._write, list[str]()
    monkeypatch.setattr(batches, "TOGETHER", 1)
    let_others = database.let_others_write
    monkeypatch.setattr(database, "let_others_write", lambda: let_others(60))

    def other() -> None:
        with database.write() as session:
            session.execute(text("SELECT 1"))
            order_of_turns.append("other")

    thread = threading.Thread(target=other)

    def writing(self: Patients, *arguments: Any) -> None:
        write(self, *arguments)
        order_of_turns.append("item")
        if order_of_turns == ["item"]:
            thread.start()
            eventually(lambda: somebody_waits(database))

    monkeypatch.setattr(Patients, "_write", writing)
    tell(api, PATIENTS, *({"mrn": f"MRN-{number}"} for number in range(3)))
    thread.join(60)
    assert order_of_turns == ["item", "other", "item", "item"]


def somebody_waits(database: Database) -> bool:
    """Whether somebody waits for the writer's turn."""
    if database.is_sqlite:
        return database._turns.somebody_waits
    with database.engine.connect() as connection:
        return bool(connection.scalar(text(WAITING)))


@pytest.mark.parametrize("partial", [False, True])
def test_a_restricted_patient_is_refused_alone(database: Database, tmp_path: Path, partial: bool) -> None:
    """As in a single request: neither they nor their orders, not even by giving an order to somebody else."""
    roles = tmp_path / "roles.toml"
    roles.write_text('[roles]\nregistrar = ["read", "write_orders"]\n')
    settings = Settings(jwt_secret=SecretStr(SECRET), data_dir=tmp_path, roles=roles)
    services, archive = build_services(settings, database), FakeArchive()
    api = Api(create_app(services, archive, {}), services, archive)
    put_patient(api, "MRN-1", 201)
    put_order(api)
    restrict(api, "MRN-1", "dora")
    before = api.get("/api/v1/orders/ACC-1", "service").json
    items = [{"mrn": "MRN-1", **PERSON, "sex": "male"}, {"mrn": "MRN-2", **PERSON}]
    told = tell(api, PATIENTS, *items, role="registrar", partial=partial)
    assert said(told) == ["patient_restricted", "created"]
    theirs = [{"accession_number": "ACC-1", **MR, "mrn": "MRN-2"}, {"accession_number": "ACC-2", **MR}]
    other = {"accession_number": "ACC-3", **MR, "mrn": "MRN-2"}
    told = tell(api, ORDERS, *theirs, other, role="registrar", partial=partial)
    assert said(told) == ["patient_restricted", "patient_restricted", "created"]
    assert api.get("/api/v1/patients/MRN-1", "service").json["sex"] == "female"
    assert api.get("/api/v1/orders/ACC-1", "service").json == before


@pytest.mark.parametrize("path", [PATIENTS, ORDERS])
def test_only_the_ehr_sends_batches(api: Api, path: str) -> None:
    """And a batch has an end."""
    assert api.call("POST", path, "technician", json={"items": [{}]}).status_code == 403
    bodies: tuple[Any, ...] = ([], [{}] * 1001, None)
    for items in bodies:
        assert api.call("POST", path, "service", json={"items": items}).status_code == 422
    answer = api.call("POST", path, "service", json={"items": [{}]}, headers={"If-Match": '"1"'})
    assert answer.json["code"] == "condition_not_supported"
