"""Archives inside a ZIP archive: a disc of archives, documents among the images, and archives made to do harm."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from ehr_bridge.api.uploads import zip_files
from tests.api.conftest import Api
from tests.api.upload_steps import assert_nothing_is_left
from tests.support.samples import small
from tests.support.zips import ENCRYPTED, forged, zipped


def send(api: Api, body: bytes) -> Any:
    return api.call("POST", "/api/v1/dicom/upload-zip", "technician", data=body, content_type="application/zip")


def wrapped(body: bytes, levels: int) -> bytes:
    """An archive in so many others."""
    for level in range(levels):
        body = zipped([(f"level{level}.zip", body)], zipfile.ZIP_STORED)
    return body


def test_an_archive_of_archives_is_read_as_if_they_were_folders(api: Api) -> None:
    """One ZIP a patient in one ZIP of a day; every name says where its file was."""
    one = zipped([("IM1", small()), ("Referral.pdf", b"%PDF-1.7 " + b"x" * 300), ("notes.txt", b"hello " * 50)])
    body = zipped(
        [("anna.zip", one), ("b/Berta.ZIP", zipped([("more.zip", zipped([("IM2", small())]))])), ("IM3", small())]
    )
    answer = send(api, body)
    assert (answer.status_code, answer.json["status"]) == (201, "success"), answer.json
    assert [(i["file_name"], i["status"]) for i in answer.json["instances"]] == [
        ("anna.zip/IM1", "stored"),
        ("b/Berta.ZIP/more.zip/IM2", "stored"),
        ("IM3", "stored"),
    ]
    assert answer.json["skipped"] == [
        {"file_name": "anna.zip/Referral.pdf", "reason": "document"},
        {"file_name": "anna.zip/notes.txt", "reason": "not_dicom"},
    ]


def test_pictures_and_papers_on_a_disc_are_named_as_documents(api: Api) -> None:
    """They can be attached; they are not just no DICOM files. What is DICOM stays so, whatever its preamble says."""
    disguised = bytearray(small())
    disguised[:5] = b"%PDF-"
    files = [
        ("a.jpg", b"\xff\xd8\xff\xe0" + b"x" * 200),
        ("b.png", b"\x89PNG\r\n\x1a\n" + b"x" * 200),
        ("c", bytes(disguised)),
    ]
    answer = send(api, zipped(files))
    assert [one["reason"] for one in answer.json["skipped"]] == ["document", "document"]
    assert [i["status"] for i in answer.json["instances"]] == ["stored"]


GOOD = zipped([("a", small())])
UNREAD = {
    "is nested too deep": (wrapped(GOOD, 4), "level2.zip/level1.zip/level0.zip", "archive_too_deep"),
    "is cut off": (zipped([("half.zip", GOOD[:-30])]), "half.zip", "damaged_entry"),
    "is encrypted": (forged(zipped([("locked.zip", GOOD)]), flags=ENCRYPTED), "locked.zip", "encrypted_entry"),
    "holds an encrypted image": (wrapped(forged(GOOD, flags=ENCRYPTED), 1), "level0.zip/a", "encrypted_entry"),
    "holds a name that climbs out": (wrapped(zipped([("../a", small())]), 1), "level0.zip/../a", "unsafe_entry"),
}


@pytest.mark.parametrize("what", UNREAD)
def test_an_inner_archive_that_cannot_be_read_is_named_and_hides_no_other(api: Api, what: str) -> None:
    """Its images may be lost: that is a failure with a name, not a stray file."""
    body, name, code = UNREAD[what]
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        entries = [(info.filename, archive.read(info)) for info in archive.infolist() if not info.flag_bits & 1]
    if "encrypted" in code and not entries:
        answer = send(api, body)
        assert (answer.status_code, answer.json["instances"][0]["file_name"]) == (422, name)
        return
    answer = send(api, zipped([*entries, ("good", small())]))
    assert (answer.status_code, answer.json["status"]) == (200, "partial"), answer.json
    failed, stored = answer.json["instances"]
    assert failed["file_name"].endswith(name)
    assert (failed["error"]["code"], stored["status"]) == (code, "stored")


def test_an_archive_by_another_name_is_not_opened(api: Api) -> None:
    """A disc's viewer and its letters are archives too; nobody wants to hear of every file inside."""
    answer = send(
        api, zipped([("viewer.jar", GOOD), ("letter.docx", GOOD), ("images.7z", b"7z\xbc\xaf\x27\x1c" + b"x" * 90)])
    )
    assert {one["reason"] for one in answer.json["skipped"]} == {"nested_archive"}
    assert (answer.status_code, answer.json["code"]) == (422, "no_files")


def test_a_bomb_of_archives_is_refused_in_words_before_anything_is_stored(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many archives, each harmless: too many entries together, too many images, too large together."""
    crowd = zipped([(f"{n}.txt", b"x") for n in range(40)])
    monkeypatch.setattr(zip_files, "MAX_ENTRIES", 100)
    answer = send(api, zipped([("good", small()), *((f"{n}.zip", crowd) for n in range(4))]))
    assert (answer.status_code, answer.json["code"]) == (413, "too_many_files")
    monkeypatch.undo()
    answer = send(api, zipped([(f"{n}.zip", zipped([(str(m), small()) for m in range(3)])) for n in range(2)]))
    assert (answer.status_code, answer.json["code"]) == (413, "too_many_files")
    assert "6" in answer.json["detail"]
    monkeypatch.setattr(zip_files, "MEGABYTE", 500)  # the limit is then 1 MB for all
    large = zipped([("x", bytes(400_000))], zipfile.ZIP_STORED)
    answer = send(api, zipped([("good", small()), *((f"{n}.zip", large) for n in range(3))]))
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert "MAX_UPLOAD_SIZE_MB" in answer.json["detail"]
    assert_nothing_is_left(api)


def test_an_archive_that_unpacks_enormously_is_refused_alone(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing, packed twice: its neighbour is stored."""
    monkeypatch.setattr(zip_files, "_ALWAYS_UNPACKED", 100_000)
    monkeypatch.setattr(zip_files, "_CHUNK", 10_000)
    bomb = zipped([("blank", bytes(300_000))], zipfile.ZIP_STORED)
    answer = send(api, zipped([("bomb.zip", bomb), ("good", small())]))
    assert [i["error"] and i["error"]["code"] for i in answer.json["instances"]] == ["inflated_too_large", None]


def test_an_archive_that_holds_itself_again_and_again_ends(api: Api) -> None:
    """Twenty in each, three levels deep: refused for its number of entries, not unpacked for ever."""
    body = zipped([("text", b"x")])
    for _ in range(4):
        body = zipped([(f"{n}.zip", body) for n in range(28)])
    assert send(api, body).json["code"] == "too_many_files"
