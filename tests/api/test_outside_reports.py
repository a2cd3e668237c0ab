"""Reports from outside, on both databases: what a teleradiology service sends is kept as it came, of its patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ehr_bridge.api.messages.applying import Hl7Commands
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict
from ehr_bridge.services.messages.inbox import Inbox
from ehr_bridge.services.messages.refusals import fault_of
from ehr_bridge.services.reporting import outside
from tests.api.conftest import Api
from tests.api.deletion_steps import purged, sent_again, stored
from tests.api.filing_steps import filed, text
from tests.api.link_steps import link, unlink
from tests.api.message_steps import verdict
from tests.api.outbox_steps import WEBHOOK, deliveries, put
from tests.api.outside_steps import (
    A_PDF,
    AN_ED,
    REPORTS,
    delivered,
    killed,
    only,
    order_status,
    reports,
    senders,
    versions,
)
from tests.api.privacy_steps import restrict
from tests.api.report_steps import RITA, act, with_images, written
from tests.api.tag_steps import jobs
from tests.support.messages import adt, oru
from tests.support.samples import small

FINDINGS = [
    {"code": "59776-5", "title": "Findings", "text": "No midline shift.\nVentricles of normal width."},
    {"code": "19005-8", "title": "Impression", "text": "Normal CT of the head."},
]


def test_a_teleradiologists_report_is_read_with_who_wrote_it(api: Api) -> None:
    """Beside the images, with author, sender and status; and the order is reported."""
    uid = with_images(api)
    assert verdict(api, oru()) == "AA"
    report = only(api)
    assert (report["status"], report["version"], report["study_instance_uid"]) == ("final", 1, uid)
    assert report["sections"] == FINDINGS and report["title"] == "CT head"
    assert report["author"] == {"subject": "TELERAD FARNORTH", "name": "Dr. Karin Nyström"}
    assert report["signer"] is None and report["accession_numbers"] == ["ACC-1"]
    assert order_status(api) == "reported"
    assert senders(api) == ["TELERAD FARNORTH"]


@pytest.mark.parametrize("act_of", ["claim", "release", "preliminary", "amend", "withdraw", "discard", "sign", "save"])
def test_nobody_here_writes_or_signs_it(api: Api, act_of: str) -> None:
    """Whoever tries is told whose it is; nothing changes."""
    with_images(api)
    verdict(api, oru(status="P"))
    before = only(api)
    if act_of == "save":
        tag = api.call("GET", f"/api/v1/reports/{before['id']}", token=RITA).headers["ETag"]
        body = {"sections": before["sections"]}
        answer = api.call("PUT", f"/api/v1/reports/{before['id']}", token=RITA, json=body, headers={"If-Match": tag})
    else:
        bodies = {"amend": {"kind": "amended", "reason": "r"}, "withdraw": {"reason": "r"}, "discard": {"reason": "r"}}
        tag = api.call("GET", f"/api/v1/reports/{before['id']}", token=RITA).headers["ETag"]
        body = bodies.get(act_of, {})
        path = f"/api/v1/reports/{before['id']}/{act_of}"
        answer = api.call("POST", path, token=RITA, json=body, headers={"If-Match": tag})
    assert (answer.status_code, answer.json["code"]) == (409, "report_from_outside"), answer.json
    assert only(api) == before


def test_versions_follow_each_other(api: Api) -> None:
    """Preliminary, final, corrected: each stays; one that comes again or late changes nothing."""
    with_images(api)
    first = oru("TX|&GDT^Findings||At first sight normal.", status="P", issued="20260302110000+0100")
    last = oru("TX|&GDT^Findings||A small aneurysm.", status="C", issued="20260303110000+0100")
    assert [verdict(api, one) for one in (first, oru(), last)] == ["AA"] * 3
    late = oru("TX|&GDT^Findings||Something between.", issued="20260302180000+0100")
    again = oru("TX|&GDT^Findings||A small aneurysm.", status="C", issued="20260303110000+0100")
    assert [verdict(api, one) for one in (late, again, oru(), first)] == ["AA"] * 4
    report = only(api)
    assert [one["status"] for one in versions(api, report)] == ["preliminary", "final", "corrected"]
    assert report["sections"][0]["text"] == "A small aneurysm."


@pytest.mark.parametrize(("status", "expected"), [("F", "final"), ("C", "corrected"), ("X", "entered_in_error")])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("20261025025000", "20261025021000"),  # clocks were put back between the two
        ("20260302100040+0100", "202603021000+0100"),
        ("", "20260228120000+0100"),  # the first says no time, and its message was made on 1 March
    ],
)
def test_what_is_signed_or_withdrawn_is_never_too_old(
    api: Api, first: str, second: str, status: str, expected: str
) -> None:
    """Whatever the clocks say, the preliminary report does not go on being shown."""
    with_images(api)
    assert verdict(api, oru("TX|&GDT^Findings||At first sight.", status="P", issued=first)) == "AA"
    assert verdict(api, oru("TX|&GDT^Findings||A fracture.", status=status, issued=second)) == "AA"
    assert only(api)["status"] == expected


@pytest.mark.parametrize("issued", ["", "202603031200+0100"])
def test_of_two_corrections_that_cannot_be_compared_the_one_that_came_last_is_shown(api: Api, issued: str) -> None:
    """One says when it was issued, to the second; the other to the minute, or only when its message was made."""
    with_images(api)
    for said, at in (("A fracture.", "20260303120040+0100"), ("Two fractures.", issued)):
        assert verdict(api, oru(f"TX|&GDT^Findings||{said}", status="C", issued=at)) == "AA"
    report = only(api)
    assert (report["version"], report["sections"][0]["text"]) == (2, "Two fractures.")
    proof = api.get(f"{REPORTS}/{report['id']}/versions/2/verify", "doctor").json
    assert proof["ok"] is True


def test_a_withdrawal_by_the_message_is_not_undone_by_a_time_of_another_kind(api: Api) -> None:
    """Nobody knows which of the two is older, so the sender is told, and a person sees it."""
    with_images(api)
    assert verdict(api, oru()) == "AA"
    assert verdict(api, oru(status="X", issued="")) == "AA"
    assert verdict(api, oru("TX|a||Another text.", issued="20260228120000+0100")) == "AE 206 OBR^1"


@pytest.mark.parametrize("comes_again", [True, False])
def test_a_report_of_purged_images_stays_hidden_when_its_sender_corrects_it(api: Api, comes_again: bool) -> None:
    """What comes then is a report of its own, of what is here now; the same text again is nothing new."""
    uid = stored(api)
    assert verdict(api, oru()) == "AA"
    former = only(api)
    purged(api, uid)
    assert reports(api) == []
    if comes_again:
        sent_again(api, uid)
    assert verdict(api, oru()) == "AA" and reports(api) == []
    corrected = oru("TX|&IMP^Impression||A small cyst.", status="C", issued="20260303120000+0100")
    for _ in range(2):
        assert verdict(api, corrected) == "AA"
        report = only(api)
        assert (report["version"], report["study_instance_uid"]) == (1, None)
        assert report["id"] != former["id"] and report["outside"]["sender_number"] == "R-77"
    assert api.call("GET", f"{REPORTS}/{former['id']}", token=RITA).status_code == 404
    assert order_status(api) == "reported"


def test_what_is_final_a_second_time_is_amended(api: Api) -> None:
    """Some systems know no `C`."""
    with_images(api)
    verdict(api, oru())
    assert verdict(api, oru("TX|&GDT^Findings||Seen again: a fracture.", issued="20260305120000+0100")) == "AA"
    assert [one["status"] for one in versions(api, only(api))] == ["final", "amended"]


def test_a_final_report_does_not_become_preliminary(api: Api) -> None:
    """The sender is told, and what was final stays."""
    with_images(api)
    verdict(api, oru())
    assert verdict(api, oru(status="P", issued="20260305120000+0100")) == "AE 206 OBR^1"
    assert only(api)["status"] == "final"


def test_its_sender_withdraws_it(api: Api) -> None:
    """By `X`, or by `W` in each of its parts; the order waits for a report again, and nothing brings it back."""
    with_images(api)
    verdict(api, oru())
    assert verdict(api, oru(status="X", issued="20260303120000+0100")) == "AA"
    assert (only(api)["status"], order_status(api)) == ("entered_in_error", "completed")
    assert verdict(api, oru(issued="20260304120000+0100")) == "AE 206 OBR^1"
    assert verdict(api, oru(status="X", issued="20260303130000+0100")) == "AA"
    assert len(versions(api, only(api))) == 2


def test_a_withdrawal_that_overtakes_its_report_holds(api: Api) -> None:
    """What was withdrawn is not shown as final because the network was slow."""
    with_images(api)
    assert verdict(api, oru(status="X", issued="20260303120000+0100")) == "AA"
    assert verdict(api, oru()) == "AA"
    assert only(api)["status"] == "entered_in_error" and order_status(api) != "reported"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (oru(mrn="MRN-9"), "AE 204 PID^1^3"),
        (oru(mrn="MRN-2"), "AE 204 PID^1^3"),
        (oru(mrn="MRN-2", name="Berg^Nils"), "AE 204 OBR^1"),
        (oru(name="Berg^Nils").replace("19610314", "19801224"), "AE 204 PID^1^3"),
        (oru().replace("NORTHWING^MR", "SOUTHWING^MR"), "AE 204 PID^1^3^1^4"),
        (oru(accession="ACC-9"), "AE 204 OBR^1"),
        (oru(accession=""), "AE 204 OBR^1"),
        (oru(accession="", number=""), "AE 101 OBR^1^3"),
        (oru(status="Q"), "AE 103 OBR^1^25"),
        (oru(status=""), "AE 101 OBR^1^25"),
        (oru("TX|&GDT^Findings||"), "AE 101 OBR^1"),
        (oru("ED|PDF||^application^pdf^Base64^not base64!"), "AE 102 OBX^1^5"),
        (oru("ST|113014^DICOM Study^DCM||1.2.3.4", "TX|a||b").replace("ACC-1", ""), "AE 204 OBR^1"),
    ],
)
def test_a_report_that_may_be_another_patients_is_refused(api: Api, message: str, expected: str) -> None:
    """An unknown patient or order, somebody else's, another authority: nothing is kept, and the sender is told."""
    api.place_order("ACC-2", "MRN-2", family_name="Berg", given_name="Nils", birth_date="1980-12-24")
    with_images(api)
    assert verdict(api, adt(mrn="MRN-1")) == "AA"  # the authority is on record
    assert verdict(api, message) == expected
    assert reports(api) == [] and order_status(api) == "in_progress"


def test_a_further_version_of_another_patient_is_refused(api: Api) -> None:
    """The number of the report is used again for somebody else."""
    api.place_order("ACC-2", "MRN-2", family_name="Berg", given_name="Nils")
    with_images(api)
    verdict(api, oru())
    other = oru(mrn="MRN-2", name="Berg^Nils", accession="ACC-2", issued="20260309120000+0100")
    assert verdict(api, other) == "AE 204 OBR^1"
    assert [one["version"] for one in reports(api)] == [1]


def test_a_further_version_of_a_study_that_is_not_here_is_refused(api: Api) -> None:
    """It names no order, so nobody knows that it is of the same images."""
    uid = with_images(api)
    of = "ST|113014^DICOM Study^DCM||{}"
    assert verdict(api, oru(of.format(uid), "TX|a||Of the head.", accession="")) == "AA"
    other = oru(of.format("1.2.3.4"), "TX|a||Of the knee.", accession="", issued="20260309120000+0100")
    assert verdict(api, other) == "AE 204 OBR^1"
    assert [one["version"] for one in reports(api)] == [1]


def test_a_report_that_comes_before_its_images_is_taken_when_it_comes_again(api: Api) -> None:
    """The very same message: what it was refused for has passed."""
    uid = with_images(api)
    with api.services.database.write() as session:
        study = session.scalars(select(Study)).one()
        home, study.orthanc_study_id = study.orthanc_study_id, None  # as while its first file is being stored
    message = oru(f"ST|113014^DICOM Study^DCM||{uid}", "TX|a||Normal.", accession="")
    assert [verdict(api, message) for _ in range(2)] == ["AE 204 OBR^1"] * 2
    with api.services.database.write() as session:
        session.scalars(select(Study)).one().orthanc_study_id = home
    assert [verdict(api, message) for _ in range(2)] == ["AA"] * 2
    assert [one["version"] for one in reports(api)] == [1]


def test_a_report_whose_images_are_nobodys_yet_is_taken_when_they_are_linked(api: Api, tmp_path: Path) -> None:
    """The very same message, as a radiologist here could sign then."""
    uid = with_images(api)
    unlink(api, uid)
    jobs(api, tmp_path).run()
    message = oru(f"ST|113014^DICOM Study^DCM||{uid}", "TX|a||Normal.", accession="")
    assert [verdict(api, message) for _ in range(2)] == ["AE 206 OBR^1"] * 2
    link(api, uid, order_id=api.get("/api/v1/orders/ACC-1", "doctor").json["id"])
    jobs(api, tmp_path).run()
    assert [verdict(api, message) for _ in range(2)] == ["AA"] * 2
    assert [one["version"] for one in reports(api)] == [1]


@pytest.mark.parametrize("how", ["sent for the order", "linked by a person"])
def test_a_report_that_came_before_its_images_is_filed_when_they_come(api: Api, tmp_path: Path, how: str) -> None:
    """Not only with its next version, which nobody may ever send."""
    order = api.place_order("ACC-1", "MRN-1")
    assert verdict(api, oru(AN_ED)) == "AA"
    assert (only(api)["study_instance_uid"], filed(api)) == (None, [])
    sent_for = {"X-Order-Id": order["id"]} if how == "sent for the order" else {}
    uid = api.upload(small(), headers=sent_for).json["studies"][0]["study_instance_uid"]
    api.services.recorder.settle()
    if how == "linked by a person":
        assert filed(api) == []
        link(api, uid, order_id=order["id"])
        jobs(api, tmp_path).run()
    assert [one.StudyInstanceUID for one in filed(api)] == [uid, uid]
    assert only(api)["study_instance_uid"] == uid
    assert [one["version"] for one in versions(api, only(api))] == [1]


@pytest.mark.parametrize("of", ["placer", "study"])
def test_one_number_for_two_things_is_refused(api: Api, of: str) -> None:
    """Two OBR are one report only if they are of one order and one study."""
    with_images(api)
    parts = [f"ST|113014^DICOM Study^DCM||1.2.3.{place if of == 'study' else 1}" for place in (1, 2)]
    first, second = (oru(part, "TX|a||Normal.").split("\r") for part in parts)
    if of == "placer":
        first, second = ([one.replace("OBR|1||", f"OBR|1|{number}|") for one in lines]
                         for number, lines in (("P-1", first), ("P-2", second)))  # fmt: skip
    assert verdict(api, "\r".join([*first[:-1], *second[2:]])) == "AE 205 OBR^2"
    assert reports(api) == []


def test_a_draft_of_ours_stays_beside_it(api: Api) -> None:
    """The radiologist who is writing loses nothing, and sees both; the order stays reported while one is signed."""
    with_images(api)
    draft = written(api)
    assert verdict(api, oru()) == "AA"
    assert {one["status"] for one in reports(api)} == {"draft", "final"}
    act(api, draft, "preliminary")
    assert verdict(api, oru(status="X", issued="20260303120000+0100")) == "AA"
    assert order_status(api) == "completed"
    assert {one["status"] for one in reports(api)} == {"preliminary", "entered_in_error"}


def test_the_printed_report_is_kept(api: Api) -> None:
    """The PDF that came with it is what the reader gets, here and in the study; beside it everything else that came."""
    with_images(api)
    cda = "ED|CDA^Clinical document||^text^xml^A^<html><script>alert(1)</script></html>"
    assert verdict(api, oru(AN_ED, cda)) == "AA"
    report = only(api)
    (version,) = versions(api, report)
    kinds = [one["content_type"] for one in version["outside"]["attachments"]]
    assert kinds == ["application/pdf", "text/xml"] and report["sections"] == []
    path = f"{REPORTS}/{report['id']}/versions/1/attachments"
    shown, saved = (api.get(f"{path}/{number}", "doctor") for number in (0, 1))
    assert (shown.data, shown.content_type) == (A_PDF, "application/pdf")
    assert saved.content_type == "application/octet-stream" and saved.headers["X-Content-Type-Options"] == "nosniff"
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert api.get(f"{REPORTS}/{report['id']}/pdf", "doctor").data == A_PDF
    assert api.get(f"{path}/2", "doctor").json["code"] == "attachment_not_found"
    assert api.get(f"{path}/0").status_code == 401
    sr, pdf = filed(api)
    assert pdf.EncapsulatedDocument[: pdf.EncapsulatedDocumentLength] == A_PDF
    assert "from TELERAD FARNORTH" in text(sr) and "Report as printed" in text(sr)
    assert (sr.VerificationFlag, pdf.VerificationFlag) == ("UNVERIFIED", "UNVERIFIED")


def test_a_version_is_proved_like_ours(api: Api) -> None:
    """With where it came from, and the digests of its files."""
    with_images(api)
    verdict(api, oru(AN_ED))
    report = only(api)
    proof = api.get(f"{REPORTS}/{report['id']}/versions/1/verify", "doctor").json
    assert proof["ok"] is True
    events = api.get("/api/v1/audit?action=report.received", "admin").json["items"]
    assert [one["detail"]["sha256"] for one in events] == [proof["sha256"]]


def test_all_but_its_sender_are_told_of_it(api: Api) -> None:
    """The EHR gets the report; the destination with the sender's name or application does not get it back, nor one that
    says it is the sender, whatever it is called."""
    with_images(api)
    for name in ("ehr", "telerad", "telerad-farnorth"):
        assert put(api, name, body=WEBHOOK | {"events": ["report.final", "order.status"]}).status_code < 300
    for name, sender in (("night", "Telerad"), ("far", "telerad farnorth"), ("other", "Telerad-2")):
        body = WEBHOOK | {"events": ["report.final"], "reports_from": sender}
        assert put(api, name, body=body).json["reports_from"] == sender
    verdict(api, oru())
    assert {name: len(deliveries(api, name)) for name in ("night", "far", "other")} == {
        "night": 0,
        "far": 0,
        "other": 1,
    }
    told = {name: [one["type"] for one in deliveries(api, name)] for name in ("ehr", "telerad", "telerad-farnorth")}
    assert told == {
        "ehr": ["order.status", "report.final"],
        "telerad": ["order.status"],
        "telerad-farnorth": ["order.status"],
    }


def test_who_may_not_see_the_patient_does_not_see_the_report(api: Api) -> None:
    """As all else of a restricted patient."""
    with_images(api)
    verdict(api, oru(AN_ED))
    report = only(api)
    restrict(api, "MRN-1")
    path = f"{REPORTS}/{report['id']}/versions/1/attachments/0"
    assert api.get(path, "doctor").json["code"] == "patient_restricted"
    assert api.get(REPORTS, "doctor").json["items"] == []


@pytest.mark.parametrize("seam", ["issue", "answer"])
def test_a_kill_before_the_answer_leaves_nothing_half_done(api: Api, monkeypatch: Any, seam: str) -> None:
    """The report, its files, the order's state and the message are one transaction; the sender repeats."""
    with_images(api)
    target = outside if seam == "issue" else Inbox
    what = "issue" if seam == "issue" else "_keep"
    with monkeypatch.context() as patch:
        patch.setattr(target, what, killed)
        with pytest.raises(KeyboardInterrupt):
            api.services.inbox.take(delivered(api, oru(AN_ED, control_id="K-1")), Hl7Commands(api.services))
    assert reports(api) == [] and order_status(api) == "in_progress"
    assert verdict(api, oru(AN_ED, control_id="K-1")) == "AA"
    assert len(versions(api, only(api))) == 1


@pytest.mark.parametrize(
    "code", ["report_patient_differs", "report_of_another_patient", "report_of_another_order", "study_of_another_order"]
)
def test_a_contradiction_is_an_unknown_key(code: str) -> None:
    """So the sender of a message hears that its numbers do not belong together."""
    assert fault_of(Conflict(code, "why")).code == "204"
