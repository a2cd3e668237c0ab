"""Downloads and thumbnails, with an archive in memory."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image
from pydicom.uid import generate_uid

from tests.api.conftest import Api, facts
from tests.support.samples import small

DOWNLOAD, THUMBNAIL = "/api/v1/dicom/download", "/api/v1/dicom/thumbnail"


def store(api: Api, uid: str, **values: object) -> None:
    assert api.upload(small(StudyInstanceUID=uid, **values)).status_code == 201


def names(api: Api, uid: str) -> list[str]:
    answer = api.get(f"{DOWNLOAD}/{uid}", "doctor")
    assert (answer.status_code, answer.content_type) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert {archive.read(name) for name in archive.namelist()} == set(api.archive.instances.values())
        return archive.namelist()


def test_a_study_comes_in_folders_of_patient_study_and_series(api: Api) -> None:
    """Series and instances in their own order, names in the files' character sets, bytes as stored."""
    order, uid = api.place_order(family_name="O'Brien/Å", given_name="Zoë"), generate_uid()
    series_uids = {1: generate_uid(), 2: generate_uid()}
    for series, number, charset, description in (
        (2, 1, "ISO_IR 100", "Schädel"),
        (1, 2, "ISO_IR 192", "頭部"),
        (1, 1, "ISO_IR 192", "頭部"),
    ):
        data = small(
            StudyInstanceUID=uid, SeriesInstanceUID=series_uids[series], SeriesNumber=series, InstanceNumber=number,
            SpecificCharacterSet=charset, SeriesDescription=description,
        )  # fmt: skip
        assert api.upload(data, headers={"X-Order-Id": order["id"]}).status_code == 201
    folder = "MRN-1 O'Brien Å Zoë/2026-01-15 MR brain"
    assert names(api, uid) == [
        f"{folder}/001 MR 頭部/00001.dcm",
        f"{folder}/001 MR 頭部/00002.dcm",
        f"{folder}/002 MR Schädel/00001.dcm",
    ]


def test_names_from_strangers_files_cannot_leave_their_folder(api: Api) -> None:
    """Zip-slip, from the inside."""
    uid = generate_uid()
    store(api, uid, PatientName="..^..", PatientID="../../x", StudyDescription="a/../b", SeriesDescription="con")
    (name,) = names(api, uid)
    assert name == "x/2026-01-15 a .. b/001 MR con/00001.dcm"


def test_every_download_is_audited_and_unknown_studies_are_not_found(api: Api) -> None:
    """Who took what."""
    uid = generate_uid()
    store(api, uid)
    names(api, uid)
    assert api.get(f"{DOWNLOAD}/{uid}", "nurse").status_code == 403
    events = api.get(f"/api/v1/audit?study_instance_uid={uid}&action=study.downloaded", "admin").json
    assert events is not None
    assert [(e["actor"], facts(e["detail"])) for e in events["items"]] == [("doctor", {"instances": 1})]
    for path in (DOWNLOAD, THUMBNAIL):
        answer = api.get(f"{path}/1.2.3", "doctor")
        assert (answer.status_code, answer.json["code"]) == (404, "study_not_found")
        assert api.get(f"{path}/..%2f", "doctor").status_code in (404, 422)
    api.archive.instances.clear()
    assert api.get(f"{DOWNLOAD}/{uid}", "doctor").status_code == 404


def test_an_instance_that_goes_while_the_archive_is_sent_is_named_in_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opens the archive sees that it is not whole."""
    uid, sop = generate_uid(), generate_uid()
    store(api, uid, SOPInstanceUID=sop)
    monkeypatch.setattr(api.archive, "read", {}.__getitem__)
    answer = api.get(f"{DOWNLOAD}/{uid}", "doctor")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.namelist() == ["INCOMPLETE.txt"] and sop in archive.read("INCOMPLETE.txt").decode()


def test_a_file_that_a_job_is_replacing_is_in_the_archive(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is gone for a moment only; a study whose thumbnail is asked for then has one, and no placeholder."""
    uid = generate_uid()
    store(api, uid)
    read, thumbnail = api.archive.read, api.get(f"/api/v1/dicom/thumbnail/{uid}", "doctor").data
    for path in (api.services.settings.data_dir).rglob("*.png"):
        path.unlink()
    looks: list[str] = []

    def being_replaced(instance_id: str) -> bytes:
        looks.append(instance_id)
        if len(looks) % 2:
            raise LookupError(instance_id)
        return read(instance_id)

    monkeypatch.setattr(api.archive, "read", being_replaced)
    assert "INCOMPLETE.txt" not in names(api, uid)
    assert api.get(f"/api/v1/dicom/thumbnail/{uid}", "doctor").data == thumbnail
    assert len(looks) == 4


def test_a_thumbnail_shows_the_middle_of_the_first_series_with_images(api: Api) -> None:
    """Not the report in front of it; the same tag answers 304 until the study changes."""
    uid = generate_uid()
    store(api, uid, Modality="SR", SeriesNumber=0)
    series = generate_uid()
    for number in (1, 2, 3):
        dark = bytes(64) + bytes([0, 4] * 32)
        pixels = dark if number == 2 else bytes(128)
        store(api, uid, SeriesInstanceUID=series, SeriesNumber=1, InstanceNumber=number, PixelData=pixels)
    answer = api.get(f"{THUMBNAIL}/{uid}", "nurse")
    assert (answer.status_code, answer.content_type) == (200, "image/png")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    with Image.open(io.BytesIO(answer.data)) as image:
        assert image.size == (8, 8) and image.getextrema() == (0, 255)
    tag = answer.headers["ETag"]
    api.archive.instances.clear()  # it is kept: nothing is read again
    assert api.get(f"{THUMBNAIL}/{uid}", "nurse").data == answer.data
    again = api.get(f"{THUMBNAIL}/{uid}", "nurse", headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    store(api, uid, SeriesNumber=9)
    changed = api.get(f"{THUMBNAIL}/{uid}", "nurse", headers={"If-None-Match": tag})
    assert changed.status_code == 200 and changed.headers["ETag"] != tag
    assert len(list((api.services.settings.thumbnail_path).iterdir())) == 1
    assert api.get(f"{THUMBNAIL}/{uid}", "admin").status_code == 403


def test_a_study_without_images_gets_a_placeholder(api: Api) -> None:
    """Also when what is there cannot be decoded."""
    for values in ({"Modality": "SR"}, {"Rows": 60000, "Columns": 60000}, {"PixelData": b"\0\0"}):
        uid = generate_uid()
        store(api, uid, **values)
        answer = api.get(f"{THUMBNAIL}/{uid}", "nurse")
        with Image.open(io.BytesIO(answer.data)) as image:
            assert answer.status_code == 200 and image.size == (256, 256)
    api.services.thumbnails.forget(uid)
    assert len(list(api.services.settings.thumbnail_path.iterdir())) == 2
