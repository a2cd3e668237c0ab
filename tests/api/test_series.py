"""What a study is made of, for whoever may read."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.uid import generate_uid

from ehr_bridge.errors import Unavailable
from tests.api.conftest import Api
from tests.support.samples import small


def store(api: Api, study: str, *numbers: int | None) -> None:
    """A series with two images for each number."""
    for number in numbers:
        values: dict[str, Any] = {"SeriesNumber": number, "SeriesDescription": f"series {number}"}
        series = generate_uid()
        for _ in range(2):
            data = small(StudyInstanceUID=study, SeriesInstanceUID=series, **values)
            assert api.upload(data).status_code == 201


def path(study: str) -> str:
    return f"/api/v1/dicom/studies/{study}/series"


@pytest.mark.parametrize("role", ["technician", "manager", "nurse"])
def test_series_are_listed_as_numbered_to_those_who_may_read(api: Api, role: str) -> None:
    """A radiographer and a manager may not view images, and see what there is."""
    study = generate_uid()
    store(api, study, 10, 2, None)
    answer = api.get(path(study), role)
    assert (answer.status_code, answer.json["study_instance_uid"]) == (200, study)
    listed = [(s["number"], s["description"], s["modality"], s["number_of_instances"]) for s in answer.json["series"]]
    assert listed == [(2, "series 2", "MR", 2), (10, "series 10", "MR", 2), (None, "series None", "MR", 2)]


def test_series_of_an_unknown_or_hidden_study_are_not_found(api: Api) -> None:
    """Neither of one that is not there, nor of one whose deletion is requested."""
    study = generate_uid()
    store(api, study, 1)
    assert api.get(path("1.2.3"), "nurse").json["code"] == "study_not_found"
    reason = {"X-Reason": "sent twice"}
    assert api.call("DELETE", path(study).removesuffix("/series"), "radiologist", headers=reason).status_code == 202
    assert api.get(path(study), "nurse").json["code"] == "study_not_found"


def test_an_archive_that_does_not_answer_is_said(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with when to ask again, not an empty list."""
    study = generate_uid()
    store(api, study, 1)

    def away(_study: str) -> None:
        raise Unavailable("archive_unavailable", "away", 30)

    monkeypatch.setattr(api.archive, "series_of", away)
    answer = api.get(path(study), "nurse")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
