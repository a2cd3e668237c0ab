"""FHIR: a result of another system becomes a report from outside, by the rules of those that come by HL7."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.deletion_steps import purged, stored
from tests.api.fhir_steps import code, fhir_of
from tests.api.message_steps import verdict
from tests.api.outside_steps import A_PDF, REPORTS, only, order_status, reports, senders, versions
from tests.api.privacy_steps import restrict
from tests.api.report_steps import RITA, signed, token, with_images
from tests.support.fhir import bundle, entry, identifier, patient, request, result
from tests.support.messages import oru

FHIR = "/fhir/DiagnosticReport"
IMPRESSION = "Small aneurysm of the anterior communicating artery."


@pytest.fixture
def fhir(api: Api) -> Api:
    return fhir_of(api)


def send(fhir: Api, body: Any, path: str = "", method: str = "POST", role: str = "service", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return fhir.call(method, f"{FHIR}{path}", role, json=body, headers=named)


def by_uid(study_instance_uid: str) -> list[dict[str, Any]]:
    """A study as a report names it."""
    return [{"identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{study_instance_uid}"}}]


def form(text: str, kind: str = "text/plain", **more: str) -> dict[str, str]:
    return {"contentType": kind, "data": base64.b64encode(text.encode()).decode()} | more


def test_a_result_becomes_a_report_with_who_wrote_and_who_sent_it(api: Api, fhir: Api) -> None:
    """Beside the images, and never editable here; the order is reported."""
    uid = with_images(api)
    made = send(fhir, result())
    assert made.status_code == 201, made.json
    report = only(api)
    assert f"/DiagnosticReport/{report['id']}/_history/" in made.headers["Location"]
    assert (made.json["id"], made.json["status"]) == (report["id"], "final")
    assert (report["status"], report["version"], report["study_instance_uid"]) == ("final", 1, uid)
    assert report["author"]["name"] == "Dr. Karin Nyström" and report["signer"] is None
    assert report["sections"] == [{"code": "19005-8", "title": "Impression", "text": IMPRESSION}]
    assert (order_status(api), senders(api)) == ("reported", ["service"])
    tag = api.call("GET", f"{REPORTS}/{report['id']}", token=RITA).headers["ETag"]
    kept = api.call(
        "POST", f"{REPORTS}/{report['id']}/withdraw", token=RITA, json={"reason": "r"}, headers={"If-Match": tag}
    )
    assert kept.json["code"] == "report_from_outside"


def test_versions_follow_each_other_by_post_and_by_put(api: Api, fhir: Api) -> None:
    """Preliminary, final, corrected, withdrawn; what comes again changes nothing."""
    with_images(api)
    made = send(fhir, result("preliminary", conclusion="At first sight normal."))
    final = send(fhir, result())
    again = send(fhir, result())
    assert (made.status_code, final.status_code, again.status_code) == (201, 200, 200)
    assert (again.headers["ETag"], again.headers.get("Location")) == (final.headers["ETag"], None)
    path = f"/{made.json['id']}"
    corrected = result("corrected", id=made.json["id"], conclusion="Two aneurysms.", issued="2026-03-03T10:00:00+01:00")
    stale = send(fhir, corrected, path, "PUT", If_Match=made.headers["ETag"])
    assert (stale.status_code, code(stale)) == (412, "version_changed")
    assert send(fhir, corrected, path, "PUT", If_Match=final.headers["ETag"]).status_code == 200
    gone = send(fhir, result("entered-in-error", id=made.json["id"]), path, "PUT")
    assert (gone.status_code, gone.json["status"]) == (200, "entered-in-error")
    late = send(fhir, result(issued="2026-03-04T10:00:00+01:00", conclusion="Normal after all."))
    assert (late.status_code, code(late)) == (409, "report_state")
    kept = [one["status"] for one in versions(api, only(api))]
    assert kept == ["preliminary", "final", "corrected", "entered_in_error"]


STATUSES = {
    "partial": "preliminary", "preliminary": "preliminary", "final": "final", "amended": "amended",
    "corrected": "corrected", "appended": "appended", "cancelled": "entered_in_error",
    "entered-in-error": "entered_in_error",
}  # fmt: skip


def test_each_status_is_kept_as_ours_with_the_senders_own_word(api: Api, fhir: Api) -> None:
    """What says that nothing is reported yet is refused."""
    with_images(api)
    kept = {}
    for status in STATUSES:
        made = send(fhir, result(status, f"R-{status}"))
        assert made.status_code == 201, made.json
        (version,) = versions(api, {"id": made.json["id"]})
        kept[version["outside"]["sender_status"]] = version["status"]
    assert kept == STATUSES
    for status in ("registered", "unknown", "nonsense"):
        refused = send(fhir, result(status, "R-0"))
        assert (refused.status_code, code(refused)) == (422, "resource_invalid")
    assert len(reports(api)) == len(STATUSES)


def test_whatever_does_not_fit_is_refused_and_changes_nothing(api: Api, fhir: Api) -> None:
    """Nobody guesses whose a report is."""
    uid = with_images(api)
    other = with_images(api, "ACC-2", "MRN-2")
    pdf = base64.b64encode(b"no PDF").decode()
    wrong: dict[str, tuple[Any, str]] = {
        "unknown patient": (result(subject={"identifier": identifier("MR", "NOBODY")}), "resource_invalid"),
        "no patient": (result(subject={"display": "Max Jones"}), "resource_invalid"),
        "another server's patient": (result(subject={"reference": "https://a.example/Patient/1"}), "resource_invalid"),
        "unknown order": (result(order="ACC-9"), "resource_invalid"),
        "another patient's order": (result(order="ACC-2"), "report_patient_differs"),
        "two orders": (
            result(basedOn=[{"identifier": identifier("ACSN", one)} for one in ("ACC-1", "ACC-2")]),
            "resource_invalid",
        ),
        "an order by reference and another by number": (
            result(
                basedOn=[
                    {
                        "reference": f"ServiceRequest/{api.get('/api/v1/orders/ACC-1', 'doctor').json['id']}",
                        "identifier": identifier("ACSN", "ACC-2"),
                    }
                ]
            ),
            "report_of_another_order",
        ),
        "no order and no study": (result(order=None), "resource_invalid"),
        "another order's study": (result(imagingStudy=by_uid(other)), "study_of_another_order"),
        "another patient's study": (result(order=None, imagingStudy=by_uid(other)), "report_patient_differs"),
        "unknown study": (result(order=None, imagingStudy=by_uid("1.2.3.4.5")), "study_not_found"),
        "nothing said": (result(conclusion=" "), "report_empty"),
        "no PDF": (result(presentedForm=[{"contentType": "application/pdf", "data": pdf}]), "resource_invalid"),
        "no Base64": (result(presentedForm=[{"contentType": "text/plain", "data": "*"}]), "resource_invalid"),
        "a hash of something else": (
            result(presentedForm=[form("x", hash=base64.b64encode(bytes(20)).decode())]),
            "resource_invalid",
        ),
        "a number without an end": (result(number="9" * 256), "resource_invalid"),
        "an odd time": (result(issued="yesterday"), "resource_invalid"),
        "null": (result(subject=None), "resource_invalid"),
    }
    codes = {what: code(send(fhir, body)) for what, (body, _) in wrong.items()}
    assert codes == {what: expected for what, (_, expected) in wrong.items()}
    assert reports(api) == []
    made = send(fhir, result(order=None, imagingStudy=by_uid(uid)))
    assert made.status_code == 201, made.json
    elsewhere = {"reference": "https://ehr.example/fhir/ServiceRequest/9", "identifier": identifier("ACSN", "ACC-1")}
    whose = {"reference": "https://ehr.example/fhir/Patient/9", "identifier": identifier("MR", "MRN-1")}
    again = send(fhir, result(basedOn=[elsewhere], subject=whose))
    assert (again.status_code, again.json["id"]) == (200, made.json["id"])
    moved = send(fhir, result("corrected", order="ACC-2", subject={"identifier": identifier("MR", "MRN-2")}))
    assert code(moved) == "report_of_another_patient"


def test_text_and_files_are_read_and_nothing_in_them_acts(api: Api, fhir: Api) -> None:
    """Plain text as it is, HTML without what could act, a PDF as it came; a link is shown and not followed."""
    with_images(api)
    page = (
        "<style>p{}</style><script>alert(1)</script><p onclick='x()'>Findings &lt;5&nbsp;mm</p><ul><li>one<li>two</ul>"
    )
    forms = [
        form(f"Lange Beurteilung.\n{IMPRESSION}", title="Befund", language="de"),
        form(page, "text/html"),
        {"contentType": "application/pdf", "data": base64.b64encode(A_PDF).decode(), "title": "As printed"},
        {"contentType": "image/png", "data": "iVBORw0KGgo="},
        {"contentType": "application/pdf", "url": "https://telerad.example/1.pdf", "title": "Elsewhere"},
    ]
    codes = [{"coding": [{"system": "http://snomed.info/sct", "code": "128608001", "display": "Aneurysm"}]}]
    measured = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "Diameter"},
                "valueQuantity": {"value": 4.5, "unit": "mm"}}  # fmt: skip
    sent = result(presentedForm=forms, conclusionCode=codes, contained=[measured],
                  result=[{"reference": "#o"}, {"reference": "Observation/7"}])  # fmt: skip
    made = send(fhir, sent)
    assert made.status_code == 201, made.json
    report = only(api)
    said = {one["title"]: one["text"] for one in report["sections"]}
    assert said == {
        "Befund": f"Lange Beurteilung.\n{IMPRESSION}",
        "Report": "Findings <5 mm\none\ntwo",
        "Elsewhere": "https://telerad.example/1.pdf",
        "Results": "Diameter: 4.5 mm\n[1 results are kept by the sender, and did not come with this report.]",
        "Conclusion (codes)": "Aneurysm",
    }
    assert report["language"] == "de"
    (version,) = versions(api, report)
    files = [(one["title"], one["content_type"], one["size"]) for one in version["outside"]["attachments"]]
    assert files == [("As printed", "application/pdf", len(A_PDF)), ("Report", "image/png", 8)]
    assert api.get(f"{REPORTS}/{report['id']}/pdf", "doctor").get_data() == A_PDF


@pytest.mark.parametrize("first", ["hl7", "fhir"])
def test_the_same_result_by_hl7_and_by_fhir_is_one_report(api: Api, fhir: Api, first: str) -> None:
    """Where the source of the messages is named like the sender, and the number is the same; the same text is no
    second version."""
    with_images(api)
    number, text = "RPT-77", "No midline shift."
    message = oru(f"TX|&GDT^Findings||{text}", number=number)
    body = result(number=number, presentedForm=[form(text)], conclusion="")
    del body["conclusion"]
    telerad = token("service", subject="TELERAD FARNORTH")
    for way in (first, "fhir" if first == "hl7" else "hl7", "hl7", "fhir"):
        if way == "hl7":
            assert verdict(api, message) == "AA"
        else:
            assert fhir.call("POST", FHIR, token=telerad, json=body).status_code in (200, 201)
    report = only(api)
    assert (report["version"], report["status"]) == (1, "final")


def test_nobody_changes_what_another_has_sent_or_what_is_written_here(api: Api, fhir: Api) -> None:
    """Who sends is the token, whatever the body says."""
    with_images(api)
    ours = signed(api)
    theirs = send(fhir, result()).json
    other = token("service", subject="other")
    stolen = fhir.call("PUT", f"{FHIR}/{theirs['id']}", token=other, json=result("entered-in-error", id=theirs["id"]))
    assert (stolen.status_code, code(stolen)) == (409, "report_of_another_sender")
    echo = fhir.get(f"{FHIR}/{ours['id']}", "doctor").json
    for answer in (
        send(fhir, echo | {"status": "corrected"}, f"/{ours['id']}", "PUT"),
        send(fhir, {name: value for name, value in echo.items() if name not in ("id", "meta")}),
    ):
        assert (answer.status_code, code(answer)) == (409, "report_of_another_sender")
    mine = fhir.call("POST", FHIR, token=other, json=result())
    assert mine.status_code == 201 and mine.json["id"] != theirs["id"]
    for role in ("doctor", "radiologist"):
        assert code(send(fhir, result(), role=role)) == "permission_missing"
    kept = fhir.get(f"{FHIR}/{theirs['id']}", "doctor").json
    back = send(fhir, kept, f"/{theirs['id']}", "PUT")
    assert (back.status_code, back.json) == (200, kept)
    renamed = send(fhir, result(number="R-2", id=theirs["id"]), f"/{theirs['id']}", "PUT")
    assert code(renamed) == "number_changed"


def test_a_report_of_purged_images_takes_no_further_version(api: Api, fhir: Api) -> None:
    """By its id; by POST a new one comes, and the former stays hidden."""
    uid = stored(api)
    former = send(fhir, result()).json
    purged(api, uid)
    put = send(fhir, result("corrected", id=former["id"], conclusion="A cyst."), f"/{former['id']}", "PUT")
    assert (put.status_code, code(put)) == (409, "report_state") and reports(api) == []
    new = send(fhir, result("corrected", conclusion="A cyst."))
    assert (new.status_code, only(api)["id"]) == (201, new.json["id"]) and new.json["id"] != former["id"]


def test_a_restricted_patients_result_is_refused_to_who_may_not_see_them(api: Api, fhir: Api) -> None:
    """And nothing is said about the order."""
    with_images(api)
    restrict(api, "MRN-1", "nurse")
    assert send(fhir, result(), role="admin").status_code == 403
    assert send(fhir, result()).status_code == 201


def test_patient_order_and_report_come_in_one_transaction(api: Api, fhir: Api) -> None:
    """As a whole or not at all; sent again, it has no second effect; and by condition."""
    whose, which = "urn:uuid:11111111-1111-4111-8111-111111111111", "urn:uuid:22222222-2222-4222-8222-222222222222"
    body = result(order=None, subject={"reference": whose}, basedOn=[{"reference": which}])
    query = "identifier=https%3A%2F%2Ftelerad.example%2Freports%7CR-1"
    sent = bundle(
        "transaction",
        entry("PUT", f"DiagnosticReport?{query}", body),
        entry("PUT", "ServiceRequest?identifier=ACC-1", request(subject=whose), which),
        entry("PUT", "Patient?identifier=MRN-1", patient(), whose),
    )
    answers = [fhir.call("POST", "/fhir", "service", json=sent) for _ in range(2)]
    statuses = [[one["response"]["status"][:3] for one in answer.json["entry"]] for answer in answers]
    assert statuses == [["201"] * 3, ["200"] * 3]
    assert only(api)["version"] == 1
    broken = bundle(
        "transaction", entry("POST", "Patient", patient("MRN-5")), entry("POST", "DiagnosticReport", result(order="X"))
    )
    assert fhir.call("POST", "/fhir", "service", json=broken).status_code == 422
    assert api.get("/api/v1/patients/MRN-5", "nurse").status_code == 404
    there = send(fhir, result("corrected"), If_None_Exist=query)
    assert (there.status_code, there.json["status"]) == (200, "final")
    batch = fhir.call(
        "POST", "/fhir", "service", json=bundle("batch", entry("POST", "DiagnosticReport", result(number="R-7")))
    )
    assert batch.json["entry"][0]["response"]["status"].startswith("201")


def test_who_wrote_it_may_come_in_the_transaction(api: Api, fhir: Api) -> None:
    """A Practitioner is not kept; who lets it be left out finds their name in the report."""
    with_images(api)
    who = "urn:uuid:33333333-3333-4333-8333-333333333333"
    person = {"resourceType": "Practitioner", "name": [{"prefix": ["Dr."], "given": ["Ada"], "family": "Berg"}]}
    body = result(resultsInterpreter=[{"reference": who}])
    sent = bundle("transaction", entry("POST", "DiagnosticReport", body), entry("POST", "Practitioner", person, who))
    assert fhir.call("POST", "/fhir", "service", json=sent).status_code == 404
    answer = fhir.call("POST", "/fhir", "service", json=sent, headers={"Prefer": "handling=lenient"})
    assert [one["response"]["status"][:3] for one in answer.json["entry"]] == ["201", "202"]
    assert only(api)["author"]["name"] == "Dr. Ada Berg"


def test_a_report_without_a_number_is_that_of_its_order(api: Api, fhir: Api) -> None:
    """Sent again after a lost answer, it is not a second one."""
    with_images(api)
    first, again = (send(fhir, result(number=None)) for _ in range(2))
    assert (first.status_code, again.status_code, first.json["id"]) == (201, 200, again.json["id"])
