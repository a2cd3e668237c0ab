"""What could give images of a split to the wrong patient: rejections, refusals of the archive, later images."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.services.archive.storing import Stored
from tests.api.conftest import Api
from tests.api.rejection_steps import decide, look, rejected
from tests.api.split_steps import held, mixed, new_study, read, split
from tests.api.tag_steps import files, job, jobs, undo


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
    really, refused = api.archive.store, []

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


def _away(_: str) -> None:
    raise Unavailable("archive_unavailable", "away")
