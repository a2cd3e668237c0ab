"""The audit trail over the API: refused attempts, exports in three forms, verification."""

from __future__ import annotations

import base64
import csv
import io
import json
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

from sqlalchemy import text

from ehr_bridge.services.audit.codes import AUDIT_CODES
from ehr_bridge.services.audit.trail import Event, Origin, append
from ehr_bridge.services.bundle import utc_now
from tests.api.conftest import Api, facts
from tests.api.upload_steps import related
from tests.support.samples import nested, small
from tests.support.server import user_token

AUDIT = "/api/v1/audit"
EXPORT = AUDIT + "/export"


def refused(api: Api, action: str) -> list[dict[str, Any]]:
    """The refusals in the trail once the worker had its round, oldest first."""
    api.services.refusals.flush(last=True)
    return list(reversed(api.get(f"{AUDIT}?action={action}", "admin").json["items"]))


def test_a_missing_permission_is_audited_with_route_and_study(api: Api) -> None:
    """Who tried what; no names and no identifiers of a patient in the route."""
    assert api.get("/api/v1/dicom/viewer-url/1.2.3", "admin").status_code == 403
    assert api.call("PUT", "/api/v1/patients/MRN-SECRET", "nurse", json={}).status_code == 403
    link, patient = refused(api, "request.refused")
    assert (link["actor"], link["outcome"], link["study_instance_uid"]) == ("admin", "refused", "1.2.3")
    assert link["address"] == "127.0.0.1"
    assert link["detail"]["route"] == "GET /api/v1/dicom/viewer-url/{study_uid}"
    assert facts(patient["detail"]) == {
        "code": "permission_missing",
        "route": "PUT /api/v1/patients/{patient}",
        "count": 1,
    }


def test_a_refusal_that_a_service_speaks_is_audited_too(api: Api) -> None:
    """Past the access table: a service account that does not say for whom the token is, a doctor who does."""
    uid = api.upload(small()).json["studies"][0]["study_instance_uid"]
    body = {"study_instance_uids": [uid], "on_behalf_of": "somebody"}
    assert api.call("POST", "/api/v1/dicom/viewer-token", "doctor", json=body).status_code == 403
    assert [event["actor"] for event in refused(api, "request.refused")] == ["doctor"]


def test_a_viewer_token_at_our_routes_is_audited_under_its_subject(api: Api) -> None:
    """It opens images and nothing else."""
    uid = api.upload(small()).json["studies"][0]["study_instance_uid"]
    token = api.get(f"/api/v1/dicom/viewer-url/{uid}", "doctor").json["token"]
    assert api.get("/api/v1/patients", token=token).status_code == 403
    assert [event["actor"] for event in refused(api, "request.refused")] == ["doctor"]


def test_bad_tokens_are_audited_by_code_and_missing_ones_are_not(api: Api) -> None:
    """Twenty forged tokens, one event; a browser without a token, none."""
    for _ in range(20):
        assert api.get("/api/v1/orders", token=user_token("admin", secret="x" * 40)).status_code == 401
    assert api.get("/api/v1/orders").status_code == 401
    (event,) = refused(api, "token.refused")
    assert (event["actor"], event["detail"]["code"], event["detail"]["count"]) == ("anonymous", "token_invalid", 20)


def test_a_failed_sign_in_is_one_event_not_two(api: Api) -> None:
    """The sign-in writes its own."""
    api.call("POST", "/api/v1/auth/login", json={"username": "nobody", "password": "wrong"})
    assert len(refused(api, "session.refused")) == 1
    assert refused(api, "token.refused") == []


def test_refused_files_are_audited_with_code_and_count_through_every_door(api: Api) -> None:
    """One by one, several at once with a good one among them, STOW-RS, and Orthanc's own route."""
    assert api.upload(b"no DICOM at all" * 20).status_code == 422
    files = [("application/dicom", data) for data in (small(), b"none" * 100, nested(40), b"none" * 101)]
    answer = api.call("POST", "/api/v1/dicom/upload", "technician", **related(*files))
    assert answer.json["status"] == "partial"
    answer = api.call("POST", "/api/v1/dicom-web/studies", "technician", **related(*files))
    assert answer.status_code == 202
    api.call("POST", "/instances", "technician", data=b"none" * 100, content_type="application/dicom")
    assert api.call("POST", "/api/v1/dicom/uploads", "technician").status_code == 405  # the log takes no files
    found = [(e["detail"]["route"], e["detail"]["code"], e["detail"]["files"]) for e in refused(api, "upload.refused")]
    assert sorted(found) == [
        ("POST /api/v1/dicom-web/studies", "failure_reason_C000", 3),
        ("POST /api/v1/dicom/upload", "nested_too_deep", 1),
        ("POST /api/v1/dicom/upload", "not_dicom", 3),
        ("POST /instances", "not_dicom", 1),
    ]


def fill(api: Api) -> None:
    """A day in small: an order, an upload, a link, a refusal."""
    api.place_order(mrn="=MRN-1")
    uid = api.upload(small(), headers={"X-Order-Id": "ACC-1"}).json["studies"][0]["study_instance_uid"]
    api.get(f"/api/v1/dicom/viewer-url/{uid}", "doctor")
    api.get(AUDIT, "nurse")
    api.services.refusals.flush(last=True)


def export(api: Api, **query: Any) -> Any:
    answer = api.get(EXPORT, "admin", query_string=query)
    assert answer.status_code == 200, answer.json
    return answer


def test_the_export_as_csv_has_every_event_and_no_formula(api: Api) -> None:
    """A cell that a spreadsheet would calculate is text."""
    fill(api)
    total = api.get(AUDIT, "admin").json["total"]
    answer = export(api, format="csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [int(row["id"]) for row in rows] == list(range(1, total + 1))
    linked = next(row for row in rows if row["action"] == "study.linked")
    assert (linked["mrn"], linked["actor"], json.loads(linked["detail"])["match"]) == ("'=MRN-1", "technician", "exact")


def child(element: ET.Element, path: str) -> ET.Element:
    found = element.find(path)
    assert found is not None, path
    return found


def check_message(message: ET.Element) -> None:
    """The rules of the schema in PS3.15 A.5.1.1, for what we use of it: order, attributes, values."""
    order = [part.tag for part in message]
    kinds = ["EventIdentification", "ActiveParticipant", "AuditSourceIdentification", "ParticipantObjectIdentification"]
    assert order == sorted(order, key=kinds.index)
    assert [order.count(kind) for kind in kinds[:3]] == [1, 1, 1]
    event = message[0]
    assert event.attrib["EventActionCode"] in "CRUDE"
    assert event.attrib["EventOutcomeIndicator"] in ("0", "4", "8", "12")
    assert datetime.fromisoformat(event.attrib["EventDateTime"]).tzinfo is not None
    tags = [part.tag for part in event]
    assert tags == sorted(tags, key=["EventID", "EventTypeCode", "EventOutcomeDescription"].index)
    assert tags.count("EventID") == 1
    assert message[1].attrib["UserID"]
    assert message[1].attrib["UserIsRequestor"] in ("true", "false")
    assert message[2].attrib["AuditSourceID"]
    for thing in message[3:]:
        assert thing.attrib["ParticipantObjectID"]
        tags = [child.tag for child in thing]
        assert tags[:2] == ["ParticipantObjectIDTypeCode", "ParticipantObjectName"]
        assert set(tags[2:]) <= {"ParticipantObjectDetail"}
        for detail in thing[2:]:
            base64.b64decode(detail.attrib["value"], validate=True)
    coded = [e for e in message.iter() if e.tag in ("EventID", "EventTypeCode", "ParticipantObjectIDTypeCode")]
    assert all({"csd-code", "codeSystemName", "originalText"} == set(e.attrib) for e in coded)


def test_the_export_as_dicom_is_one_audit_message_per_event(api: Api) -> None:
    """As PS3.15 annex A.5 says, with patient number and study instance UID."""
    fill(api)
    total = api.get(AUDIT, "admin").json["total"]
    answer = export(api, format="dicom")
    root = ET.fromstring(answer.data)
    assert (root.tag, len(root)) == ("AuditMessages", total)
    for message in root:
        check_message(message)
    (linked,) = [m for m in root if m.find("EventIdentification/EventTypeCode[@csd-code='study.linked']") is not None]
    assert child(linked, "EventIdentification/EventID").attrib["csd-code"] == "110111"
    objects = {
        child(o, "ParticipantObjectIDTypeCode").attrib["originalText"]: o.attrib["ParticipantObjectID"]
        for o in linked.findall("ParticipantObjectIdentification")
    }
    assert objects["Patient Number"] == "=MRN-1"
    assert objects["Study Instance UID"].count(".") >= 2
    (no,) = [m for m in root if m.find("EventIdentification/EventTypeCode[@csd-code='request.refused']") is not None]
    assert no[0].attrib["EventOutcomeIndicator"] == "4"
    assert child(no[0], "EventOutcomeDescription").text == "permission_missing"


def check_resource(resource: dict[str, Any]) -> None:
    """The elements that FHIR R4 requires of an AuditEvent, and their types."""
    assert resource["resourceType"] == "AuditEvent"
    assert {"system", "code"} <= set(resource["type"])
    assert datetime.fromisoformat(resource["recorded"]).tzinfo is not None
    assert resource["action"] in "CRUDE"
    assert resource["outcome"] in ("0", "4", "8", "12")
    assert resource["agent"] and all(isinstance(agent["requestor"], bool) for agent in resource["agent"])
    assert resource["source"]["observer"]["identifier"]["value"]
    for entity in resource["entity"]:
        assert entity["what"]["identifier"]["value"]
        for detail in entity.get("detail", []):
            assert set(detail) == {"type", "valueString"}
            assert detail["valueString"]


def test_the_export_as_fhir_is_a_bundle_of_audit_events(api: Api) -> None:
    """R4: required elements there, every fullUrl once."""
    fill(api)
    total = api.get(AUDIT, "admin").json["total"]
    answer = export(api, format="fhir")
    assert answer.headers["Content-Type"] == "application/fhir+json"
    bundle = json.loads(answer.text)
    assert (bundle["resourceType"], bundle["type"], len(bundle["entry"])) == ("Bundle", "collection", total)
    assert len({entry["fullUrl"] for entry in bundle["entry"]}) == total
    for entry in bundle["entry"]:
        check_resource(entry["resource"])
        assert entry["fullUrl"] == "urn:uuid:" + entry["resource"]["id"]
    linked = next(e["resource"] for e in bundle["entry"] if e["resource"]["subtype"][-1]["code"] == "study.linked")
    assert linked["type"]["code"] == "110111"
    values = [entity["what"]["identifier"]["value"] for entity in linked["entity"]]
    assert values[0] == "=MRN-1"
    assert values[1].startswith("urn:oid:")


def test_an_action_of_another_version_and_hostile_text_can_be_exported(api: Api) -> None:
    """Nothing that stands in the trail makes an export fail."""
    with api.services.database.write() as session:
        event = Event("from.the_future", "odd", detail={"what": "<&>\x0b\u0085"})
        append(session, Origin("<b>&\x01\x1f", "not an address"), event, utc_now())
    (message,) = ET.fromstring(export(api, format="dicom").data)
    check_message(message)
    assert message[0].attrib["EventOutcomeIndicator"] == "8"
    check_resource(json.loads(export(api, format="fhir").text)["entry"][0]["resource"])
    assert "from.the_future" in export(api, format="csv").text


def test_an_export_is_audited_itself_and_bounded_by_time(api: Api) -> None:
    """Who took the trail out of the house, and which part."""
    fill(api)
    export(api, format="csv", limit=3)
    (event,) = api.get(f"{AUDIT}?action=audit.exported", "admin").json["items"]
    assert event["actor"] == "admin"
    assert facts(event["detail"]) == {"format": "csv", "count": 3, "first_id": 1, "last_id": 3}
    nothing = export(api, format="fhir", to="2020-01-01T00:00:00Z")
    assert "entry" not in json.loads(nothing.text)
    assert len(ET.fromstring(export(api, format="dicom", **{"from": "2999-01-01T00:00:00Z"}).data)) == 0
    assert len(export(api, format="csv", **{"from": "2020-01-01T00:00:00+02:00"}).text.splitlines()) > 5


def test_pages_of_an_export_follow_each_other_without_gap(api: Api) -> None:
    """By the Link header, as long as there is one; what is written meanwhile comes at the end."""
    fill(api)
    seen: list[int] = []
    path: str | None = f"{EXPORT}?format=csv&limit=2&from=2020-01-01T00:00:00Z"
    for _ in range(100):
        answer = api.get(str(path), "admin")
        seen += [int(row["id"]) for row in csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))]
        if (link := answer.headers.get("Link")) is None or len(seen) > 12:
            break
        assert link.endswith('>; rel="next"')
        path = link[1:].split(">")[0]
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) > 4


def test_wrong_wishes_for_an_export_are_refused(api: Api) -> None:
    """And leave no event."""
    for query in ("", "format=pdf", "format=csv&limit=0", "format=csv&limit=10001", "format=csv&from=2026-01-01",
                  "format=csv&after_id=-1", "format=csv&after_id=99999999999999999999"):  # fmt: skip
        answer = api.get(f"{EXPORT}?{query}", "admin")
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_request"), query
    assert api.get(AUDIT, "admin").json["total"] == 0


def test_the_head_of_a_verification_can_be_asked_about_later(api: Api) -> None:
    """Somebody outside keeps number and hash, and sees whether that event is still the same."""
    fill(api)
    first = api.get(AUDIT + "/verify", "admin").json
    assert first["ok"]
    head = {"known_id": first["head"]["id"], "known_hash": first["head"]["hash"]}
    api.place_order(accession_number="ACC-2")
    again = api.get(AUDIT + "/verify", "admin", query_string=head).json
    assert (again["ok"], again["anchors"]) == (True, 1)
    other = api.get(AUDIT + "/verify", "admin", query_string=head | {"known_hash": "0" * 64}).json
    assert (other["ok"], other["broken_at"], other["reason"]) == (False, head["known_id"], "rewritten")
    later = api.get(AUDIT + "/verify", "admin", query_string=head | {"known_id": 10_000}).json
    assert (later["ok"], later["reason"]) == (False, "cut_off")
    assert api.get(AUDIT + "/verify?known_id=3", "admin").status_code == 422


def test_the_verification_reads_the_anchors_of_this_installation(api: Api) -> None:
    """Events that were cut off behind the triggers' back are missed."""
    fill(api)
    api.services.anchors.write()
    assert api.get(AUDIT + "/verify", "admin").json["anchors"] == 1
    database = api.services.database
    with database.engine.begin() as connection:
        on = "" if database.is_sqlite else " ON audit_events"
        name = "audit_events_no_delete" if database.is_sqlite else "audit_events_append_only"
        connection.execute(text(f"DROP TRIGGER {name}{on}"))
        connection.execute(text("DELETE FROM audit_events WHERE id > 4"))
    verdict = api.get(AUDIT + "/verify", "admin").json
    assert (verdict["ok"], verdict["broken_at"], verdict["reason"]) == (False, 5, "cut_off")


def test_every_code_has_its_place_in_the_value_sets_of_the_standard() -> None:
    """Against pydicom's copy of PS3.16: event ids of CID 400, event types of CID 401, their meanings."""
    from pydicom.sr.codedict import codes

    from ehr_bridge.services.audit.codes import DCM

    ids, types = ({getattr(c, n).value: getattr(c, n).meaning for n in c.dir()} for c in (codes.cid400, codes.cid401))
    for action, code in AUDIT_CODES.items():
        assert code.event_id in ids, action
        assert code.event_type is None or code.event_type in types, action
    for value, meaning in DCM.items():
        assert (ids | types)[value].lower() == meaning.lower()
