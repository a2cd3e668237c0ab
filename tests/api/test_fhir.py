"""FHIR: read and search, on both databases: what is found, included, paged, and kept from whom."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from pydantic import SecretStr
from pydicom.uid import CTImageStorage, MRImageStorage
from sqlalchemy import delete, select, update

from ehr_bridge.api.app import create_app
from ehr_bridge.api.fhir import shown
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.match_keys import StudySopClass
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.fhir.dates import Prefix, Range, fits, range_of, start_of
from ehr_bridge.services.bundle import build_services
from ehr_bridge.services.uploads.sop_classes import SopClasses
from ehr_bridge.settings import Settings
from tests.api.conftest import Api, facts
from tests.api.fhir_steps import code, fhir_of, link, resources, stored
from tests.api.privacy_steps import restrict
from tests.api.tag_steps import store
from tests.support.archive import FakeArchive
from tests.support.server import SECRET, user_token

DAYS = ("20251231", "20260101", "20260115", "20260131", "20260201", "")
PEOPLE = (("Lindqvist", "Åsa"), ("Müller", "Anna-Lena"), ("von der Heide", "Ann"), ("Sørensen", "Müller"), ("", ""))


@pytest.fixture(scope="module")
def filled(read_api: Api) -> Api:
    """Patients with an order and a study each; for tests that only read."""
    for number, (family, given) in enumerate(PEOPLE):
        names = {"family_name": family or None, "given_name": given or None}
        read_api.place_order(f"A-{number}", f"M-{number}", birth_date=f"19{60 + number}-03-14", **names)
    for number, day in enumerate(DAYS):
        stored(read_api, f"A-{number % len(PEOPLE)}", day)
    return fhir_of(read_api)


def mrns(answer: Any) -> list[str]:
    return sorted(one["identifier"][0]["value"] for one in resources(answer))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("family=lindq", ["M-0"]),
        ("family=muller", ["M-1"]),
        ("family=Mueller", ["M-1"]),
        ("given=ann", ["M-1", "M-2"]),
        ("name=Müller", ["M-1", "M-3"]),
        ("family=heide von", ["M-2"]),
        ("family=eide", []),
        ("family:exact=Müller", ["M-1"]),
        ("family:exact=muller", []),
        ("family:missing=true", ["M-4"]),
        ("family:missing=false&given=Ann", ["M-1", "M-2"]),
        ("identifier=M-3", ["M-3"]),
        ("identifier=M-3,M-4", ["M-3", "M-4"]),
        ("identifier=https://any.example|M-3", ["M-3"]),
        ("birthdate=1962", ["M-2"]),
        ("birthdate=ge1961-03-14&birthdate=lt1963-03-14", ["M-1", "M-2"]),
        ("gender=female&birthdate=gt1963", ["M-4"]),
        ("gender=male", []),
        ("active=false", []),
    ],
)
def test_patients_are_found(filled: Api, query: str, expected: list[str]) -> None:
    """Names without case and accents; both ends of a period count."""
    assert mrns(filled.get(f"/fhir/Patient?{query}", "nurse")) == expected


@pytest.mark.parametrize("prefix", list(Prefix))
@pytest.mark.parametrize("text", ["2026", "2026-01", "2026-01-15", "2026-01-31T12:00:00Z", "2025-12-31"])
def test_a_date_search_is_what_filtering_everything_finds(filled: Api, prefix: Prefix, text: str) -> None:
    """Study dates in the index, birth dates and moments of orders: each by the rule of the specification."""
    wanted = range_of(text, UTC)
    found = {one["id"] for one in resources(filled.get(f"/fhir/ImagingStudy?started={prefix}{text}", "nurse"))}
    for one in resources(filled.get("/fhir/ImagingStudy", "nurse")):
        fitting = "started" in one and fits(prefix, wanted, of_day(one["started"]))
        assert (one["id"] in found) == fitting, one.get("started")
    changed = {one["id"] for one in resources(filled.get(f"/fhir/ServiceRequest?authored={prefix}{text}", "nurse"))}
    for one in resources(filled.get("/fhir/ServiceRequest", "nurse")):
        moment = datetime.fromisoformat(one["authoredOn"])
        assert (one["id"] in changed) == fits(prefix, wanted, Range(moment, moment))


def of_day(text: str) -> Range:
    day = date.fromisoformat(text)
    return Range(start_of(day, UTC), datetime.combine(day, time.max, UTC) + (datetime.resolution))


def test_studies_are_found_by_patient_order_and_uid(filled: Api) -> None:
    """Every spelling, by reference and by number, and with the accession number of the order."""
    (order,) = resources(filled.get("/fhir/ServiceRequest?identifier=A-1", "nurse"))
    whose = order["subject"]["reference"]
    (study,) = resources(filled.get(f"/fhir/ImagingStudy?basedon=ServiceRequest/{order['id']}", "nurse"))
    uid = study["identifier"][0]["value"]
    for query in (
        f"patient={whose}",
        f"subject={whose.removeprefix('Patient/')}",
        "patient.identifier=M-1",
        "patient:identifier=M-1",
        "basedOn.identifier=A-1",
        "based-on.identifier=A-1",
        "identifier=A-1",
        f"identifier=urn:dicom:uid|{uid}",
        f"identifier={uid}",
        f"_id={study['id']}",
        "basedon.identifier=A-1&modality=MR&status=registered,available",
    ):
        assert [one["id"] for one in resources(filled.get(f"/fhir/ImagingStudy?{query}", "nurse"))] == [study["id"]], (
            query
        )
    for query in ("modality=CT", "basedon=ServiceRequest/nobody", "patient=nobody", "identifier=urn:dicom:uid|A-1"):
        assert resources(filled.get(f"/fhir/ImagingStudy?{query}", "nurse")) == []
    assert study["endpoint"][0] == {"reference": "Endpoint/dicom-web"}
    assert study["basedOn"] == [{"reference": f"ServiceRequest/{order['id']}"}]
    assert [one["numberOfInstances"] for one in study["series"]] == [1]


def test_studies_are_found_by_series_and_by_kind_of_image(filled: Api) -> None:
    """By the UIDs that the study itself lists, in every form; deleted characters and other systems find nothing."""
    (study,) = resources(filled.get("/fhir/ImagingStudy?identifier=A-1", "nurse"))
    (series,) = study["series"]
    (instance,) = series["instance"]
    sop_class = {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{MRImageStorage}"}
    assert instance["sopClass"] == sop_class
    assert len(instance["uid"]) > 10
    for query in (
        f"series={series['uid']}",
        f"series=urn:oid:{series['uid']}",
        f"series=1.2.3,{series['uid']}",
        f"series={series['uid']}&dicom-class={MRImageStorage}",
    ):
        found = resources(filled.get(f"/fhir/ImagingStudy?{query}", "nurse"))
        assert [one["id"] for one in found] == [study["id"]], query
    for form in (MRImageStorage, f"urn:oid:{MRImageStorage}", f"urn:ietf:rfc:3986|urn:oid:{MRImageStorage}"):
        assert len(resources(filled.get(f"/fhir/ImagingStudy?dicom-class={form}", "nurse"))) == len(DAYS)
    for query in (
        f"dicom-class={MRImageStorage[:-1]}",
        f"dicom-class={CTImageStorage}",
        f"dicom-class=http://other.example|{MRImageStorage}",
        "dicom-class=%25",
        "series=1.2.3",
        f"series=http://other.example|{series['uid']}",
        "dicom-class:missing=true",
        "series:missing=true",
    ):
        assert resources(filled.get(f"/fhir/ImagingStudy?{query}", "nurse")) == [], query
    assert filled.get(f"/fhir/ImagingStudy?series:exact={series['uid']}", "nurse").status_code == 400


def test_a_large_study_lists_its_images_only_when_it_is_read(filled: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one version in both forms."""
    monkeypatch.setattr(shown, "MOST_LISTED", 0)
    (study,) = resources(filled.get("/fhir/ImagingStudy?identifier=A-1", "nurse"))
    assert "instance" not in study["series"][0]
    whole = filled.get(f"/fhir/ImagingStudy/{study['id']}", "nurse").json
    assert len(whole["series"][0]["instance"]) == 1
    assert whole["meta"] == study["meta"]


def test_images_from_before_are_asked_for_in_the_archive(api: Api) -> None:
    """Until then they are counted and not listed; one that the archive no longer has is not asked for again."""
    uid = store(api, 2)
    with api.services.database.write() as session:
        session.execute(update(Instance).values(sop_class_uid=None))
        session.execute(delete(StudySopClass))
        for one in session.scalars(select(Study)):
            one.sop_class_key = ""
    fhir = fhir_of(api)
    (study,) = resources(fhir.get("/fhir/ImagingStudy", "nurse"))
    assert "instance" not in study["series"][0]
    gone, asked = api.archive.instances_of(uid)[0], []

    def sop_class_of(key: str) -> str | None:
        asked.append(key)
        return None if key == gone else MRImageStorage

    for _ in range(2):
        SopClasses(api.services.database, sop_class_of).run()
    assert sorted(asked) == sorted(api.archive.instances_of(uid))
    (study,) = resources(fhir.get(f"/fhir/ImagingStudy?dicom-class={MRImageStorage}", "nurse"))
    assert (study["series"][0]["numberOfInstances"], len(study["series"][0]["instance"])) == (2, 1)


def test_what_belongs_to_it_is_included(filled: Api) -> None:
    """Each resource once, and marked as not found but included."""
    answer = filled.get(
        "/fhir/ImagingStudy?_include=ImagingStudy:patient&_include=ImagingStudy:basedon&_include=ImagingStudy:endpoint",
        "nurse",
    )
    included = [one["resourceType"] for one in resources(answer, "include")]
    assert {name: included.count(name) for name in set(included)} == {
        "Patient": len(PEOPLE), "ServiceRequest": len(PEOPLE), "Endpoint": 2
    }  # fmt: skip
    answer = filled.get("/fhir/Patient?identifier=M-0&_revinclude=ImagingStudy:patient", "nurse")
    assert [one["resourceType"] for one in resources(answer, "include")] == ["ImagingStudy"] * 2


def test_pages_follow_each_other_and_say_nothing_in_their_address(filled: Api) -> None:
    """A cursor is sealed with the search, so a search sent in a body stays out of addresses."""
    first = filled.call(
        "POST", "/fhir/Patient/_search?_count=2", "nurse", data={"gender": "female", "_sort": "birthdate"}
    )
    seen, answer = mrns(first), first
    assert first.json["total"] == len(PEOPLE)
    while (following := link(answer, "next")) is not None:
        assert "female" not in following
        answer = filled.get(following, "nurse")
        seen += mrns(answer)
    assert seen == [f"M-{number}" for number in range(len(PEOPLE))]
    following = link(first, "next")
    assert following is not None
    assert code(filled.get(following.replace("/Patient", "/ServiceRequest"), "nurse")) == "invalid_cursor"
    assert code(filled.get("/fhir/Patient?_cursor=bm8", "nurse")) == "invalid_cursor"


def test_counts_and_parts(filled: Api) -> None:
    """`_summary=count`, `_total=none`, `_elements`."""
    counted = filled.get("/fhir/Patient?_summary=count", "nurse").json
    assert (counted["total"], counted.get("entry")) == (len(PEOPLE), None)
    assert "total" not in filled.get("/fhir/Patient?_total=none", "nurse").json
    (one,) = resources(filled.get("/fhir/Patient?identifier=M-0&_elements=birthDate", "nurse"))
    assert set(one) == {"resourceType", "id", "meta", "birthDate"}
    assert one["meta"]["tag"][0]["code"] == "SUBSETTED"


def test_what_is_not_known_is_refused_or_left_out_as_the_client_prefers(filled: Api) -> None:
    """The self link has only what was understood."""
    answer = filled.get("/fhir/Patient?colour=red", "nurse")
    assert (answer.status_code, code(answer)) == (400, "search_refused")
    lenient = filled.get("/fhir/Patient?colour=red&identifier=M-0", "nurse", headers={"Prefer": "handling=lenient"})
    assert mrns(lenient) == ["M-0"]
    assert link(lenient, "self") == "/fhir/Patient?identifier=M-0"
    (warning,) = resources(lenient, "outcome")
    assert "colour" in warning["issue"][0]["diagnostics"]
    for query in ("birthdate=tomorrow", "birthdate=ap2026", "birthdate=2026-13", "_count=x", "family:contains=x"):
        refused = filled.get(f"/fhir/Patient?{query}", "nurse", headers={"Prefer": "handling=lenient"})
        assert (refused.status_code, code(refused)) == (400, "search_refused"), query


def test_a_resource_is_read_with_its_version(filled: Api) -> None:
    """304 where the client has what is shown."""
    for name in ("Patient", "ServiceRequest", "ImagingStudy", "Endpoint"):
        found = resources(filled.get(f"/fhir/{name}", "nurse"))[0]
        answer = filled.get(f"/fhir/{name}/{found['id']}", "nurse")
        assert answer.json == found
        assert answer.headers["ETag"] == f'W/"{found["meta"]["versionId"]}"'
        again = filled.get(f"/fhir/{name}/{found['id']}", "nurse", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
    for path in ("Patient/nobody", "ImagingStudy/0f3662fb-f076-4743-b58a-6b30f1adf20c", "Endpoint/x"):
        assert filled.get(f"/fhir/{path}", "nurse").status_code == 404
    assert code(filled.get("/fhir/Endpoint/x", "nurse")) == "resource_not_found"


def test_endpoints_are_found(filled: Api) -> None:
    """Where images are, and where they are opened (IHE IMR)."""
    (images,) = resources(filled.get("/fhir/Endpoint?connection-type=dicom-wado-rs&status=active", "nurse"))
    assert images["address"].endswith("/dicom-web")
    assert images["payloadType"][0]["coding"][0]["code"] == "113014"
    assert resources(filled.get("/fhir/Endpoint?status=off", "nurse")) == []


def test_what_the_server_can_do_needs_no_token_and_everything_else_does(filled: Api) -> None:
    """401 with a challenge, as everywhere."""
    statement = filled.get("/fhir/metadata").json
    assert (statement["resourceType"], statement["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    assert "smart-imaging-access" in filled.get("/fhir/.well-known/smart-configuration").json["capabilities"]
    for method, path in (
        ("GET", "/fhir/Patient"),
        ("POST", "/fhir"),
        ("GET", "/fhir/Group"),
        ("GET", "/fhir/AuditEvent/1"),
    ):
        answer = filled.call(method, path)
        assert (answer.status_code, code(answer)) == (401, "token_missing")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_each_type_needs_its_permission(filled: Api) -> None:
    """The trail is for auditors; writing is for the EHR."""
    assert filled.get("/fhir/AuditEvent", "nurse").status_code == 403
    assert filled.get("/fhir/AuditEvent", "admin").status_code == 200
    refused = filled.call("POST", "/fhir/Patient", "doctor", json={"resourceType": "Patient"})
    assert (refused.status_code, code(refused)) == (403, "permission_missing")


def test_other_forms_types_and_methods_are_refused(filled: Api) -> None:
    """Each with an OperationOutcome."""
    for path, options, expected in (
        ("/fhir/Patient?_format=xml", {}, (400, "search_refused")),
        ("/fhir/Patient", {"headers": {"Accept": "application/fhir+xml"}}, (406, "not_acceptable")),
        ("/fhir/Group", {}, (404, "resource_not_supported")),
        ("/fhir/Patient/1/2", {}, (405, "interaction_not_supported")),
    ):
        answer = filled.get(path, "nurse", **options)
        assert (answer.status_code, code(answer)) in (expected, (406, "not_acceptable")), path
    assert code(filled.call("DELETE", "/fhir/Patient/1", "service")) == "interaction_not_supported"
    for body, kind in ((b"{", "application/fhir+json"), (b"[" * 40, "application/fhir+json"), (b"{}", "text/plain")):
        answer = filled.call("POST", "/fhir/Patient", "service", data=body, content_type=kind)
        assert code(answer) in ("malformed_json", "json_too_deep", "unsupported_media_type")
    large = filled.call("POST", "/fhir", "service", data=b" " * 6_000_000, content_type="application/fhir+json")
    assert (large.status_code, code(large)) == (413, "too_large")


def test_only_listed_origins_may_call_from_a_browser(api: Api) -> None:
    """Nothing is said to others; a preflight needs no token."""
    object.__setattr__(api.services.settings, "fhir_origins", "https://app.example")
    fhir = fhir_of(api)
    for origin, allowed in (("https://app.example", "https://app.example"), ("https://else.example", None)):
        asked = fhir.call("OPTIONS", "/fhir/Patient", headers={"Origin": origin})
        assert (asked.status_code, asked.headers.get("Access-Control-Allow-Origin")) == (204, allowed)
        answer = fhir.get("/fhir/metadata", headers={"Origin": origin})
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        assert "Origin" in answer.headers["Vary"]


def test_a_restricted_patient_is_found_by_nobody_else(api: Api) -> None:
    """Not in lists, not by id, not as an include, not counted; and a search that names them is refused."""
    order = api.place_order("ACC-1", "MRN-1")
    stored(api, "ACC-1")
    api.place_order("ACC-2", "MRN-2", family_name="Berg")
    fhir = fhir_of(api)
    (study,) = resources(fhir.get("/fhir/ImagingStudy", "nurse"))
    restrict(api, "MRN-1", "doctor")
    assert mrns(fhir.get("/fhir/Patient", "nurse")) == ["MRN-2"]
    assert fhir.get("/fhir/Patient?_summary=count", "nurse").json["total"] == 1
    for path in ("ServiceRequest?identifier=ACC-1", "ImagingStudy", "Patient?identifier=MRN-1"):
        assert resources(fhir.get(f"/fhir/{path}", "nurse")) == []
    for path in (
        f"Patient/{order['patient_id']}",
        f"ServiceRequest/{order['id']}",
        f"ImagingStudy/{study['id']}",
        f"ImagingStudy?patient={order['patient_id']}",
        "ImagingStudy?patient.identifier=MRN-1",
    ):
        answer = fhir.get(f"/fhir/{path}", "nurse")
        assert (answer.status_code, code(answer)) == (403, "patient_restricted"), path
    assert mrns(fhir.get("/fhir/Patient", "doctor")) == ["MRN-1", "MRN-2"]
    fhir.services.refusals.flush()
    refused = api.get("/api/v1/audit?action=request.refused", "admin").json["items"]
    assert any(facts(one["detail"])["route"] == "GET /fhir/ImagingStudy" for one in refused)


def test_a_viewer_token_opens_no_resource(api: Api) -> None:
    """It opens images in the viewer and nothing else."""
    api.place_order()
    uid = stored(api, "ACC-1")
    made = api.call("POST", "/api/v1/dicom/viewer-token", "doctor", json={"study_instance_uids": [uid]})
    answer = fhir_of(api).get("/fhir/ImagingStudy", token=made.json["token"])
    assert (answer.status_code, code(answer)) == (403, "permission_missing")


def test_audit_events_are_found(api: Api) -> None:
    """By kind, time, person, patient and order; an event is read by its number."""
    order = api.place_order()
    fhir = fhir_of(api)
    of_order = resources(fhir.get(f"/fhir/AuditEvent?entity=ServiceRequest/{order['id']}", "admin"))
    assert [one["subtype"][-1]["code"] for one in of_order] == ["order.created"]
    for query in (
        "type=110109",
        "subtype=order.created",
        f"patient=Patient/{order['patient_id']}&type=http://dicom.nema.org/resources/ontology/DCM|110109",
        "agent:identifier=service&action=C&type=110109",
        "patient.identifier=MRN-1&outcome=0&type=110109&date=ge2020&date=lt9000",
    ):
        assert [one["id"] for one in resources(fhir.get(f"/fhir/AuditEvent?{query}", "admin"))] == [
            of_order[0]["id"]
        ], query
    assert fhir.get(f"/fhir/AuditEvent/{of_order[0]['id']}", "admin").json == of_order[0]
    assert fhir.get("/fhir/AuditEvent/999999", "admin").status_code == 404
    auditor = user_token("auditor", subject="auditor")
    assert fhir.get("/fhir/AuditEvent", token=auditor).status_code == 403


def test_a_token_for_one_patient_finds_their_studies_and_nothing_else(database: Database, tmp_path: Path) -> None:
    """SMART's `patient/ImagingStudy.rs`: what is linked to them now, and where its images are."""
    settings = Settings(jwt_secret=SecretStr(SECRET), data_dir=tmp_path, smart_scopes=True)
    services, archive = build_services(settings, database), FakeArchive()
    api = Api(create_app(services, archive, {}), services, archive)
    theirs = api.place_order("ACC-1", "MRN-1")
    api.place_order("ACC-2", "MRN-2", family_name="Berg")
    uid = stored(api, "ACC-1")
    stored(api, "ACC-2")
    claims = {"sub": "app", "aud": "orthanc-ehr-bridge", "exp": datetime.now(UTC) + timedelta(hours=1)}
    scope = {"scope": "patient/ImagingStudy.rs", "patient": "MRN-1"}
    token = jwt.encode(claims | scope, SECRET, "HS256")
    fhir = fhir_of(api)
    (study,) = resources(fhir.get("/fhir/ImagingStudy", token=token))
    assert study["identifier"][0]["value"] == f"urn:oid:{uid}"
    assert len(resources(fhir.get(f"/fhir/ImagingStudy?patient={theirs['patient_id']}", token=token))) == 1
    assert fhir.get(f"/fhir/ImagingStudy/{study['id']}", token=token).json == study
    assert len(resources(fhir.get("/fhir/Endpoint", token=token))) == 2
    (other,) = resources(fhir.get("/fhir/ImagingStudy?identifier=ACC-2", "nurse"))
    assert fhir.get(f"/fhir/ImagingStudy/{other['id']}", token=token).status_code == 404
    assert resources(fhir.get("/fhir/ImagingStudy?identifier=ACC-2", token=token)) == []
    assert len(resources(fhir.get("/fhir/ImagingStudy?patient.identifier=MRN-1", token=token))) == 1
    for query in (f"patient={other['subject']['reference']}", "patient.identifier=MRN-2", "patient=nobody"):
        assert fhir.get(f"/fhir/ImagingStudy?{query}", token=token).status_code == 403
    included = fhir.get("/fhir/ImagingStudy?_include=ImagingStudy:patient", token=token)
    assert resources(included, "include") == []
    for path in ("Patient", f"Patient/{theirs['patient_id']}", "ServiceRequest", "AuditEvent"):
        assert fhir.get(f"/fhir/{path}", token=token).status_code == 403
    assert fhir.call("POST", "/fhir/Patient", token=token, json={"resourceType": "Patient"}).status_code == 403
