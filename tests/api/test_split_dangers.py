"""What could give images of a split to the wrong patient: rejections, refusals of the archive, later images."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.services.archive.storing import Stored
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.uploads.arrivals import Delivery, Door
from tests.api.conftest import Api
from tests.api.deletion_steps import purged
from tests.api.late_steps import catch_up, kept
from tests.api.privacy_steps import restrict
from tests.api.rejection_steps import decide, look, rejected
from tests.api.split_steps import held, mixed, new_study, read, split
from tests.api.tag_steps import files, job, jobs, undo
from tests.support.samples import small


def test_a_series_with_a_rejected_image_is_not_split_off(api: Api, tmp_path: Path) -> None:
    """It would stay with the first patient, and come back to them when its rejection is taken back."""
    mixed_up = mixed(api)
    (one, *_) = (each for each in held(api, mixed_up.uid) if each.SeriesInstanceUID == mixed_up.wrong)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.archive, "delete", _away)
        rejection = rejected(api, mixed_up.uid, [str(one.SOPInstanceUID)])
    for _ in range(2):  # under way, and done
        refused = split(api, mixed_up.uid, 409, series=[mixed_up.wrong], patient_id="B-1")
        assert (refused["code"], rejection["id"] in refused["detail"]) == ("split_rejected_images", True)
        look(api)
    body = {"series": [mixed_up.wrong], "patient_id": "B-1"}
    answer = api.call("POST", f"/api/v1/reconciliation/{mixed_up.uid}/split/compare", "radiologist", json=body)
    assert answer.status_code == 409
    assert decide(api, rejection, "undo", reason="it is another's").status_code == 200
    split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    jobs(api, tmp_path).run()
    assert new_study(api)["number_of_instances"] == 2


def test_a_rejected_image_of_another_series_hinders_no_split(api: Api, tmp_path: Path) -> None:
    """It is the first patient's, and stays theirs."""
    mixed_up = mixed(api)
    (one, *_) = (each for each in held(api, mixed_up.uid) if each.SeriesInstanceUID == mixed_up.right)
    rejection = rejected(api, mixed_up.uid, [str(one.SOPInstanceUID)])
    split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    jobs(api, tmp_path).run()
    assert new_study(api)["number_of_instances"] == 2
    assert decide(api, rejection, "undo", reason="it was right").status_code == 200
    assert {str(each.SOPInstanceUID) for each in held(api, mixed_up.uid)} >= {str(one.SOPInstanceUID)}


def test_a_split_is_not_undone_while_an_image_of_its_study_is_rejected(api: Api, tmp_path: Path) -> None:
    """The image would be left in a study that is gone."""
    mixed_up = mixed(api)
    before = files(api)
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    jobs(api, tmp_path).run()
    new = new_study(api)["study_instance_uid"]
    rejection = rejected(api, new, [str(held(api, new)[0].SOPInstanceUID)])
    refused = undo(api, asked["id"], 409)
    assert (refused["code"], rejection["id"] in refused["detail"]) == ("cannot_undo", True)
    decide(api, rejection, "undo", reason="it was right")
    look(api)
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    assert files(api) == before


def test_an_image_that_could_not_be_moved_is_not_said_to_have_moved(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive refused its copy: it is still in the former study, and sent again it is a duplicate."""
    mixed_up = mixed(api)
    wrong = [data for data in files(api).values() if read(data).SeriesInstanceUID == mixed_up.wrong]
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    really = api.archive.store
    refused: list[bytes] = []

    def picky(data: bytes) -> Stored:
        if str(read(data).PatientID) == "B-1" and (not refused or data in refused):
            refused.append(data)
            raise RefusedInstance("refused_by_archive", "no")
        return really(data)

    monkeypatch.setattr(api.archive, "store", picky)
    jobs(api, tmp_path).run()
    jobs(api, tmp_path, timedelta(minutes=1)).run()
    assert (job(api, asked["id"])["status"], job(api, asked["id"])["number_done"]) == ("partial", 1)
    api.services.claims.forget()
    sent = [api.upload(data, "technician").json["instances"][0] for data in wrong]
    assert sorted(str((one.get("error") or {}).get("code")) for one in sent) == ["None", "moved_out"]
    assert sorted(one["status"] for one in sent)[0] == "duplicate"


def test_later_images_of_a_series_that_was_moved_wait_for_a_person(api: Api, tmp_path: Path) -> None:
    """The modality is still sending the series of the second patient under the first one's name."""
    mixed_up = mixed(api)
    later = [small(StudyInstanceUID=mixed_up.uid, SeriesInstanceUID=each) for each in (mixed_up.wrong, mixed_up.right)]
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    for _ in range(2):  # at once, and after it
        api.services.claims.forget()
        again = api.upload(later[0], "technician").json["instances"][0]
        assert again["error"]["code"] == "moved_out"
        jobs(api, tmp_path).run()
    kept(api, small(StudyInstanceUID=mixed_up.uid, SeriesInstanceUID=mixed_up.wrong, PatientID="A-1"))
    api.services.claims.forget()
    assert catch_up(api) == 1
    assert api.get(f"/api/v1/dicom/studies/{mixed_up.uid}", "nurse").json["link_status"] == "ambiguous"
    assert api.upload(later[1], "technician").json["instances"][0]["status"] == "stored"
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    api.services.claims.forget()
    further = small(StudyInstanceUID=mixed_up.uid, SeriesInstanceUID=mixed_up.wrong)
    assert api.upload(further, "technician").json["instances"][0]["status"] == "stored"


def test_later_images_join_a_series_of_which_some_stayed(api: Api, tmp_path: Path) -> None:
    """Nobody said that all of it is another's."""
    mixed_up = mixed(api)
    one = next(each for each in held(api, mixed_up.uid) if each.SeriesInstanceUID == mixed_up.wrong)
    split(api, mixed_up.uid, instances=[str(one.SOPInstanceUID)], patient_id="B-1")
    jobs(api, tmp_path).run()
    api.services.claims.forget()
    later = small(StudyInstanceUID=mixed_up.uid, SeriesInstanceUID=mixed_up.wrong)
    assert api.upload(later, "technician").json["instances"][0]["status"] == "stored"


def test_images_that_came_since_are_not_moved_unseen(api: Api) -> None:
    """The person was told of two images, and there are three by now."""
    mixed_up = mixed(api)
    body: dict[str, Any] = {"series": [mixed_up.wrong], "patient_id": "B-1"}
    path = f"/api/v1/reconciliation/{mixed_up.uid}/split/compare"
    told = api.call("POST", path, "radiologist", json=body).json
    later = small(StudyInstanceUID=mixed_up.uid, SeriesInstanceUID=mixed_up.wrong)
    assert api.upload(later, "technician").status_code == 201
    assert split(api, mixed_up.uid, 409, expected=told["version"], **body)["code"] == "study_changed"
    told = api.call("POST", path, "radiologist", json=body).json
    split(api, mixed_up.uid, expected=told["version"], **body)


def test_what_was_moved_out_of_a_study_that_is_purged_does_not_begin_it_anew(api: Api, tmp_path: Path) -> None:
    """The sender's archive sends all of it again: a person decides about the second patient's images."""
    mixed_up = mixed(api)
    sent = {read(data).SeriesInstanceUID: data for data in files(api).values()}
    split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    jobs(api, tmp_path).run()
    purged(api, mixed_up.uid)
    api.services.claims.forget()
    intake, by = api.services.intake, Delivery(None, Door.C_STORE, "modality", Origin("ae:CT1"))
    intake.homes.require(intake.judge(sent[mixed_up.right], by))
    with pytest.raises(RefusedInstance) as refused:
        intake.homes.require(intake.judge(sent[mixed_up.wrong], by))
    assert refused.value.code == "moved_out"


def test_a_moved_image_that_comes_again_can_be_given_to_the_first_patient_after_all(api: Api, tmp_path: Path) -> None:
    """It was theirs: it joins their study in a series of its own, because the former one is another's now."""
    mixed_up = mixed(api)
    wrong = next(data for data in files(api).values() if read(data).SeriesInstanceUID == mixed_up.wrong)
    split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    jobs(api, tmp_path).run()
    api.services.claims.forget()
    api.upload(wrong, "technician")
    (waiting,) = api.get("/api/v1/quarantine", "radiologist").json["items"]
    body = {"order_id": "ACC-A", "reason": "it was right"}
    answer = api.call("POST", f"/api/v1/quarantine/{waiting['id']}/give", "radiologist", json=body)
    assert answer.status_code == 200, answer.json
    assert {str(one.SeriesInstanceUID) for one in held(api, mixed_up.uid)} == {
        mixed_up.right,
        answer.json["given"]["series_instance_uid"],
    }
    assert len(held(api, mixed_up.uid)) == 3


@pytest.mark.parametrize("whose", ["A-1", "B-1"])
def test_a_restricted_name_is_not_read_from_the_other_study(api: Api, tmp_path: Path, whose: str) -> None:
    """The job and the files of each of the two studies name both patients; and the split is not undone unseen."""
    mixed_up = mixed(api)
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    jobs(api, tmp_path).run()
    new = new_study(api)["study_instance_uid"]
    restrict(api, whose, "doctor")
    for uid in (mixed_up.uid, new):
        assert api.get(f"/api/v1/dicom/tags/{uid}", "nurse").json["code"] == "patient_restricted"
        assert api.get(f"/api/v1/dicom/tags/{uid}", "doctor").status_code == 200
    assert undo(api, asked["id"], 403)["code"] == "patient_restricted"
    assert api.get(f"/api/v1/jobs/{asked['id']}", "nurse").json["code"] == "patient_restricted"


def _away(_: str) -> None:
    raise Unavailable("archive_unavailable", "away")
