"""Files sent one by one whose sender says how many there will be."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from pydicom.uid import generate_uid

from ehr_bridge.services.uploads.settling import settle_leftovers
from tests.api.conftest import Api
from tests.support.samples import small


class Sending:
    """One upload, file by file."""

    def __init__(self, api: Api, total: int | None) -> None:
        self.api, self.id, self.study = api, str(uuid.uuid4()), generate_uid()
        self.total = total

    def send(self, data: bytes | None = None, study: str | None = None, name: str | None = None) -> bytes:
        data = data or small(StudyInstanceUID=study or self.study)
        headers = {"X-Upload-Id": self.id} | ({"X-File-Name": name} if name else {})
        if self.total is not None:
            headers["X-Upload-Total"] = str(self.total)
        self.api.upload(data, headers=headers)
        return data

    def close_silent(self, for_seconds: int = 0) -> int:
        """What the worker does at a start, or after a time of silence."""
        self.api.services.recorder.flush()
        closed = self.api.services.recorder.under_way.close_interrupted(timedelta(seconds=for_seconds))
        with self.api.services.database.write() as session:
            settle_leftovers(session)
        return closed

    def entries(self) -> list[dict[str, Any]]:
        return list(self.api.get(f"/api/v1/dicom/uploads/{self.id}", "nurse").json["entries"])

    def entry(self) -> dict[str, Any]:
        (entry,) = self.entries()
        return entry


def test_an_upload_that_reaches_its_total_is_complete(api: Api) -> None:
    """Under way until its last file, then never closed as interrupted."""
    sending = Sending(api, 3)
    for number in range(3):
        assert number == 0 or sending.entry()["under_way_since"] is not None
        sending.send()
    entry = sending.entry()
    assert (entry["announced_files"], entry["number_of_files"], entry["upload_status"]) == (3, 3, "success")
    assert (entry["under_way_since"], entry["interrupted_at"]) == (None, None)
    assert sending.close_silent() == 0


def test_an_abandoned_upload_is_closed_as_partial_with_what_did_arrive(api: Api) -> None:
    """Not while it may go on; afterwards the log says how much is missing."""
    sending = Sending(api, 5)
    for _ in range(2):
        sending.send()
    assert sending.close_silent(for_seconds=3600) == 0
    assert sending.close_silent() == 1
    entry = sending.entry()
    assert (entry["upload_status"], entry["error_message"]) == ("partial", "2 of 5 files arrived")
    assert entry["number_of_files"] == 2
    assert entry["interrupted_at"] is not None
    assert sending.close_silent() == 0


def test_an_upload_without_a_total_is_what_arrived(api: Api) -> None:
    """Nobody can say that something is missing."""
    sending = Sending(api, None)
    sending.send()
    assert sending.close_silent() == 0
    assert (sending.entry()["upload_status"], sending.entry()["announced_files"]) == ("success", None)


def test_an_upload_that_goes_on_after_it_was_closed_is_opened_again(api: Api) -> None:
    """A laptop that slept: the next file opens it, the last one completes it."""
    sending = Sending(api, 3)
    sending.send()
    assert sending.close_silent() == 1
    sending.send()
    entry = sending.entry()
    assert (entry["upload_status"], entry["interrupted_at"]) == ("success", None)
    assert entry["under_way_since"] is not None
    sending.send()
    assert (sending.entry()["under_way_since"], sending.entry()["upload_status"]) == (None, "success")


def test_a_file_that_is_sent_again_does_not_stand_for_another(api: Api) -> None:
    """Two of three, one of them three times, is not three."""
    sending = Sending(api, 3)
    data = sending.send()
    for again in (data, data):
        sending.send(again)
    sending.send()
    assert sending.entry()["under_way_since"] is not None
    assert sending.close_silent() == 1
    assert sending.entry()["error_message"] == "2 of 3 files arrived"
    sending.send()
    assert (sending.entry()["upload_status"], sending.entry()["interrupted_at"]) == ("success", None)


def test_a_file_that_is_refused_has_arrived(api: Api) -> None:
    """The total counts what was sent; the refusal is a reason of its own."""
    sending = Sending(api, 2)
    sending.send()
    sending.send(b"a letter " * 60)
    entry = sending.entry()
    assert (entry["under_way_since"], entry["error_message"]) == (None, "not_dicom (1)")


def test_an_unreadable_file_without_a_name_counts_once_however_often_it_is_sent(api: Api) -> None:
    """Told from another one by its bytes; before the first image as after it."""
    sending, letter = Sending(api, 4), b"a letter " * 60
    sending.send(letter)
    sending.send(letter)
    sending.send()
    for _ in range(3):
        sending.send(letter)
    assert sending.entry()["number_of_files"] == 2
    assert sending.close_silent() == 1
    assert sending.entry()["error_message"] == "not_dicom (1), 2 of 4 files arrived"
    sending.send(letter[::-1])
    sending.send()
    entry = sending.entry()
    assert (entry["under_way_since"], entry["error_message"]) == (None, "not_dicom (2)")


def test_an_image_that_lies_in_two_files_is_two_files(api: Api) -> None:
    """A disc with a copy of a folder on it: the upload is complete with both, and each sent again is no third."""
    sending = Sending(api, 3)
    data = sending.send(name="A/IM1")
    sending.send(data, name="A/IM1")
    sending.send(data, name="B/IM1")
    sending.send(data, name="B/IM1")
    assert sending.entry()["under_way_since"] is not None
    sending.send(name="A/IM2")
    assert (sending.entry()["under_way_since"], sending.entry()["upload_status"]) == (None, "success")


def test_an_upload_of_two_studies_is_complete_or_partial_as_a_whole(api: Api) -> None:
    """One study came whole, of the other a file is missing: both entries say so, until it comes."""
    sending, other = Sending(api, 4), generate_uid()
    for _ in range(2):
        sending.send()
    sending.send(study=other)
    assert {bool(entry["under_way_since"]) for entry in sending.entries()} == {True}
    assert sending.close_silent() == 2
    assert [e["error_message"] for e in sending.entries()] == ["3 of 4 files arrived"] * 2
    sending.send(study=other)
    for entry in sending.entries():
        assert (entry["upload_status"], entry["interrupted_at"], entry["under_way_since"]) == ("success", None, None)


def test_a_request_with_several_files_counts_towards_the_total(api: Api) -> None:
    """Its end is not the end of the upload."""
    sending = Sending(api, 3)
    sending.send()
    files = [small(StudyInstanceUID=sending.study) for _ in range(3)]
    for one, under_way in ((files[:1], True), (files[1:], False)):
        parts = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n" for file in one * 2)
        answer = api.call(
            "POST",
            "/api/v1/dicom/upload-multiple",
            "technician",
            data=parts + b"--b--\r\n",
            content_type="multipart/related; boundary=b",
            headers={"X-Upload-Id": sending.id, "X-Upload-Total": "3"},
        )
        assert answer.status_code == 201, answer.json
        assert bool(sending.entry()["under_way_since"]) is under_way
    assert sending.close_silent() == 0


def test_a_total_that_is_named_later_holds_from_then_on(api: Api) -> None:
    """The sender learns how many there are while it sends."""
    sending = Sending(api, None)
    sending.send()
    sending.total = 3
    sending.send()
    assert (sending.entry()["announced_files"], sending.entry()["under_way_since"] is not None) == (3, True)
    sending.send()
    assert sending.entry()["under_way_since"] is None


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Upload-Total": "0", "X-Upload-Id": str(uuid.uuid4())},
        {"X-Upload-Total": "many", "X-Upload-Id": str(uuid.uuid4())},
        {"X-Upload-Total": "1000001", "X-Upload-Id": str(uuid.uuid4())},
        {"X-Upload-Total": "3"},
    ],
    ids=["zero", "no number", "too many", "of no upload"],
)
def test_a_total_that_means_nothing_is_refused(api: Api, headers: dict[str, str]) -> None:
    """422 that names the field, and nothing is stored."""
    answer = api.upload(small(), headers=headers)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert [e["field"] for e in answer.json["errors"]] == ["upload_total"]
    assert api.archive.instances == {}
