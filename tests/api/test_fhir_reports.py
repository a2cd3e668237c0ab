"""FHIR: reports are read and searched (IHE RAD-141), on both databases; what nobody may read is not found."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.deletion_steps import approved
from tests.api.fhir_steps import code, fhir_of, resources
from tests.api.link_steps import unlink
from tests.api.message_steps import verdict
from tests.api.privacy_steps import restrict
from tests.api.report_steps import act, amended, signed, with_images, written
from tests.api.tag_steps import jobs
from tests.support.messages import oru

FHIR = "/fhir/DiagnosticReport"


@pytest.fixture
def fhir(api: Api) -> Api:
    return fhir_of(api)


def found(fhir: Api, query: str = "", role: str = "doctor") -> list[dict[str, Any]]:
    return resources(fhir.get(f"{FHIR}{query}", role))


def ids(fhir: Api, query: str) -> set[str]:
    return {one["id"] for one in found(fhir, query)}


def test_a_signed_report_is_read_with_all_that_imr_expects(api: Api, fhir: Api) -> None:
    """Interactive Multimedia Report 1.0: whose, of which order and study, who stands for it, as text and as PDF."""
    with_images(api)
    report = signed(api)
    one = fhir.get(f"{FHIR}/{report['id']}", "doctor")
    assert one.status_code == 200, one.json
    said = one.json
    patient = api.get("/api/v1/patients/MRN-1", "doctor").json
    order = api.get("/api/v1/orders/ACC-1", "doctor").json
    assert (said["status"], said["subject"]["reference"]) == ("final", f"Patient/{patient['id']}")
    assert [part["reference"] for part in said["basedOn"]] == [f"ServiceRequest/{order['id']}"]
    study = fhir.get(f"/fhir/{said['imagingStudy'][0]['reference']}", "doctor")
    assert study.json["identifier"][0]["value"] == f"urn:oid:{report['study_instance_uid']}"
    assert said["resultsInterpreter"] == [{"display": "Rita"}] and said["conclusion"] == "Unauffälliges MRT."
    text, pdf = said["presentedForm"]
    assert "Kein Nachweis einer Raumforderung." in base64.b64decode(text["data"]).decode()
    assert pdf["contentType"] == "application/pdf"
    printed = api.get("/api/v1/" + pdf["url"].split("/api/v1/")[1], "doctor")
    assert printed.status_code == 200 and printed.get_data().startswith(b"%PDF-")
    assert (
        fhir.get(f"{FHIR}/{report['id']}", "doctor", headers={"If-None-Match": one.headers["ETag"]}).status_code == 304
    )


FINDS = """
?patient.identifier=MRN-1
?patient.family=Lindqvist
?subject=Patient/{patient}
?status=final
?status=preliminary,final
?category=http://terminology.hl7.org/CodeSystem/v2-0074|RAD
?code=http://loinc.org|18748-4
?code=18748-4
?issued=ge2020-01-01&issued=le2100-01-01
?date=2026-01-15
?date:missing=false
?based-on=ServiceRequest/{order}
?basedOn.identifier=ACC-1
?based-on:missing=false
?identifier=ACC-1
?identifier=urn:orthanc-ehr-bridge:report|{id}
?imagingStudy.identifier=ACC-1
?imagingStudy.identifier=urn:dicom:uid|urn:oid:{uid}
?imaging-study.modality=MR
?study.started=2026-01-15
?imagingStudy:missing=false
?_id={id}
?_lastUpdated=ge2020
?_sort=-issued&_count=1
"""
MISSES = """
?patient.identifier=MRN-2
?patient.family=Nobody
?status=preliminary
?category=LAB
?code=http://loinc.org|1-8
?issued=lt2020-01-01
?date=2026-01-16
?date:missing=true
?based-on.identifier=ACC-2
?based-on:missing=true
?identifier=ACC-2
?imagingStudy.identifier=ACC-2
?imagingStudy.modality=CT
?study.started=2020
?imagingStudy:missing=true
"""


def test_a_report_is_found_by_what_is_known_of_it(api: Api, fhir: Api) -> None:
    """Each parameter finds the signed one, and what does not fit finds nothing; a draft is never found."""
    with_images(api)
    report = signed(api)
    with_images(api, "ACC-2", "MRN-2")
    draft = written(api, order_id="ACC-2")
    known = {
        "patient": api.get("/api/v1/patients/MRN-1", "doctor").json["id"],
        "order": api.get("/api/v1/orders/ACC-1", "doctor").json["id"],
        "id": report["id"],
        "uid": report["study_instance_uid"],
    }
    answers = {one: ids(fhir, one.format(**known)) for one in FINDS.split()}
    assert {one: rows for one, rows in answers.items() if rows != {report["id"]}} == {}
    assert {one: rows for one in MISSES.split() if (rows := ids(fhir, one))} == {}
    hidden = fhir.get(f"{FHIR}/{draft['id']}", "radiologist")
    assert (hidden.status_code, code(hidden)) == (404, "report_not_found")
    assert found(fhir, "?_sort=_lastUpdated", "radiologist") == found(fhir)


def test_what_belongs_together_is_read_at_once(api: Api, fhir: Api) -> None:
    """The report with its patient, order and study; and the report with each of these."""
    with_images(api)
    report = signed(api)
    wanted = "&".join(f"_include=DiagnosticReport:{one}" for one in ("patient", "based-on", "imagingStudy"))
    with_it = resources(fhir.get(f"{FHIR}?{wanted}", "doctor"), "include")
    assert {one["resourceType"] for one in with_it} == {"Patient", "ServiceRequest", "ImagingStudy"}
    for query in (
        "Patient?_revinclude=DiagnosticReport:patient",
        "ServiceRequest?_revinclude=DiagnosticReport:based-on",
        "ImagingStudy?_revinclude=DiagnosticReport:imagingStudy",
    ):
        added = resources(fhir.get(f"/fhir/{query}", "doctor"), "include")
        assert [(one["resourceType"], one["id"]) for one in added] == [("DiagnosticReport", report["id"])]


def test_versions_follow_each_other_under_one_id(api: Api, fhir: Api) -> None:
    """An amendment is another version of the resource; one that was withdrawn says only that."""
    with_images(api)
    report = signed(api)
    first = fhir.get(f"{FHIR}/{report['id']}", "doctor")
    again = amended(api, report)
    second = fhir.get(f"{FHIR}/{report['id']}", "doctor")
    assert (first.json["status"], second.json["status"]) == ("final", "amended")
    assert first.headers["ETag"] != second.headers["ETag"]
    act(api, again, "withdraw", reason="another patient's")
    gone = fhir.get(f"{FHIR}/{report['id']}", "doctor").json
    assert gone["status"] == "entered-in-error"
    assert not {"conclusion", "presentedForm", "text"} & set(gone)


def test_a_report_from_outside_says_who_sent_it(api: Api, fhir: Api) -> None:
    """Its author interprets, its sender performs; its number there finds it."""
    with_images(api)
    assert verdict(api, oru()) == "AA"
    (one,) = found(fhir)
    assert one["resultsInterpreter"] == [{"display": "Dr. Karin Nyström"}]
    assert one["performer"] == [{"type": "Organization", "display": "TELERAD FARNORTH"}]
    number = next(part["value"] for part in one["identifier"] if part.get("assigner"))
    assert ids(fhir, f"?identifier={number}") == {one["id"]}


def test_nobody_finds_what_they_may_not_read(api: Api, fhir: Api) -> None:
    """A restricted patient's report, and one of a deleted study."""
    with_images(api)
    report = signed(api)
    restrict(api, "MRN-1", "nurse")
    assert (found(fhir), fhir.get(f"{FHIR}/{report['id']}", "doctor").status_code) == ([], 403)
    assert [one["id"] for one in found(fhir, role="nurse")] == [report["id"]]
    included = fhir.get("/fhir/ImagingStudy?_revinclude=DiagnosticReport:imagingStudy", "doctor")
    assert included.json.get("entry", []) == []
    uid = with_images(api, "ACC-2", "MRN-2")
    other = signed(api, order_id="ACC-2")
    assert ids(fhir, "") == {other["id"]}
    approved(api, uid)
    assert (found(fhir), fhir.get(f"{FHIR}/{other['id']}", "doctor").status_code) == ([], 404)


def test_images_that_were_moved_are_not_named(api: Api, fhir: Api, tmp_path: Path) -> None:
    """As long as nobody has decided whose they are, the report does not lead to them."""
    uid = with_images(api)
    report = signed(api)
    unlink(api, uid)
    jobs(api, tmp_path).run()
    (one,) = found(fhir)
    assert "imagingStudy" not in one and "effectiveDateTime" not in one
    assert ids(fhir, "?imagingStudy:missing=true") == {report["id"]}
