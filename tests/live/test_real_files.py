"""Every real file there is, uploaded to a running server: what docs/conformance.md says of each comes true."""

from __future__ import annotations

import io
from typing import Any

import pydicom
from pydicom.uid import generate_uid

from tests.live.digest_steps import on_disk, recorded
from tests.live.real_file_steps import documented, under_a_uid_of_its_own
from tests.support.material import WHEEL, named_folders, wheel_file
from tests.support.samples import encoded
from tests.support.server import Server
from tests.support.steps import upload, viewer_token

OF_OTHER_PACKAGES = {"will-jxl.dcm", "brain_001.dcm", "Tag-0040-A170-VR-CS.dcm"}
"""Named in the tables, but not shipped with pydicom: read where `--testdata` names their folder."""
BESIDE_THEM = {"LICENSE", "LICENSE.txt", "LICENSE-dcm4che.txt", "README.md"}


def test_every_real_file_is_answered_as_documented(sqlite_server: Server) -> None:
    """About two hundred files, more with `--testdata`: stored, or refused with the code of the table."""
    expected = documented()
    assert len(expected) > 50
    seen, wrong, uids = set(), [], set()
    folders = (WHEEL / "test_files", WHEEL / "charset_files", *named_folders())
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    for number, path in enumerate(files):
        data = under_a_uid_of_its_own(path.read_bytes(), number)
        answer = upload(sqlite_server, data, X_File_Name=path.name)
        assert answer.status_code < 500, (path, answer.text)
        seen.add(path.name)
        code = expected.get(path.name)
        if code is not None:
            fits = answer.json()["code"] == code
        else:
            status = answer.json()["instances"][0]["status"]
            uid = answer.json()["instances"][0]["sop_instance_uid"]
            may_be_there = uid in uids or data == path.read_bytes()  # deflated: it kept its UID, another test sent it
            fits = status == "stored" or (status == "duplicate" and may_be_there)
            uids.add(uid)
        if not fits:
            wrong.append((path.name, answer.status_code, answer.json()))
    assert wrong == []
    assert set(expected) - seen <= OF_OTHER_PACKAGES | BESIDE_THEM
    known = {recorded(sqlite_server, uid) for uid in uids}
    assert len(known) > 100 and known <= on_disk(sqlite_server)
    assert sqlite_server.get("/api/v1/health").json()["status"] == "ok"
    assert "defect" not in sqlite_server.log()


def real(**changes: Any) -> pydicom.FileDataset:
    """A real MR image that a package ships, under UIDs of its own."""
    ds = pydicom.dcmread(io.BytesIO(wheel_file("MR_small.dcm")))
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def counting_itself(data: bytes) -> bytes:
    """The file as many writers make it: the length of the meta information counts its own element, 12 bytes too."""
    return data[:140] + (int.from_bytes(data[140:144], "little") + 12).to_bytes(4, "little") + data[144:]


def without_class(data: bytes) -> bytes:
    ds = pydicom.dcmread(io.BytesIO(data))
    del ds.SOPClassUID
    file = io.BytesIO()
    pydicom.dcmwrite(file, ds, enforce_file_format=False)
    return file.getvalue()


def test_a_false_meta_length_and_a_missing_sop_class_are_stored_and_shown(sqlite_server: Server) -> None:
    """Their character set, and so the name, is read as it was written; the picture is shown."""
    for change in (counting_itself, without_class):
        ds = real(SpecificCharacterSet="ISO_IR 192", PatientName="Ångström^Åsa")
        answer = upload(sqlite_server, change(encoded(ds)))
        assert answer.status_code == 201, answer.json()
        token = viewer_token(sqlite_server, str(ds.StudyInstanceUID))
        path = f"/dicom-web/studies/{ds.StudyInstanceUID}"
        (metadata,) = sqlite_server.request("GET", f"{path}/metadata", token).json()
        assert metadata["00100010"]["Value"] == [{"Alphabetic": "Ångström^Åsa"}]
        picture = f"{path}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}/rendered"
        assert sqlite_server.request("GET", picture, token).headers["Content-Type"] == "image/jpeg"
