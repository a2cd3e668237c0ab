"""Uploading a ZIP archive: folders, strays, and archives made to do harm."""

from __future__ import annotations

import tracemalloc
import uuid
import zipfile
from typing import Any

import pytest
from pydicom.uid import generate_uid

from ehr_bridge.api.uploads import zip_files
from ehr_bridge.dicom import read_header
from ehr_bridge.services.archive.storing import Stored
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.uploads.arrivals import Delivery, Door
from tests.api.conftest import Api
from tests.api.upload_steps import assert_nothing_is_left
from tests.support.archive import FakeArchive
from tests.support.samples import nested, small
from tests.support.zips import ENCRYPTED, forged, renamed, symlink, zipped

DICOMDIR = small(SOPClassUID="1.2.840.10008.1.3.10")


def send(api: Api, body: bytes, content_type: str = "application/zip", **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.call(
        "POST", "/api/v1/dicom/upload-zip", "technician", data=body, content_type=content_type, headers=names
    )


def test_a_disc_is_stored_and_what_is_no_image_is_listed(api: Api) -> None:
    """Nested folders, DICOMDIR, a letter, a viewer's archive, an empty file; one order for all."""
    order = api.place_order()
    study = generate_uid()
    body = zipped(
        [
            ("DICOMDIR", DICOMDIR),
            ("IMAGES/", b""),
            ("IMAGES/S1/I1.dcm", small(StudyInstanceUID=study)),
            ("IMAGES/S1/köpf/I2", small(StudyInstanceUID=study)),
            ("README.TXT", b"Insert the disc and wait. " * 20),
            ("VIEWER/viewer.jar", zipped([("a.class", b"x" * 500)])),
            ("VIEWER/empty", b""),
        ]
    )
    answer = send(api, body, X_Order_Id=order["id"], X_Upload_Source="cd_import")
    assert (answer.status_code, answer.json["status"]) == (201, "success"), answer.json
    assert [(i["file_name"], i["status"]) for i in answer.json["instances"]] == [
        ("IMAGES/S1/I1.dcm", "stored"),
        ("IMAGES/S1/köpf/I2", "stored"),
    ]
    assert answer.json["skipped"] == [
        {"file_name": "DICOMDIR", "reason": "dicomdir"},
        {"file_name": "README.TXT", "reason": "not_dicom"},
        {"file_name": "VIEWER/viewer.jar", "reason": "nested_archive"},
        {"file_name": "VIEWER/empty", "reason": "empty_file"},
    ]
    entry = api.get("/api/v1/dicom/uploads", "nurse").json["items"][0]
    assert (entry["number_of_files"], entry["upload_source"], entry["order_id"]) == (2, "cd_import", order["id"])


def test_a_broken_image_in_an_archive_sinks_no_other(api: Api) -> None:
    """Partial, with a reason, and counted in the log."""
    study = generate_uid()
    body = zipped([("a", small()[:-50]), ("b", small(StudyInstanceUID=study)), ("c", nested(30))])
    answer = send(api, body)
    assert (answer.status_code, answer.json["status"]) == (200, "partial")
    assert [i["error"] and i["error"]["code"] for i in answer.json["instances"]] == [
        "truncated",
        None,
        "nested_too_deep",
    ]
    entry = api.get("/api/v1/dicom/uploads", "nurse").json["items"][0]
    assert (entry["upload_status"], entry["number_of_files"]) == ("partial", 3)
    assert entry["error_message"] == "nested_too_deep (1), truncated (1)"


def test_a_name_that_occurs_twice_is_two_files(api: Api) -> None:
    """No file hides behind another."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        body = zipped([("a.dcm", small()), ("a.dcm", small())])
    assert [i["status"] for i in send(api, body).json["instances"]] == ["stored", "stored"]


def test_names_of_old_tools_are_read_as_well_as_they_can(api: Api) -> None:
    """UTF-8 that does not say so, and bytes that are none."""
    plain = zipped([("xxxx.dcm", small()), ("yyyy.dcm", small())])
    body = renamed(renamed(plain, b"xxxx.dcm", "åß.dcm".encode()), b"yyyy.dcm", b"k\x94pf.dcm")
    assert [i["file_name"] for i in send(api, body).json["instances"]] == ["åß.dcm", "köpf.dcm"]


GOOD = small()
BOMB = b"\0" * 128 + b"DICM" + bytes(900_000)
HOSTILE: dict[str, tuple[bytes, str]] = {
    "a name that climbs out": (zipped([("../../etc/passwd", GOOD)]), "unsafe_entry"),
    "a name that climbs out in the middle": (zipped([("a/../../b", GOOD)]), "unsafe_entry"),
    "a name that climbs out the Windows way": (zipped([("..\\..\\b", GOOD)]), "unsafe_entry"),
    "an absolute name": (zipped([("/etc/passwd", GOOD)]), "unsafe_entry"),
    "a name on a drive": (zipped([("C:\\a.dcm", GOOD)]), "unsafe_entry"),
    "a link": (symlink("a.dcm", "/etc/passwd"), "unsafe_entry"),
    "an encrypted entry": (forged(zipped([("a.dcm", GOOD)]), flags=ENCRYPTED), "encrypted_entry"),
    "a size that is too small": (forged(zipped([("a.dcm", GOOD)]), size=len(GOOD) - 20), "damaged_entry"),
    "a size that is too large": (forged(zipped([("a.dcm", GOOD)]), size=len(GOOD) + 20), "damaged_entry"),
    "a false checksum": (forged(zipped([("a.dcm", GOOD)]), crc=1), "damaged_entry"),
    "an exotic method": (zipped([("a.dcm", GOOD)], zipfile.ZIP_BZIP2), "unsupported_compression"),
    "an entry beyond the file limit": (zipped([("a.dcm", BOMB + bytes(200_000))]), "too_large"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_entry_is_refused_by_itself(api: Api, what: str) -> None:
    """Alone it leaves nothing; beside a good file it takes nothing with it."""
    body, code = HOSTILE[what]
    answer = send(api, body)
    assert answer.json["code"] == code
    assert answer.status_code == (413 if code == "too_large" else 422)
    assert_nothing_is_left(api)


def test_an_encrypted_entry_does_not_hide_its_neighbour(api: Api) -> None:
    """Partial."""
    body = forged(zipped([("a.dcm", GOOD), ("b.dcm", small())]), flags=ENCRYPTED)
    assert [i["status"] for i in send(api, body).json["instances"]] == ["failed", "stored"]


def test_archives_that_are_too_much_as_a_whole_are_refused_before_anything_is_stored(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits stand in the message."""
    answer = send(api, zipped([(f"{n}", small()) for n in range(6)]))
    assert (answer.status_code, answer.json["code"]) == (413, "too_many_files")
    assert "6" in answer.json["detail"] and "at most 5" in answer.json["detail"]
    monkeypatch.setattr(zip_files, "MAX_ENTRIES", 3)
    answer = send(api, zipped([(f"{n}.txt", b"x") for n in range(4)]))
    assert (answer.status_code, answer.json["code"]) == (413, "too_many_files")
    monkeypatch.undo()
    monkeypatch.setattr(zip_files, "MEGABYTE", 500)
    answer = send(api, zipped([("a", BOMB), ("b", BOMB)]))
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert "2048 MB" in answer.json["detail"]
    assert_nothing_is_left(api)


def test_images_without_the_dicm_mark_are_counted_too(api: Api) -> None:
    """Files that only unpacking shows to be DICOM stay within the total."""
    assert send(api, zipped([(f"{n}", small()[132:]) for n in range(3)])).json["status"] == "success"


def test_an_entry_that_unpacks_enormously_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb that is within the limit of a file."""
    monkeypatch.setattr(zip_files, "_ALWAYS_UNPACKED", 100_000)
    monkeypatch.setattr(zip_files, "_CHUNK", 10_000)
    answer = send(api, zipped([("a.dcm", BOMB)]))
    assert (answer.status_code, answer.json["code"]) == (422, "inflated_too_large")


def test_an_entry_that_unpacks_to_countless_elements_is_refused_and_its_neighbours_are_stored(
    api: Api,
) -> None:
    """Packed it is a few kilobytes; a file that came unpacked may hold more, as one that packs less."""
    items = b"\xfe\xff\x00\xe0\0\0\0\0" * 120_000
    crowd = small(PixelData=None) + b"\x40\x00\x75\x02SQ\0\0" + len(items).to_bytes(4, "little") + items
    read_header(crowd)
    answer = send(api, zipped([("a.dcm", small()), ("b.dcm", crowd), ("c.dcm", small())]))
    assert [one["status"] for one in answer.json["instances"]] == ["stored", "failed", "stored"]
    assert answer.json["instances"][1]["error"]["code"] == "too_many_elements"


def test_what_is_no_image_is_not_unpacked(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stray file of a gigabyte costs four kilobytes."""

    def never(*_: object) -> bytes:
        raise AssertionError("unpacked")

    monkeypatch.setattr(zip_files.ZipFiles, "_unpack", never)
    answer = send(api, zipped([("setup.exe", b"MZ" + bytes(5_000_000))]))
    assert (answer.status_code, answer.json["code"]) == (422, "no_files")
    assert answer.json["skipped"] == [{"file_name": "setup.exe", "reason": "not_dicom"}]


MALFORMED = {
    "no archive": b"PK, but not an archive" * 10,
    "nothing": b"",
    "cut off": zipped([("a.dcm", GOOD)])[:-30],
    "a name that is not the UTF-8 it says": renamed(zipped([("åß.dcm", GOOD)]), "åß".encode(), b"\xff\xfe\xff\xfe"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_no_archive_is_refused(api: Api, what: str) -> None:
    """As one."""
    answer = send(api, MALFORMED[what])
    assert (answer.status_code, answer.json["code"]) == (422, "malformed_zip")
    assert_nothing_is_left(api)


def test_an_archive_cut_anywhere_is_answered(api: Api) -> None:
    """Never a defect."""
    body = zipped([("a/1.dcm", b"text" * 50), ("b", b"x" * 300)])
    for end in range(0, len(body), 7):
        assert send(api, body[:end]).status_code in (415, 422)
    for at in range(0, len(body), 5):
        assert send(api, body[:at] + bytes([body[at] ^ 0x55]) + body[at + 1 :]).status_code in (413, 422)
    assert_nothing_is_left(api)


def test_another_media_type_is_refused(api: Api) -> None:
    """A ZIP is sent as one."""
    answer = send(api, zipped([("a", GOOD)]), "application/dicom")
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


def test_what_was_confirmed_for_an_archive_must_hold(api: Api) -> None:
    """Nothing is stored for an order that does not exist or is cancelled."""
    api.place_order("ACC-9")
    api.call("POST", "/api/v1/orders/ACC-9/cancel", "service")
    body = zipped([("letter.txt", b"hello " * 50), ("a", GOOD)])
    assert send(api, body, X_Order_Id="NO-SUCH").status_code == 404
    assert send(api, body, X_Order_Id="ACC-9").json["code"] == "order_cancelled"
    assert_nothing_is_left(api)


class Forgetful(FakeArchive):
    """An archive that keeps nothing in this process."""

    def store(self, data: bytes) -> Stored:
        return Stored(str(uuid.uuid4()), str(uuid.uuid4()), is_duplicate=False)

    def read(self, orthanc_instance_id: str) -> bytes:
        raise LookupError(orthanc_instance_id)


def test_an_archive_is_in_memory_one_file_at_a_time(api: Api) -> None:
    """40 stored files of 0.9 MB, never more than a few of them at once."""
    study = generate_uid()
    body = zipped([(str(n), small(StudyInstanceUID=study, PixelData=bytes(900_000))) for n in range(40)])
    delivery = Delivery(uuid.uuid4(), Door.UPLOAD, "api", Origin("rita"))
    tracemalloc.start()
    try:
        outcome = api.services.intake.receive(zip_files.ZipFiles(body, 1, 100, 50), delivery, Forgetful())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [i.status for i in outcome.instances] == ["stored"] * 40
    assert peak < 8_000_000
