"""HL7 v2 messages by the HTTP door: what each kind changes, what is refused and why, and that it happens once."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ehr_bridge.api.messages import door as doors
from ehr_bridge.db.database import Database
from ehr_bridge.errors import Unavailable
from ehr_bridge.hl7.sources import Sources
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import build_services
from ehr_bridge.services.messages.inbox import Inbox
from ehr_bridge.services.registry.orders import Orders
from ehr_bridge.settings import Settings
from tests.api.conftest import Api
from tests.api.feed_steps import poll, types
from tests.api.message_steps import HL7, acked, send, verdict
from tests.api.privacy_steps import restrict
from tests.support import material
from tests.support.archive import FakeArchive
from tests.support.messages import adt, encoded, merge, message, omi, orm, pid, segment, siu, uid_of
from tests.support.server import SECRET


def patient(api: Api, mrn: str = "MRN-1") -> dict[str, Any]:
    return dict(api.get(f"/api/v1/patients/{mrn}", "service").json)


def order(api: Api, accession: str = "ACC-1") -> dict[str, Any]:
    return dict(api.get(f"/api/v1/orders/{accession}", "service").json)


def told(api: Api) -> list[str]:
    """The events that other systems read."""
    return types(poll(api)[0])


def audit(api: Api, action: str) -> list[str]:
    """Who did it, oldest first."""
    items = api.get(f"/api/v1/audit?action={action}", "admin").json["items"]
    return [event["actor"] for event in items][::-1]


def messages(api: Api, query: str = "") -> list[dict[str, Any]]:
    return list(api.get(f"{HL7}/messages?{query}", "admin").json["items"])


def shown(api: Api, message_id: str) -> dict[str, Any]:
    return dict(api.get(f"{HL7}/messages/{message_id}", "admin").json)


def test_a_patient_comes_and_changes(api: Api) -> None:
    """A04 registers, A08 changes; what is absent stays, two quotes erase; each is audited and told to others."""
    assert verdict(api, adt("A04")) == "AA"
    known = patient(api)
    assert {
        name: known[name] for name in ("family_name", "given_name", "middle_name", "prefix", "birth_date", "sex")
    } == {
        "family_name": "Lindqvist",
        "given_name": "Åsa",
        "middle_name": "Maria",
        "prefix": "Dr.",
        "birth_date": "1961-03-14",
        "sex": "female",
    }
    assert known["issuer"] == "NORTHWING"
    assert verdict(api, message("ADT^A08", segment("PID", {3: "MRN-1^^^NORTHWING^MR", 7: '""'}))) == "AA"
    assert (patient(api)["family_name"], patient(api)["birth_date"]) == ("Lindqvist", None)
    assert told(api) == ["patient.created", "patient.changed"]
    assert audit(api, "patient.created") == audit(api, "patient.updated") == ["service"]


@pytest.mark.parametrize("text", [orm(), omi()], ids=["v2.3.1", "v2.5.1"])
def test_an_order_registers_its_patient_and_stands_in_the_list(api: Api, text: str) -> None:
    """The same as by our own requests."""
    assert verdict(api, text) == "AA"
    found = order(api)
    assert found["mrn"] == "MRN-1" and patient(api)["given_name"] == "Åsa"
    assert {name: found[name] for name in ("modality", "description", "priority", "ordered_by", "status")} == {
        "modality": "MR",
        "description": "MR brain",
        "priority": "STAT",
        "ordered_by": "Ekström^Maria^^Dr.",
        "status": "scheduled",
    }
    assert found["scheduled_study_instance_uid"] == uid_of("ACC-1")
    assert (found["requested_procedure_id"], found["scheduled_procedure_step_id"]) == ("RP-ACC-1", "SP-ACC-1")
    assert told(api) == ["patient.created", "order.created"]


def test_an_order_does_not_correct_a_known_patient(api: Api) -> None:
    """Demographics come by ADT; an order names the patient only."""
    assert verdict(api, adt()) == "AA"
    assert verdict(api, orm().replace("Lindqvist", "Lundqvist")) == "AA"
    assert patient(api)["family_name"] == "Lindqvist"


ZORA = ("Zimmer^Zora", "19990909")


def of(text: str, name: str, birth_date: str) -> str:
    """The same message for a person of this name and birth date, under the same number."""
    return text.replace("Lindqvist^Åsa^Maria^^Dr.^^L", name).replace("19610314", birth_date)


@pytest.mark.parametrize("text", [orm(), omi(), orm("XO"), orm("CA"), orm("SC", state="CM"), siu("S13"), siu("S15")])
def test_an_order_for_somebody_else_under_the_number_is_refused(api: Api, text: str) -> None:
    """Name and birth date both contradict the record: a mistyped number must not place, change or cancel an order of
    the wrong person. Nothing changes, and the refusal tells nobody who it was."""
    assert verdict(api, orm()) == "AA"
    before, events = order(api), poll(api)
    assert verdict(api, of(text, *ZORA)) == "AE 204 PID^1^3"
    assert verdict(api, of(text, "Lindqvist^Olof", "19990909")) == "AE 204 PID^1^3", "a relative"
    assert (order(api), poll(api)) == (before, events) and patient(api)["family_name"] == "Lindqvist"
    row = messages(api, "state=refused")[0]
    assert (row["code"], row["patient_id"]) == ("204", patient(api)["id"])
    assert "Zimmer" not in row["reason"] and "Lindqvist" not in row["reason"]


@pytest.mark.parametrize(
    ("name", "birth_date"),
    [
        ("Zimmer^Zora", "19610314"),
        ("Zimmer^Zora", ""),
        ("Zimmer^Zora", "19610315"),
        ("Lindqvist^Åsa", "19990909"),
        ("LINDQUIST^ASA", "19990909"),
        ("", "19990909"),
        ('""', "19990909"),
        ("", ""),
    ],
)
def test_an_order_that_contradicts_in_one_thing_or_says_too_little_is_taken(
    api: Api, name: str, birth_date: str
) -> None:
    """A marriage, a typing error, a name in another form, a message with the number alone; the record stays."""
    assert verdict(api, adt()) == "AA"
    assert verdict(api, of(orm(), name, birth_date)) == "AA"
    known = patient(api)
    assert order(api)["mrn"] == "MRN-1" and (known["family_name"], known["birth_date"]) == ("Lindqvist", "1961-03-14")


def test_an_order_for_somebody_else_is_taken_once_the_record_is_corrected(api: Api) -> None:
    """By ADT, and then `replay`: the same bytes alone keep their answer."""
    assert verdict(api, adt()) == "AA"
    text = of(orm(), *ZORA)
    assert verdict(api, text) == "AE 204 PID^1^3" and verdict(api, of(adt(), *ZORA)) == "AA"
    assert verdict(api, text) == "AE 204 PID^1^3"
    (row,) = messages(api, "state=refused")
    assert api.call("POST", f"{HL7}/messages/{row['id']}/replay", "admin").json["state"] == "applied"
    assert order(api)["mrn"] == "MRN-1" and verdict(api, text) == "AA"


def test_an_order_is_changed_completed_and_cancelled(api: Api) -> None:
    """XO, SC with CM, CA; what a message does not say stays."""
    assert verdict(api, orm()) == "AA"
    change = segment("ORC", {1: "XO", 2: "P-ACC-1"}), segment("OBR", {4: "X^MR head", 18: "ACC-1"})
    assert verdict(api, message("ORM^O01", pid(), *change, version="2.3.1")) == "AA"
    assert (order(api)["description"], order(api)["modality"]) == ("MR head", "MR")
    assert verdict(api, orm("SC", state="IP")) == "AA" and messages(api)[0]["state"] == "ignored"
    assert verdict(api, orm("SC", state="CM")) == "AA" and order(api)["status"] == "completed"
    assert verdict(api, orm("CA")) == "AA" and order(api)["status"] == "cancelled"
    assert verdict(api, orm("DC")) == "AA"
    assert verdict(api, orm("NW")) == "AE 206 OBR^1^18" and verdict(api, orm("XO")) == "AE 206 ORC^1"


def test_a_cancellation_may_say_only_the_number_of_the_placer(api: Api) -> None:
    """ORC alone, without a patient; a number that several orders have cancels none."""
    assert verdict(api, orm()) == "AA"
    cancel = message("ORM^O01", segment("ORC", {1: "CA", 2: "P-ACC-1^HIS"}))
    assert verdict(api, orm(accession="ACC-2").replace("P-ACC-2", "P-ACC-1")) == "AA"
    assert verdict(api, cancel) == "AE 204 ORC^1^2"
    assert verdict(api, orm(accession="ACC-3")) == "AA"
    assert verdict(api, cancel.replace("P-ACC-1", "P-ACC-3").replace("|M", "|N")) == "AA"
    assert [order(api, f"ACC-{n}")["status"] for n in (1, 2, 3)] == ["scheduled", "scheduled", "cancelled"]


def test_several_obr_are_all_applied_or_none(api: Api) -> None:
    """One that does not fit leaves nothing of the others, and not the patient either."""

    def both(second: str) -> str:
        orders = (
            part
            for number, modality in (("ACC-1", "MR"), (second, "CT"))
            for part in (
                segment("ORC", {1: "NW", 2: f"P-{number}"}),
                segment("OBR", {4: "X^Head", 18: number, 20: number, 24: modality}),
            )
        )
        return message("ORM^O01", pid(), *orders, version="2.3.1")

    assert verdict(api, both("ACC-2-is-too-long-for-SH")) == "AE 102 OBR^2^18"
    assert api.get("/api/v1/orders/ACC-1", "service").status_code == 404
    assert api.get("/api/v1/patients/MRN-1", "service").status_code == 404
    assert told(api) == []
    assert verdict(api, both("ACC-2")) == "AA"
    assert [order(api, number)["modality"] for number in ("ACC-1", "ACC-2")] == ["MR", "CT"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (orm(accession="A" * 17), "AE 102 OBR^1^18"),
        (orm().replace("MR brain", "x" * 65), "AE 102 OBR^1^4"),
        (orm().replace("Ekström^Maria", f"{'F' * 40}^{'G' * 30}"), "AE 102 OBR^1^16"),
        (adt(mrn="M" * 65), "AE 102 PID^1^3"),
        (adt(name=f"{'F' * 32}^Å"), "AE 102 PID^1^5"),
        (omi().replace("SP-ACC-1", "S" * 17), "AE 102 IPC^1^4"),
        (omi().replace(uid_of("ACC-1"), "1.2.x"), "AE 102 IPC^1^3"),
        (omi().replace("|S^Stat", "|ZZ^Now"), "AE 103 TQ1^1^9"),
        (omi().replace("IPC|ACC-1", "IPC|"), "AE 101 IPC^1^1"),
        (omi().replace("|MR|||", "||||"), "AE 101 IPC^1^5"),
        (message("ORM^O01", *(orm().split("\r")[3:5])), "AE 100 PID^1"),
        (adt().replace("19610314", "29610314"), "AE 102 PID^1^7"),
        (message("MDM^T02", pid()), "AR 200 MSH^1^9"),
        (message("ORU^R01", pid()), "AE 100 OBR^1"),
        (b"no message", "AR 100"),
        (adt(charset="").encode("latin1"), "AE 102 MSH^1^18"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name_and_changes_nothing(api: Api, text: str | bytes, expected: str) -> None:
    """Nothing is cut, nothing is guessed; and it stands in the list with the reason."""
    assert verdict(api, text) == expected
    assert told(api) == []
    (row,) = messages(api, "state=refused")
    assert (row["code"], row["times_received"]) == (expected.split()[1], 1) and row["reason"]


def test_a_number_of_another_authority_is_another_patients(api: Api) -> None:
    """AE 204, and nothing changes; neither by an order."""
    assert verdict(api, adt()) == "AA"
    for text in (adt(name="Other^Person"), orm()):
        assert verdict(api, text.replace("^NORTHWING^MR", "^ELSEWHERE^MR")) == "AE 204 PID^1^3^1^4"
    assert patient(api)["family_name"] == "Lindqvist" and told(api) == ["patient.created"]


def test_the_same_bytes_again_get_the_same_answer_and_do_nothing(api: Api) -> None:
    """Applied or refused; by whichever door. The same number with other bytes is another message, and is marked."""
    text = adt("A04", control_id="77")
    first = send(api, text).get_data()
    events = poll(api)
    assert [send(api, text).get_data() for _ in range(2)] == [first, first] and poll(api) == events
    refused = orm(accession="A" * 17)
    assert send(api, refused).get_data() == send(api, refused).get_data()
    assert verdict(api, adt("A08", name="Berg^Åsa", control_id="77")) == "AA"
    assert patient(api)["family_name"] == "Berg"
    rows = {row["type"]: row for row in messages(api)}
    assert (rows["ADT^A04"]["times_received"], rows["ADT^A08"]["times_received"]) == (3, 1)
    assert (rows["ADT^A04"]["reuses_control_id"], rows["ADT^A08"]["reuses_control_id"]) == (False, True)


def test_records_are_merged_and_renumbered(api: Api) -> None:
    """A40: orders move to the survivor. A47: the old number leads to the new one. Again changes nothing."""
    assert verdict(api, adt(mrn="OLD")) == verdict(api, orm(mrn="OLD")) == "AA"
    assert verdict(api, merge("A40", "MRN-2", "OLD")) == "AA"
    assert order(api)["mrn"] == "MRN-2" and patient(api, "OLD")["merged_into_id"] == patient(api, "MRN-2")["id"]
    events = poll(api)
    assert verdict(api, merge("A40", "MRN-2", "OLD")) == "AA" and poll(api) == events
    assert verdict(api, merge("A47", "MRN-3", "MRN-2")) == "AA"
    assert order(api)["mrn"] == "MRN-3" and patient(api, "MRN-3")["family_name"] == "Lindqvist"
    assert verdict(api, merge("A47", "MRN-3", "MRN-2")) == "AA"
    assert verdict(api, adt(mrn="MRN-4")) == "AA"
    assert verdict(api, merge("A47", "MRN-4", "MRN-3")) == "AE 205 PID^1^3"
    assert verdict(api, adt(mrn="OLD")) == "AE 205 PID^1^3"


def test_a_merge_with_a_number_nobody_knows_keeps_it_for_images_to_come(api: Api) -> None:
    """Both are registered, and the old number leads to the survivor."""
    assert verdict(api, merge("A40", "MRN-2", "MRN-1")) == "AA"
    assert patient(api)["merged_into_id"] == patient(api, "MRN-2")["id"]


def test_an_appointment_is_moved_and_called_off(api: Api) -> None:
    """Found by the number of the placer; times and cancellation, nothing else."""
    assert verdict(api, omi()) == "AA"
    assert verdict(api, siu("S13")) == "AA"
    assert order(api)["scheduled_at"] == "2026-03-03T14:00:00.000Z" and order(api)["modality"] == "MR"
    assert verdict(api, siu("S12", accession="ACC-9")) == "AE 204 SCH^1^26"
    assert verdict(api, siu("S15")) == "AA" and order(api)["status"] == "cancelled"


def test_an_order_of_another_patient_is_not_touched(api: Api) -> None:
    """The message names somebody else, so it is not certain which order is meant."""
    assert verdict(api, orm()) == verdict(api, adt(mrn="MRN-2")) == "AA"
    assert verdict(api, orm("CA", mrn="MRN-2")) == "AE 204 OBR^1^18"
    assert verdict(api, orm("NW", mrn="MRN-2")) == "AE 205 OBR^1^18" and order(api)["mrn"] == "MRN-1"
    assert verdict(api, orm("CA", mrn="MRN-9")) == "AE 204 PID^1^3"
    assert order(api)["status"] == "scheduled"


def test_a_try_says_what_would_happen_and_keeps_nothing(api: Api) -> None:
    """For those who look after interfaces, who may not write orders."""
    tried = send(api, orm(), "admin", "/validate").json
    assert (tried["state"], tried["code"]) == ("applied", None) and "\nMSA|AA|" in tried["ack"]
    assert [change["action"] for change in tried["changes"]] == ["patient.created", "order.created"]
    assert tried["reading"]["orders"][0]["accession_number"] == "ACC-1"
    refused = send(api, orm(accession="A" * 17), "service", "/validate").json
    assert (refused["state"], refused["code"], refused["place"]) == ("refused", "102", "OBR-18")
    assert refused["reading"] is not None and refused["changes"] == []
    assert messages(api) == [] and told(api) == []
    assert api.get("/api/v1/patients/MRN-1", "service").status_code == 404
    assert send(api, orm(), "admin").json["code"] == "permission_missing"


def test_a_message_that_somebody_wanted_to_try_by_a_parameter_is_not_applied(api: Api) -> None:
    """Where a query arrives at all; Orthanc's port drops it."""
    for query in ("?dry_run=1", "?dry_run=0", "?x="):
        refused = send(api, orm(), query=query)
        assert (refused.status_code, refused.json["code"]) == (422, "invalid_request")
        assert "hl7/validate" in refused.json["detail"]
    assert messages(api) == [] and told(api) == []


def test_a_message_shows_how_it_came_and_what_it_changed(api: Api) -> None:
    """Its text, its reading, its acknowledgement, and each event."""
    assert verdict(api, orm()) == "AA"
    (row,) = messages(api)
    detail = shown(api, row["id"])
    assert (detail["type"], detail["sender"], detail["door"], detail["sent_by"]) == (
        "ORM^O01",
        "HIS NORTHWING",
        "api",
        "service",
    )
    assert (detail["charset"], detail["charset_from"]) == ("iso8859-1", "declared")
    assert detail["message"].splitlines()[1].startswith("PID|1|") and "Åsa" in detail["message"]
    assert detail["ack"].splitlines()[1].startswith("MSA|AA|M")
    assert [change["action"] for change in detail["changes"]] == ["patient.created", "order.created"]
    assert {change["patient_id"] for change in detail["changes"]} == {patient(api)["id"]} == {detail["patient_id"]}
    assert api.get(f"{HL7}/messages/{uuid.uuid4()}", "admin").json["code"] == "message_not_found"


def test_messages_are_found_by_what_they_say(api: Api) -> None:
    """Filters alone and together."""
    texts = [adt("A04", control_id="1"), orm(accession="A" * 17), adt("A03", control_id="3")]
    assert [verdict(api, text)[:2] for text in texts] == ["AA", "AE", "AA"]
    for query, types_found in (
        ("state=applied", ["ADT^A04"]),
        ("state=refused", ["ORM^O01"]),
        ("type=ADT", ["ADT^A03", "ADT^A04"]),
        ("type=ADT^A03&state=ignored", ["ADT^A03"]),
        ("control_id=1", ["ADT^A04"]),
        ("source=north", []),
        ("from=2100-01-01T00:00:00Z", []),
        ("to=2100-01-01T00:00:00Z&limit=1", ["ADT^A03"]),
    ):
        assert [row["type"] for row in messages(api, query)] == types_found, query
    for query in ("state=gone", "type=adt", "from=yesterday", "colour=red"):
        assert api.get(f"{HL7}/messages?{query}", "admin").status_code == 422, query


def test_a_refused_message_is_applied_again_when_its_reason_is_gone(api: Api) -> None:
    """By a person, audited; the sender who repeats it then gets AA. A replay that fails leaves what was applied."""
    text = orm("XO")
    assert verdict(api, text) == "AE 204 PID^1^3"
    assert verdict(api, orm()) == "AA"
    assert verdict(api, text) == "AE 204 PID^1^3", "the same bytes, the same answer"
    (row,) = messages(api, "state=refused")
    again = api.call("POST", f"{HL7}/messages/{row['id']}/replay", "admin").json
    assert (again["state"], again["code"], again["replayed_by"]) == ("applied", None, "admin")
    assert verdict(api, text) == "AA"
    assert audit(api, "message.replayed") == ["admin"]
    assert verdict(api, orm("CA")) == "AA"
    failed = api.call("POST", f"{HL7}/messages/{row['id']}/replay", "admin").json
    assert failed["state"] == "applied" and order(api)["status"] == "cancelled"


def test_what_fails_here_is_no_fault_of_the_sender_and_may_come_again(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A defect, or a database that does not answer: AE 207, nothing half done, and the next time it is applied."""

    def broken(*_args: object) -> None:
        raise RuntimeError("a defect")

    text = orm()
    with monkeypatch.context() as patched:
        patched.setattr(Orders, "upsert", broken)
        assert verdict(api, text) == "AE 207"
    assert "a defect" in caplog.text and "Lindqvist" not in caplog.text
    assert told(api) == [] and messages(api)[0]["state"] == "refused"

    def away(*_args: object) -> None:
        raise Unavailable("database_unavailable", "away")

    with monkeypatch.context() as patched:
        patched.setattr(Inbox, "_take", away)
        assert verdict(api, text) == "AE 207"
    assert verdict(api, text) == "AA"
    assert told(api) == ["patient.created", "order.created"]
    assert [row["times_received"] for row in messages(api)] == [2]


def test_messages_of_restricted_patients_are_for_those_who_may_see_them(api: Api) -> None:
    """In the list, alone, and when they are applied again."""
    assert verdict(api, adt()) == "AA"
    (row,) = messages(api)
    restrict(api, "MRN-1")
    assert messages(api) == []
    assert api.get(f"{HL7}/messages/{row['id']}", "admin").json["code"] == "patient_restricted"
    assert api.call("POST", f"{HL7}/messages/{row['id']}/replay", "admin").status_code == 403
    assert verdict(api, adt(name="Lindqvist^Åsa^^^^^L")) == "AA", "the EHR speaks for every person"


def test_what_is_no_message_by_its_media_type_is_not_taken(api: Api) -> None:
    """415, or 413 where it is too large; a token without the permission is 403."""
    answer = api.call("POST", HL7, "service", data=b"{}", content_type="application/json")
    assert answer.json["code"] == "unsupported_media_type"
    assert send(api, adt(), "doctor").status_code == 403
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("ehr_bridge.api.messages.routes.LARGEST", 10)
        assert send(api, adt()).json["code"] == "too_large"


def test_what_a_kept_message_would_be_of_another_source_stays_with_its_source(api: Api) -> None:
    """From MLLP without sources: read by the version of the message; no address is checked here."""
    door = doors.MessageDoor(api.services)
    outcome = door.receive(encoded(adt()), "127.0.0.1", ())
    assert outcome.ack.split(b"\r")[1].startswith(b"MSA|AA|")
    (row,) = messages(api)
    assert row["door"] == "mllp" and shown(api, row["id"])["sent_by"] == "hl7:"
    assert api.call("POST", f"{HL7}/messages/{row['id']}/replay", "admin").json["state"] == "applied"
    cut = door.receive(encoded(adt()), "127.0.0.1", (), is_whole=False)
    assert cut.fault is not None and cut.fault.is_rejected
    assert audit(api, "patient.created") == ["hl7:"]


def test_old_messages_are_forgotten(api: Api, database: Database) -> None:
    """After 30 days, unless they still come."""
    assert verdict(api, adt()) == "AA"
    assert api.services.messages.forget_old() == 0
    with database.write() as session:
        session.connection().exec_driver_sql(
            "UPDATE hl7_messages SET received_at = '2020-01-01 00:00:00+00:00', "
            "last_received_at = '2020-01-01 00:00:00+00:00'"
        )
    assert api.services.messages.forget_old() == 1 and messages(api) == []


LISTED = """
[[source]]
name = "his"
application = "HIS"
facility = "NORTHWING"
profile = "rad-4-2.5.1"
addresses = ["127.0.0.1"]
charset = "latin1"
silence_minutes = 30
"""


def test_a_source_that_says_nothing_for_too_long_is_noticed(database: Database, tmp_path: Path) -> None:
    """From the start on it has as long as it may be silent; a message ends the silence."""
    (tmp_path / "sources.toml").write_text(LISTED)
    now = [datetime(2026, 3, 1, 8, tzinfo=UTC)]
    settings = Settings(jwt_secret=SecretStr(SECRET), data_dir=tmp_path, hl7_sources=tmp_path / "sources.toml")
    services = build_services(settings, database, lambda: now[0])
    door = doors.MessageDoor(services)

    def to_act_on() -> set[str]:
        return {each.code for each in services.system.look(FakeArchive(), 0).attention}

    now[0] += timedelta(minutes=30)
    assert services.messages.nobody_is_silent() and "sources_silent" not in to_act_on()
    now[0] += timedelta(minutes=1)
    assert not services.messages.nobody_is_silent() and "sources_silent" in to_act_on()
    outcome = door.receive(encoded(adt()), "127.0.0.1", services.sources.known)
    assert outcome.fault is None and services.messages.nobody_is_silent()
    (source,) = services.messages.sources()
    assert (source.name, source.last_received_at) == ("his", now[0])
    stranger = door.receive(encoded(adt(sender="ELSE|WHERE")), "127.0.0.1", services.sources.known)
    assert stranger.fault is not None and stranger.fault.is_rejected and "messages_refused" in to_act_on()


def test_sources_are_listed(api: Api) -> None:
    """None here."""
    assert api.get(f"{HL7}/sources", "admin").json == {"items": []}
    assert api.services.sources == Sources() and Origin("a").address is None


OURS = (adt("A04"), adt("A03"), orm(), omi(), siu("S12"), merge("A40", "MRN-2", "MRN-1"), message("ORU^R01", pid()))


def test_every_message_of_others_has_an_answer_that_says_what_became_of_it(api: Api) -> None:
    """Those of the folders that `--testdata` names, and some of ours: nothing raises, and again is the same."""
    files = material.hl7_files()
    if not files:
        print("no folder with .hl7 files is named by --testdata: only our own messages are read")
    for content in (*map(encoded, OURS), *(file.read_bytes() for file in files)):
        segments = acked(api, content)
        number = content.replace(b"\n", b"\r").split(b"\r")[0].split(b"|")[9].decode()
        assert segments[1][:3] == ["MSA", segments[1][1], number]
        assert (segments[1][1] == "AA") == (len(segments) == 2), segments
        assert acked(api, content) == segments
    rows = messages(api, "limit=500")
    assert len(rows) == len(OURS) + len({file.read_bytes() for file in files})
    assert all(row["times_received"] == 2 for row in rows)
    print(*sorted(f"{row['type']} {row['state']} {row['code'] or ''} {row['place'] or ''}" for row in rows), sep="\n")
