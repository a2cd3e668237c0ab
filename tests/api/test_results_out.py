"""Reports and orders on their way to the EHR as HL7 messages and FHIR transactions, on both databases."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import hl7
import pytest
from fhir.resources.R4B.bundle import Bundle
from sqlalchemy import select

from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report, ReportOrder
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.hl7.escapes import unescape
from tests.api.conftest import Api
from tests.api.deletion_steps import Purging, approved, decide, grace_is_over, requested
from tests.api.outbox_steps import AWAY, HL7, REFUSED, SENT, World, deliveries, put, states
from tests.api.report_steps import act, amended, read, sign, signed, with_images, written

REPORT_EVENTS = ["report.preliminary", "report.final", "report.amended", "report.withdrawn"]
FHIR: dict[str, Any] = {
    "kind": "fhir",
    "url": "https://fhir.example.org/r4",
    "events": ["order.status", "study.linked", "study.available", *REPORT_EVENTS],
    "token": "of-the-fhir-server",
}


def world(api: Api, body: dict[str, Any]) -> World:
    assert put(api, body=body).status_code == 201
    return World(api)


def sent(to: World) -> list[bytes]:
    to.sender().round()
    return [content for _, content in to.got]


def test_the_ehr_gets_each_version_of_a_report_with_its_whole_text(api: Api) -> None:
    """Preliminary, final, amended, withdrawn: P, F, C, C with W."""
    to = world(api, HL7 | {"events": REPORT_EVENTS})
    uid = with_images(api)
    report = act(api, written(api), "preliminary")
    report = amended(api, sign(api, report))
    sent(to)
    act(api, report, "withdraw", reason="of another patient")
    messages = [hl7.parse(one.decode()) for one in sent(to)]
    assert [str(one.segment("OBR")[25]) for one in messages] == ["P", "F", "C", "C"]
    assert {str(one.segment("OBR")[3]) for one in messages} == {"ACC-1"}
    assert {str(one.segment("OBX")[5]) for one in messages} == {uid}
    assert len({str(one.segment("MSH")[10]) for one in messages}) == 4
    texts = [unescape(str(one[5])) for one in messages[1].segments("OBX")]
    assert "Kein Nachweis einer Raumforderung.\nVentrikel normal weit." in texts
    assert "Aneurysma" in str(messages[2]) and "Unauffälliges" not in str(messages[3])
    assert str(messages[2].segment("OBR")[32]) == "rita&Rita"
    assert str(messages[3].segment("OBX")[11]) == "W"
    assert states(api) == ["sent"] * 4


def test_what_was_refused_is_sent_again_as_it_was(api: Api) -> None:
    """The patient's name has been corrected since; a message with the same number says the same."""
    to = world(api, HL7 | {"events": REPORT_EVENTS})
    with_images(api)
    signed(api)
    to.answer = lambda _waiting: AWAY
    to.sender().round()
    api.call("PUT", "/api/v1/patients/MRN-1", "service", json={"family_name": "Lindquist", "birth_date": "1961-03-14"})
    to.later(minutes=1)
    to.answer = lambda _waiting: SENT
    (content,) = sent(to)
    assert "Lindqvist" in content.decode()
    (delivery,) = deliveries(api)
    shown = api.get(f"/api/v1/deliveries/{delivery['id']}", "admin").json
    assert shown["content"].startswith("MSH|") and "OBX|" in shown["content"]
    assert (shown["report_version"], shown["report_id"] is not None) == (1, True)


def test_a_report_in_doubt_waits_until_somebody_has_decided_and_others_go_on(api: Api) -> None:
    to = world(api, HL7 | {"events": REPORT_EVENTS})
    with_images(api)
    with_images(api, "ACC-2", "MRN-2")
    report = signed(api)
    signed(api, order_id="ACC-2")
    doubted(api, report)
    assert [str(hl7.parse(one.decode()).segment("OBR")[3]) for one in sent(to)] == ["ACC-2"]
    doubted(api, report, None)
    assert [str(hl7.parse(one.decode()).segment("OBR")[3]) for one in sent(to)] == ["ACC-2", "ACC-1"]


def doubted(api: Api, report: dict[str, Any], why: str | None = "moved") -> None:
    with api.services.database.write() as session:
        session.get_one(Report, uuid.UUID(report["id"])).doubt = why


@pytest.mark.parametrize("body", [HL7, FHIR], ids=["hl7", "fhir"])
def test_a_doubted_report_that_is_withdrawn_was_never_told(api: Api, body: dict[str, Any]) -> None:
    """It waited because its images are another patient's: its text goes to nobody, so there is nothing to take back."""
    to = world(api, body | {"events": REPORT_EVENTS})
    with_images(api)
    report = signed(api)
    doubted(api, report)
    assert sent(to) == []
    act(api, report, "withdraw", reason="of another patient")
    assert sent(to) == []
    found = [(one["type"], one["state"], one["drop_reason"]) for one in deliveries(api)]
    assert found == [
        ("report.final", "dropped", "withdrawn"),
        ("report.withdrawn", "dropped", "nothing_to_tell"),
    ]


@pytest.mark.parametrize("end", ["restored", "purged"])
def test_a_report_of_a_deleted_study_waits_and_is_dropped_when_its_study_is_purged(api: Api, end: str) -> None:
    to = world(api, HL7 | {"events": REPORT_EVENTS})
    uid = with_images(api)
    report = signed(api)
    to.answer = lambda _waiting: AWAY
    sent(to)
    (delivery,) = deliveries(api)
    path = f"/api/v1/deliveries/{delivery['id']}"
    assert api.get(path, "admin").json["content"].startswith("MSH|")
    deletion = approved(api, uid)
    to.later(minutes=1)
    to.answer = lambda _waiting: SENT
    assert sent(to) == []
    assert (states(api), api.get(path, "admin").json["content"]) == (["pending"], None)
    if end == "restored":
        assert decide(api, deletion, "restore").status_code == 200
        assert len(sent(to)) == 1
        return
    grace_is_over(api)
    assert api.services.purge.run(Purging()) == 1
    assert sent(to) == []
    shown = api.get(path, "admin").json
    assert (shown["state"], shown["drop_reason"], shown["content"]) == ("dropped", "study_deleted", None)
    assert api.get(f"/api/v1/reports/{report['id']}", "radiologist").status_code == 404


def test_that_a_report_is_withdrawn_is_told_though_its_study_is_deleted(api: Api) -> None:
    """Of the wrong patient, withdrawn and deleted while the EHR was away: it must not go on showing it."""
    to = world(api, HL7 | {"events": REPORT_EVENTS})
    uid = with_images(api)
    report = signed(api)
    sent(to)
    act(api, report, "withdraw", reason="of another patient")
    requested(api, uid)
    assert [str(hl7.parse(one.decode()).segment("OBX")[11]) for one in sent(to)] == ["F", "W"]


def test_who_may_have_got_a_report_is_told_that_it_is_withdrawn(api: Api) -> None:
    """No answer came, so nobody knows whether it was received: not sent again, but taken back."""
    to = world(api, HL7 | {"events": REPORT_EVENTS})
    with_images(api)
    report = signed(api)
    to.answer = lambda _waiting: AWAY
    sent(to)
    act(api, report, "withdraw", reason="of another patient")
    to.later(minutes=1)
    to.answer = lambda _waiting: SENT
    (message,) = [hl7.parse(one.decode()) for one in sent(to)]
    assert str(message.segment("OBX")[11]) == "W" and "Unauffälliges" not in str(message)
    assert states(api) == ["dropped", "sent"]


def test_the_ehr_hears_how_far_an_order_was_though_it_is_further_now(api: Api) -> None:
    to = world(api, HL7)
    api.place_order()
    api.call("POST", "/api/v1/orders/ACC-1/arrival", "technician")
    api.call("POST", "/api/v1/orders/ACC-1/cancel", "service")
    found = [hl7.parse(one.decode()) for one in sent(to)]
    assert [(str(one.segment("ORC")[1]), str(one.segment("ORC")[5])) for one in found] == [
        ("SC", "SC"),
        ("SC", "SC"),
        ("SC", "CA"),
    ]


@pytest.mark.parametrize("body", [HL7, FHIR], ids=["hl7", "fhir"])
def test_an_older_report_sent_again_does_not_replace_a_newer_one(api: Api, body: dict[str, Any]) -> None:
    """The first version was refused and passed over, the second was taken."""
    to = world(api, body | {"events": REPORT_EVENTS, "policy": "skip"})
    with_images(api)
    report = signed(api)
    to.answer = lambda _waiting: REFUSED
    for _ in range(3):
        to.sender().round()
        to.later(minutes=1)
    assert states(api) == ["dead"]
    to.answer = lambda _waiting: SENT
    amended(api, report)
    before = len(to.got)
    assert len(sent(to)) == before + 1
    first, second = deliveries(api)
    again = api.call("POST", f"/api/v1/deliveries/{first['id']}/resend", "admin")
    assert (again.status_code, again.json["state"]) == (200, "pending")
    assert len(sent(to)) == before + 1
    shown = api.get(f"/api/v1/deliveries/{first['id']}", "admin").json
    assert (shown["state"], shown["drop_reason"]) == ("dropped", "superseded")
    assert api.call("POST", f"/api/v1/deliveries/{second['id']}/resend", "admin").status_code == 200
    assert len(sent(to)) == before + 2


def test_all_that_was_sent_of_an_order_is_sent_again_in_its_order(api: Api) -> None:
    """The receiver was restored from a backup: the earlier states too, for the last one comes behind them."""
    to = world(api, HL7)
    api.place_order()
    api.call("POST", "/api/v1/orders/ACC-1/cancel", "service")
    assert len(sent(to)) == 2
    first, _ = deliveries(api)
    body = {"since": first["time"], "states": ["sent"]}
    assert api.call("POST", "/api/v1/destinations/ehr/resend", "admin", json=body).json == {"count": 2}
    assert sent(to)[2:] == [content for _, content in to.got[:2]]
    api.call("POST", f"/api/v1/deliveries/{first['id']}/resend", "admin")
    assert len(sent(to)) == 4
    assert states(api) == ["dropped", "sent"]


@pytest.mark.parametrize("body", [HL7, FHIR], ids=["hl7", "fhir"])
def test_an_order_that_is_another_patients_now_is_not_told_under_this_ones_name(api: Api, body: dict[str, Any]) -> None:
    """Of two orders of one report the EHR has moved one to somebody else."""
    to = world(api, body | {"events": REPORT_EVENTS})
    api.place_order()
    moved = uuid.UUID(api.place_order("ACC-2", "MRN-1")["id"])
    other = uuid.UUID(api.place_order("ACC-3", "MRN-2")["id"])
    draft = written(api)
    with api.services.database.write() as session:
        session.add(ReportOrder(report_id=uuid.UUID(draft["id"]), order_id=moved, position=1))
    report = sign(api, read(api, draft))
    with api.services.database.write() as session:
        session.get_one(Order, moved).patient_id = session.get_one(Order, other).patient_id
    doubted(api, report, None)
    (content,) = sent(to)
    assert b"MRN-1" in content and b"ACC-1" in content
    assert b"ACC-2" not in content and b"MRN-2" not in content


def test_a_fhir_server_gets_transactions_that_r4_allows(api: Api) -> None:
    """Judged by a library of others; patients and orders by their numbers, for the server has its own ids."""
    to = world(api, FHIR)
    uid = with_images(api)
    report = amended(api, signed(api))
    contents = sent(to)
    bundles = [json.loads(one) for one in contents]
    for one in bundles:
        Bundle.model_validate(one)
        assert (one["type"], len(one["entry"])) == ("transaction", 1)
    assert len({one["identifier"]["value"] for one in bundles}) == len(bundles)
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for one in bundles:
        entry = one["entry"][0]
        assert entry["request"]["method"] == "PUT"
        assert "id" not in entry["resource"]
        assert entry["resource"]["subject"]["identifier"]["value"] == "MRN-1"
        by_kind.setdefault(entry["resource"]["resourceType"], []).append(entry)
    assert set(by_kind) == {"ServiceRequest", "ImagingStudy", "DiagnosticReport"}
    final, later = by_kind["DiagnosticReport"]
    assert [one["resource"]["status"] for one in (final, later)] == ["final", "amended"]
    assert final["request"]["url"] == later["request"]["url"]
    assert report["id"] in final["request"]["url"]
    resource = final["resource"]
    assert resource["basedOn"][0]["identifier"]["value"] == "ACC-1"
    assert resource["imagingStudy"][0]["identifier"]["value"] == f"urn:oid:{uid}"
    text = base64.b64decode(resource["presentedForm"][0]["data"]).decode()
    assert "Ventrikel normal weit." in text and resource["conclusion"] == "Unauffälliges MRT."
    assert by_kind["ServiceRequest"][-1]["resource"]["status"] == "completed"
    assert "of-the-fhir-server" not in str(contents)


def test_what_is_no_longer_there_is_nothing_to_tell(api: Api) -> None:
    """The study is deleted before the FHIR server was told of it; and a self-test's order is nobody's."""
    fhir, ris = world(api, FHIR | {"events": ["study.linked"]}), World(api, "ris")
    put(api, "ris", body=HL7 | {"events": ["order.created"]})
    uid = with_images(api)
    api.place_order("SELFTESTABCDEF01", "SELFTEST-ABCDEF-1")
    with api.services.database.write() as session:
        study = session.scalars(select(Study).where(Study.study_instance_uid == uid)).one()
        study.deleted_at = api.services.clock()
    for one in (fhir, ris):
        one.sender().round()
    assert [(one["state"], one["drop_reason"]) for one in deliveries(api)] == [("dropped", "nothing_to_tell")]
    assert states(api, "ris") == ["sent", "dropped"]


@pytest.mark.parametrize("body", [HL7 | {"events": ["order.status"]}, FHIR | {"events": ["order.status"]}])
def test_a_self_test_is_told_of_its_own_patients_and_nobody_else_is(api: Api, body: dict[str, Any]) -> None:
    """Neither do the EHR's records get its patients, nor does it hear of a real one."""
    for name in ("ehr", "selftest-hl7"):
        assert put(api, name, body=body).status_code == 201
    for number, mrn in (("ACC-1", "MRN-1"), ("SELFTEST1", "SELFTEST-ABCDEF-1")):
        with_images(api, number, mrn)
    for name, told in (("ehr", "ACC-1"), ("selftest-hl7", "SELFTEST1")):
        (content,) = sent(World(api, name))
        assert {number for number in ("ACC-1", "SELFTEST1") if number in content.decode()} == {told}
