"""A rejected image is looked at again: by whom, as what, and what of it stands in the trail."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from ehr_bridge.services.archive.quarantine import Quarantine
from ehr_bridge.services.rejection import looking
from tests.api.conftest import Api
from tests.api.rejection_steps import REJECTIONS, RITA, a_series, decide, look, rejected


def test_who_may_reject_sees_a_picture_of_a_rejected_image_and_it_is_audited(api: Api) -> None:
    """Never the file; who only reads, or may not see the patient, sees nothing."""
    study, images = a_series(api, 3)
    rejection = rejected(api, study, images[:2])
    look(api)
    path = f"{REJECTIONS}/{rejection['id']}/pictures"
    seen = api.call("GET", f"{path}/2", token=RITA)
    assert (seen.status_code, seen.headers["Content-Type"]) == (200, "image/png")
    assert seen.headers["Cache-Control"] == "private, no-store"
    assert Image.open(io.BytesIO(seen.data)).format == "PNG"
    trail = api.get(f"/api/v1/audit?study={study}", "admin").json["items"]
    (viewed,) = [one for one in trail if one["action"] == "images.rejected_viewed"]
    assert (viewed["actor"], viewed["detail"]["rejection_id"]) == ("rita", rejection["id"])
    assert api.get(f"{path}/1", "nurse").status_code == 403
    for number, status in (("3", 404), ("0", 422), ("x", 422)):
        assert api.get(f"{path}/{number}", "technician").status_code == status
    body = {"staff": ["doctor"], "reason": "a colleague"}
    assert api.call("PUT", "/api/v1/access/restrictions/MRN-1", "admin", json=body).status_code == 200
    assert api.get(f"{path}/1", "technician").json["code"] == "patient_restricted"


def test_what_has_returned_to_its_study_is_not_looked_at_here(api: Api) -> None:
    """It is an image of its study again."""
    study, images = a_series(api, 1)
    rejection = rejected(api, study, images)
    look(api)
    assert decide(api, rejection, "undo", reason="it was sharp").status_code == 200
    look(api)
    gone = api.get(f"{REJECTIONS}/{rejection['id']}/pictures/1", "radiologist")
    assert (gone.status_code, gone.json["code"]) == (404, "instance_not_found")


def picture_of_one(api: Api) -> str:
    study, images = a_series(api, 1)
    rejection = rejected(api, study, images)
    look(api)
    return f"{REJECTIONS}/{rejection['id']}/pictures/1"


def test_a_file_that_cannot_be_read_or_is_damaged_is_not_said_to_be_gone(api: Api) -> None:
    """It is kept apart still: the folder may be away for a moment, or the disk may fail."""
    path = picture_of_one(api)
    (file,) = api.services.settings.rejected_path.glob("*.dcm")
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    damaged = api.get(path, "technician")
    file.unlink()
    missing = api.get(path, "technician")
    file.mkdir()
    unreadable = api.get(path, "technician")
    codes = {(one.status_code, one.json["code"]) for one in (damaged, missing, unreadable)}
    assert codes == {(503, "archive_unavailable")}
    file.rmdir()
    file.write_bytes(data)
    assert api.get(path, "technician").status_code == 200


def test_a_file_is_read_when_its_turn_has_come_and_never_one_that_is_too_large(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are asked for at once: their bytes would fill the server's memory."""
    path = picture_of_one(api)
    turns: list[int] = []
    read, drawing = Quarantine.read, api.services.results.looking._drawing

    def in_turn(self: Quarantine, name: str) -> bytes:
        turns.append(drawing._value)
        return read(self, name)

    monkeypatch.setattr(Quarantine, "read", in_turn)
    assert api.get(path, "technician").status_code == 200
    assert turns == [drawing._value - 1]
    monkeypatch.setattr(looking, "MAX_FILE_BYTES", 10)
    assert api.get(path, "technician").status_code == 200
    assert len(turns) == 1
