"""Two patients in one study: the images of one are moved, and taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.interrupted_steps import KILLED, KilledAt
from tests.api.report_steps import read as reported
from tests.api.report_steps import signed
from tests.api.split_steps import held, mixed, new_study, order, read, split, study
from tests.api.tag_steps import files, job, jobs, modify, rows, undo
from tests.support.samples import pixels


def test_a_series_of_another_patient_becomes_a_study_of_theirs(api: Api, tmp_path: Path) -> None:
    """With new UIDs, their identity, and what it was before in each file; the others stay as they are."""
    mixed_up = mixed(api)
    before = files(api)
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], order_id="ACC-B")
    assert jobs(api, tmp_path).run() == 0
    assert (job(api, asked["id"])["status"], job(api, asked["id"])["number_done"]) == ("succeeded", 2)
    left, new = study(api, mixed_up.uid), new_study(api)
    assert (left["mrn"], left["accession_number"], left["number_of_instances"]) == ("A-1", "ACC-A", 2)
    assert (new["accession_number"], new["number_of_instances"], new["link_status"]) == ("ACC-B", 2, "linked")
    moved = held(api, new["study_instance_uid"])
    former = {one.SOPInstanceUID for one in map(read, before.values())}
    assert len({one.SeriesInstanceUID for one in moved}) == 1
    assert mixed_up.wrong != moved[0].SeriesInstanceUID
    frames = {one.FrameOfReferenceUID for one in moved}
    assert len(frames) == 1 and frames.isdisjoint(one.FrameOfReferenceUID for one in held(api, mixed_up.uid))
    for one in moved:
        assert one.SOPInstanceUID not in former and one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID
        assert (one.PatientID, one.PatientName, one.AccessionNumber) == ("B-1", "Berg^Ann", "ACC-B")
        said = [item.ModifiedAttributesSequence[0] for item in one.OriginalAttributesSequence]
        assert str(said[-1].StudyInstanceUID) == mixed_up.uid and str(said[-1].SOPInstanceUID) in former
    assert {pixels(data) for data in files(api).values()} == {pixels(data) for data in before.values()}
    assert rows(api) == set(files(api))


def test_undone_the_study_is_what_it_was_to_the_byte(api: Api, tmp_path: Path) -> None:
    """The new study is gone, and its order waits for images again."""
    mixed_up = mixed(api)
    before = files(api)
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], order_id="ACC-B")
    jobs(api, tmp_path).run()
    undo(api, asked["id"])
    assert jobs(api, tmp_path).run() == 0
    assert files(api) == before and rows(api) == set(before)
    assert study(api, mixed_up.uid)["number_of_instances"] == 4
    assert api.get("/api/v1/dicom/studies?mrn=B-1", "radiologist").json["total"] == 0
    assert api.get("/api/v1/orders/ACC-B", "radiologist").json["status"] == "scheduled"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 5))
def test_killed_at_any_step_of_a_split_loses_no_image(api: Api, tmp_path: Path, at: int, after: bool) -> None:
    """Each image is in the archive in its former or its new form; after the start the job goes on, and so does its
    undo."""
    mixed_up = mixed(api)
    before = files(api)
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], order_id="ACC-B")
    for _ in range(2):
        killed = KilledAt(api, at, after)
        with pytest.raises(KILLED):
            jobs(api, tmp_path).run()
        killed.off()
        pictures = {pixels(data) for data in before.values()}
        assert {pixels(data) for data in files(api).values()} == pictures
        assert jobs(api, tmp_path).run() == 0
        assert len(files(api)) == 4 and rows(api) == set(files(api))
        if files(api) != before:
            assert new_study(api)["number_of_instances"] == 2
            undo(api, asked["id"])
    assert files(api) == before


def test_an_original_that_comes_again_waits_for_a_person(api: Api, tmp_path: Path) -> None:
    """The modality sends everything again after the split: what was moved does not come back to the first patient."""
    mixed_up = mixed(api)
    before = files(api)
    wrong = next(data for data in before.values() if read(data).SeriesInstanceUID == mixed_up.wrong)
    right = next(data for data in before.values() if read(data).SeriesInstanceUID == mixed_up.right)
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    jobs(api, tmp_path).run()
    api.services.claims.forget()
    now = files(api)
    assert api.upload(right, "technician").json["instances"][0]["status"] == "duplicate"
    again = api.upload(wrong, "technician")
    assert again.json["instances"][0]["error"]["code"] == "moved_out"
    assert files(api) == now
    waiting = api.get("/api/v1/quarantine", "radiologist").json["items"]
    assert [one["code"] for one in waiting] == ["moved_out"]
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    api.services.claims.forget()
    assert api.upload(wrong, "technician").json["instances"][0]["status"] == "duplicate"


def test_single_images_go_to_another_order_of_the_same_patient(api: Api, tmp_path: Path) -> None:
    """The frame of reference stays: it is the same body."""
    mixed_up = mixed(api)
    order(api, "ACC-A2", "A-1")
    one = next(each for each in held(api, mixed_up.uid) if each.SeriesInstanceUID == mixed_up.right)
    split(api, mixed_up.uid, instances=[str(one.SOPInstanceUID)], order_id="ACC-A2")
    jobs(api, tmp_path).run()
    found = api.get("/api/v1/dicom/studies?accession_number=ACC-A2", "radiologist").json["items"]
    (moved,) = held(api, found[0]["study_instance_uid"])
    assert (moved.FrameOfReferenceUID, moved.AccessionNumber) == (one.FrameOfReferenceUID, "ACC-A2")
    assert study(api, mixed_up.uid)["number_of_instances"] == 3


def test_what_would_happen_is_said_before(api: Api) -> None:
    """Nothing is changed by asking; and the version that was seen is the one that is split."""
    mixed_up = mixed(api)
    before = files(api)
    body: dict[str, Any] = {"series": [mixed_up.wrong], "patient_id": "B-1"}
    answer = api.call("POST", f"/api/v1/reconciliation/{mixed_up.uid}/split/compare", "radiologist", json=body)
    assert answer.status_code == 200, answer.json
    told = answer.json
    assert (told["number_of_instances"], told["number_of_series"], told["remaining_instances"]) == (2, 1, 2)
    assert told["is_another_patient"] and told["candidate"]["mrn"] == "B-1"
    assert files(api) == before
    split(api, mixed_up.uid, 409, expected="0" * 16, **body)
    split(api, mixed_up.uid, 202, expected=told["version"], **body)


def test_what_cannot_be_split(api: Api) -> None:
    """Everything, nothing, what is theirs already, images of elsewhere, a study on hold; and who may not."""
    mixed_up = mixed(api)
    both = [mixed_up.right, mixed_up.wrong]
    assert split(api, mixed_up.uid, 422, series=both, patient_id="B-1")["code"] == "split_leaves_nothing"
    assert split(api, mixed_up.uid, 422, patient_id="B-1")["code"] == "invalid_request"
    assert split(api, mixed_up.uid, 422, series=["1.2.3"], patient_id="B-1")["code"] == "split_unknown_image"
    assert split(api, mixed_up.uid, 409, series=[mixed_up.wrong], order_id="ACC-A")["code"] == "split_same_owner"
    split(api, mixed_up.uid, 403, role="doctor", series=[mixed_up.wrong], patient_id="B-1")
    hold = api.call("POST", f"/api/v1/dicom/studies/{mixed_up.uid}/hold", "radiologist", json={"reason": "a claim"})
    assert hold.status_code == 201, hold.json
    assert split(api, mixed_up.uid, 409, series=[mixed_up.wrong], patient_id="B-1")["code"] == "study_on_hold"


def test_a_signed_report_whose_images_are_moved_is_in_doubt(api: Api, tmp_path: Path) -> None:
    """It is not delivered until somebody has decided; when the split is undone it is certain again."""
    mixed_up = mixed(api)
    report = signed(api, order_id="ACC-A")
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    jobs(api, tmp_path).run()
    assert reported(api, report)["doubt"] == "split"
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    assert reported(api, report)["doubt"] is None


def test_a_study_that_was_changed_since_is_not_joined_again(api: Api, tmp_path: Path) -> None:
    """The new study was corrected: that is undone first."""
    mixed_up = mixed(api)
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    jobs(api, tmp_path).run()
    modify(api, new_study(api)["study_instance_uid"], StudyDescription="CT of Berg")
    assert undo(api, asked["id"], 409)["code"] == "modification_running"
    jobs(api, tmp_path).run()
    assert undo(api, asked["id"], 409)["code"] == "cannot_undo"


def test_everybody_is_told_of_the_new_study_and_the_trail_names_both(api: Api, tmp_path: Path) -> None:
    """The event of the new study's link, and an entry of the audit trail for each of the two studies."""
    mixed_up = mixed(api)
    split(api, mixed_up.uid, series=[mixed_up.wrong], order_id="ACC-B")
    jobs(api, tmp_path).run()
    new = new_study(api)["study_instance_uid"]
    events = api.get("/api/v1/events?after=0&limit=200", "radiologist").json["items"]
    linked = [one["data"]["study_instance_uid"] for one in events if one["type"] == "org.ehr-bridge.study.linked"]
    assert new in linked
    trail = api.get("/api/v1/audit?action=study.split", "admin").json["items"]
    assert {one["study_instance_uid"] for one in trail} == {mixed_up.uid, new}
