"""Images that were kept while the database was away end as if it had been there; on both databases."""

from __future__ import annotations

import io
from collections import Counter
from datetime import timedelta
from itertools import count
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid

from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.uploads.arrivals import Delivery, Door
from tests.api.conftest import Api
from tests.api.late_steps import c_store, catch_up, catching_up, kept
from tests.api.link_steps import ASA, audited, history, identities, link, order, put_patient, reconciliation, study
from tests.api.tag_steps import files, jobs, undo
from tests.support.samples import small

GOOD = {"PatientID": "MRN-1", "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314"}
LATER = timedelta(seconds=11)


def scanned(uid: str, **values: str) -> bytes:
    return small(
        **{"StudyInstanceUID": uid, "SeriesInstanceUID": generate_uid(entropy_srcs=[uid]), "AccessionNumber": "ACC-1"}
        | values
    )


def test_after_a_long_outage_it_is_caught_up_a_piece_at_a_time(api: Api) -> None:
    """What arrives now does not wait until all of it is found; nothing is left out and nothing found twice."""
    for number in range(7):
        kept(api, small(SOPInstanceUID=f"1.2.3.{number}"))
    clock = count(0.0, 2.0)  # two seconds for each look at it
    chore = catching_up(api, lambda: next(clock))
    found = [chore.run() for _ in range(6)]
    assert max(found) < 7 and sum(found) == 7 and found[-1] == 0
    api.services.recorder.settle()
    assert len(api.archive.instances) == 7
    assert catch_up(api) == 0


def test_a_study_that_came_while_the_database_was_away(api: Api, tmp_path: Path) -> None:
    """Linked and coerced once it is back, told once of each; taking it back restores every byte."""
    api.place_order()
    uid = generate_uid()
    for _ in range(3):
        kept(api, scanned(uid, **GOOD))
    before = files(api)
    assert catch_up(api) == 3
    assert study(api, uid)["link_status"] == "unlinked" and files(api) == before
    for _ in range(2):
        jobs(api, tmp_path).run()
    jobs(api, tmp_path, LATER).run()
    seen = study(api, uid)
    assert (seen["link_status"], seen["accession_number"], seen["linked_by"]) == ("linked", "ACC-1", "ehr-bridge")
    assert identities(api, uid) == {ASA}
    answered = order(api)
    assert (answered["study_instance_uid"], answered["number_of_images"], answered["upload_source"]) == (
        uid,
        3,
        "modality",
    )
    assert Counter(audited(api, uid)) == {"study.received": 1, "study.judged_again": 1, "study.linked": 1}
    (log,) = api.get("/api/v1/dicom/uploads", "nurse").json["items"]
    assert (log["uploaded_by"], log["number_of_files"]) == ("ae:MR1", 3)
    made = next(step["job_id"] for step in history(api, uid) if step["action"] == "study.linked")
    undo(api, made)
    jobs(api, tmp_path).run()
    assert files(api) == before and study(api, uid)["link_status"] == "unlinked"


@pytest.mark.parametrize("number", ["MRN-1", ""], ids=["as the study", "filed under another number"])
def test_an_image_of_a_linked_study_that_nobody_coerced(api: Api, tmp_path: Path, number: str) -> None:
    """It says what the first one of its study said, so it gets what that one got, and the study stays linked."""
    api.place_order()
    uid = generate_uid()
    said = GOOD | {"PatientID": number}
    assert api.upload(scanned(uid, **said), headers={"X-Order-Id": "ACC-1"}).status_code == 201
    for _ in range(2):
        kept(api, scanned(uid, **said))
    assert catch_up(api) == 2
    assert (study(api, uid)["number_of_instances"], study(api, uid)["link_status"]) == (3, "linked")
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert identities(api, uid) == {ASA} and len(files(api)) == 3
    assert (study(api, uid)["number_of_instances"], study(api, uid)["link_status"]) == (3, "linked")
    told = Counter(audited(api, uid))
    assert (told["study.linked"], told["study.received"], told["study.followed"]) == (1, 2, 1)


def test_an_image_that_says_all_it_should_needs_no_job(api: Api, tmp_path: Path) -> None:
    """Coerced before the process was killed: written down, and nothing else."""
    api.place_order()
    uid = generate_uid()
    c_store(api, scanned(uid, **GOOD))
    data = next(iter(files(api).values()))
    ds = pydicom.dcmread(io.BytesIO(data))
    kept(api, data.replace(ds.SOPInstanceUID.encode(), ds.SOPInstanceUID[:-4].encode() + b"4321"))
    assert catch_up(api) == 1
    assert (study(api, uid)["number_of_instances"], jobs(api, tmp_path).run()) == (2, 0)
    assert "study.followed" not in audited(api, uid)


def test_an_image_of_somebody_else_is_left_as_it_is(api: Api, tmp_path: Path) -> None:
    """The same study, another person: a person has to look, and no job touches it meanwhile."""
    api.place_order()
    uid = generate_uid()
    c_store(api, scanned(uid, **GOOD))
    stranger = kept(api, scanned(uid, PatientID="X-9", PatientName="Other^Name", PatientBirthDate="19990101"))
    before = files(api)
    assert catch_up(api) == 1
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert study(api, uid)["link_status"] == "ambiguous"
    assert files(api)[stranger] == before[stranger]


def test_a_stranger_who_is_not_written_down_yet_is_not_swept_along(api: Api, tmp_path: Path) -> None:
    """The job for its neighbour runs first: it leaves the other person's image, and the study is flagged after."""
    api.place_order()
    uid = generate_uid()
    c_store(api, scanned(uid, **GOOD))
    kept(api, scanned(uid, **GOOD))
    assert catch_up(api) == 1
    stranger = kept(api, scanned(uid, PatientID="X-9", PatientName="Other^Name", PatientBirthDate="19990101"))
    before = files(api)[stranger]
    for later in (timedelta(), timedelta(), LATER):
        jobs(api, tmp_path, later).run()
    assert files(api)[stranger] == before
    assert len({identity for identity in identities(api, uid) if identity == ASA}) == 1
    assert catch_up(api) == 1
    assert study(api, uid)["link_status"] == "ambiguous"


def test_a_process_killed_between_claim_and_entry_still_links(api: Api, tmp_path: Path) -> None:
    """Judged and claimed, then nothing: the next one to look at the list of changes asks for the job."""
    api.place_order()
    uid = generate_uid()
    data = scanned(uid, **GOOD)
    kept(api, data)
    delivery = Delivery(None, Door.C_STORE, "modality", Origin("ae:MR1"))
    assert not api.services.intake.judge(data, delivery, may_coerce=False).decision.is_linked
    assert catch_up(api) == 1
    jobs(api, tmp_path).run()
    assert study(api, uid)["link_status"] == "linked" and identities(api, uid) == {ASA}


def test_what_is_not_certain_is_left_to_people(api: Api, tmp_path: Path) -> None:
    """Another birth date: no job; and a person who links first is not overruled by the one that waits."""
    api.place_order()
    doubted, certain = generate_uid(), generate_uid()
    kept(api, scanned(doubted, **GOOD | {"PatientBirthDate": "19700101", "PatientName": "Other^Name"}))
    kept(api, scanned(certain, **GOOD))
    assert catch_up(api) == 2
    put_patient(api, "MRN-2", 201, family_name="Berg", given_name="Eva", birth_date="1970-02-02")
    link(api, certain, patient_id="MRN-2")
    for _ in range(3):
        jobs(api, tmp_path).run()
    assert study(api, doubted)["link_status"] != "linked"
    assert (study(api, certain)["link_status"], study(api, certain)["mrn"]) == ("linked", "MRN-2")
    assert [item["study"]["study_instance_uid"] for item in reconciliation(api)["items"]] == [doubted]


def test_corrections_of_a_study_that_belongs_to_nobody_reach_its_late_images(api: Api, tmp_path: Path) -> None:
    """The uploader corrected the date; an image that came while nobody could coerce gets it too."""
    uid = generate_uid()
    options = b'{"tags": {"StudyDate": "20260201"}}'
    body = (
        b"--b\r\nContent-Type: application/json\r\n\r\n"
        + options
        + b"\r\n--b\r\nContent-Type: application/dicom\r\n\r\n"
    )
    sent = api.call(
        "POST",
        "/api/v1/dicom/upload",
        "technician",
        data=body + scanned(uid) + b"\r\n--b--\r\n",
        content_type="multipart/related; boundary=b",
    )
    assert sent.status_code == 201, sent.json
    kept(api, scanned(uid))
    assert catch_up(api) == 1
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert {str(pydicom.dcmread(io.BytesIO(data)).StudyDate) for data in files(api).values()} == {"20260201"}
    assert study(api, uid)["link_status"] == "unlinked"
