"""Refusals that seldom happen: each says its code, and what is kept stays right."""

from __future__ import annotations

import io
import uuid
from pathlib import Path
from typing import Any

import pydicom
import pytest

from ehr_bridge.services.intake import recorder
from tests.api.conftest import Api
from tests.api.tag_steps import files, job, jobs, modify, rows, store
from tests.support.samples import encoded, small


def heard(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_what_is_not_there_is_named(api: Api) -> None:
    """An upload and a viewer token that nobody made."""
    nothing = uuid.uuid4()
    assert heard(api.get(f"/api/v1/dicom/uploads/{nothing}", "nurse")) == (404, "upload_not_found")
    answer = api.call("DELETE", f"/api/v1/dicom/viewer-token/{nothing}", "doctor")
    assert heard(answer) == (404, "token_not_found")


def test_a_reported_order_cannot_be_cancelled(api: Api) -> None:
    """What was done is not undone by a message that comes late."""
    order = {"mrn": api.place_order()["mrn"], "modality": "MR", "description": "MR brain", "status": "reported"}
    assert api.call("PUT", "/api/v1/orders/ACC-1", "service", json=order).json["status"] == "reported"
    answer = api.call("POST", "/api/v1/orders/ACC-1/cancel", "service")
    assert heard(answer) == (409, "order_state")
    assert api.get("/api/v1/orders/ACC-1", "nurse").json["status"] == "reported"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\0" * 128 + b"DICM" + b"junk behind the mark", "malformed"),
        (small(StudyInstanceUID="1.2.3.4.5.6").replace(b"1.2.3.4.5.6", b"1.2..4.5..6"), "invalid_uid"),
    ],
)
def test_a_file_that_breaks_the_rules_is_refused_and_leaves_nothing(api: Api, data: bytes, code: str) -> None:
    """Lengths that lead nowhere; a UID that is none."""
    assert heard(api.upload(data)) == (422, code)
    assert files(api) == {}


def test_a_defect_is_said_without_its_details(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may hold a patient's name."""

    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("Lindqvist^Åsa")

    monkeypatch.setattr(api.services.results.day, "search", broken)
    answer = api.get("/api/v1/orders", "nurse")
    assert heard(answer) == (500, "internal_error")
    assert "Lindqvist" not in answer.text


def test_an_image_whose_record_fails_is_kept_and_sending_it_again_is_harmless(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored, not yet written down: the sender hears to wait, and the second time finds it there."""
    data = small()

    def broken(*_: Any) -> None:
        raise RuntimeError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(recorder, "open_entry", broken)
        answer = api.upload(data)
    assert heard(answer) == (503, "record_pending")
    assert int(answer.headers["Retry-After"]) > 0
    assert len(files(api)) == 1
    assert api.upload(data).status_code == 201
    assert rows(api) == set(files(api))
    assert api.get("/api/v1/dicom/studies", "nurse").json["total"] == 1


def test_an_instance_that_is_there_already_under_its_new_identity_keeps_what_is_there(api: Api, tmp_path: Path) -> None:
    """It came past us with other pixels: it stays, the second is dropped as a duplicate, and the job says so."""
    uid = store(api, 1)
    ((_, data),) = files(api).items()
    ds = pydicom.dcmread(io.BytesIO(data))
    ds.PatientID, ds.PixelData = "P-2", bytes(128)
    other = encoded(ds)
    api.archive.store(other)
    asked = modify(api, uid, PatientID="P-2")
    assert jobs(api, tmp_path).run() == 0
    end = job(api, asked["id"])
    assert (end["status"], end["error_code"]) == ("partial", "duplicate_instance")
    assert other in files(api).values()
