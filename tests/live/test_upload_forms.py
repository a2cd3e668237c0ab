"""upload-multiple, upload-zip, validate and read-tags through the real server."""

from __future__ import annotations

import contextlib
import io
import threading
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
import requests
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from tests.live.request_steps import at_rest, part, traces
from tests.support.samples import encoded, fresh_series, nested, small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, instances, place_order, study, upload
from tests.support.zips import ENCRYPTED, forged, symlink, zipped

PARTIAL = {"upload_status": "partial"}


def post(server: Server, route: str, body: bytes, media_type: str, **headers: str) -> requests.Response:
    names = {"Content-Type": media_type} | {name.replace("_", "-"): value for name, value in headers.items()}
    token = user_token("technician", subject="rita")
    return server.request("POST", f"/api/v1/dicom/{route}", token, data=body, headers=names)


def post_zip(server: Server, body: bytes, **headers: str) -> requests.Response:
    return post(server, "upload-zip", body, "application/zip", **headers)


def test_a_series_in_one_multipart_body_is_stored_and_linked(server: Server) -> None:
    """Real slices, one broken file between them."""
    order = place_order(server)
    files = fresh_series()
    options = part(f'{{"order_id": "{order["id"]}", "source": "manual"}}'.encode(), "application/json")
    body = options + b"".join(map(part, [*files[:3], files[3][:-100], *files[4:]])) + b"--b--\r\n"
    answer = post(server, "upload-multiple", body, 'multipart/related; type="application/dicom"; boundary=b')
    assert answer.status_code == 200, answer.text
    statuses = [i["status"] for i in answer.json()["instances"]]
    assert statuses == ["stored"] * 3 + ["failed"] + ["stored"] * (len(files) - 4)
    uid = answer.json()["studies"][0]["study_instance_uid"]
    seen = eventually(lambda: (s := study(server, uid)) and s["number_of_instances"] == len(files) - 1 and s)
    assert (seen["order_id"], seen["link_status"]) == (order["id"], "linked")
    assert {ds.PatientID for ds in instances(server, uid)} == {order["mrn"]}
    path, told = f"/api/v1/dicom/uploads/{answer.json()['upload_id']}", {"number_of_files": len(files)} | PARTIAL
    eventually(lambda: told.items() <= server.get(path, "nurse").json()["entries"][0].items())
    files_told = server.get(path, "nurse").json()["files"]
    assert [f["error_code"] for f in files_told if f["status"] == "failed"] == ["truncated"]


def test_a_disc_of_300_files_is_stored_with_what_is_wrong_listed(server: Server) -> None:
    """Folders, DICOMDIR, a text file, one broken image."""
    order = place_order(server)
    uid, series = generate_uid(), [generate_uid() for _ in range(6)]
    disc = [("DICOMDIR", Path(str(get_testdata_file("DICOMDIR"))).read_bytes()), ("DICOM/", b"")]
    for number in range(300):
        data = small(StudyInstanceUID=uid, SeriesInstanceUID=series[number % 6], InstanceNumber=number)
        disc.append((f"DICOM/S{number % 6}/Ä{number:04}", data[:-30] if number == 150 else data))
    disc.append(("LIESMICH.TXT", "Grüße aus der Röntgenabteilung. ".encode() * 30))
    answer = post_zip(server, zipped(disc), X_Order_Id=order["id"], X_Upload_Source="cd_import")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["status"] == "partial"
    assert [s["reason"] for s in body["skipped"]] == ["dicomdir", "not_dicom"]
    failed = [i for i in body["instances"] if i["status"] == "failed"]
    assert [(i["file_name"], i["error"]["code"]) for i in failed] == [("DICOM/S0/Ä0150", "truncated")]
    seen = eventually(lambda: (s := study(server, uid)) and s["number_of_instances"] == 299 and s)
    assert (seen["number_of_series"], seen["order_id"]) == (6, order["id"])
    path, told = f"/api/v1/dicom/uploads/{body['upload_id']}", {"number_of_files": 300} | PARTIAL
    eventually(lambda: told.items() <= server.get(path, "nurse").json()["entries"][0].items())


GOOD = small()
HOSTILE: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "a bomb of blank files": (
        lambda: zipped([(f"{n}.dcm", b"\0" * 128 + b"DICM" + bytes(4_900_000)) for n in range(12)]),
        413,
        "too_large",
    ),
    "a bomb in one entry": (lambda: zipped([("a.dcm", b"\0" * 128 + b"DICM" + bytes(40_000_000))]), 413, "too_large"),
    "a bomb that is no image": (lambda: zipped([("a.exe", bytes(300_000_000))]), 422, "no_files"),
    "a lying size": (lambda: forged(zipped([("a.dcm", GOOD)]), size=100), 422, "damaged_entry"),
    "a size of 4 GB": (lambda: forged(zipped([("a.dcm", GOOD)]), size=0xFFFFFFFE), 413, "too_large"),
    "an encrypted entry": (lambda: forged(zipped([("a.dcm", GOOD)]), flags=ENCRYPTED), 422, "encrypted_entry"),
    "an archive inside that is no ZIP": (
        lambda: zipped([("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(500))]),
        422,
        "no_files",
    ),
    "a climbing name": (lambda: zipped([("../../a.dcm", GOOD)]), 422, "unsafe_entry"),
    "an absolute name": (lambda: zipped([("/a.dcm", GOOD)]), 422, "unsafe_entry"),
    "a link": (lambda: symlink("a.dcm", "/etc/passwd"), 422, "unsafe_entry"),
    "too deep for Orthanc": (lambda: zipped([("a.dcm", nested(100))]), 422, "nested_too_deep"),
    "501 images": (lambda: zipped([(f"{n}", GOOD) for n in range(501)], zipfile.ZIP_STORED), 413, "too_many_files"),
    "no archive": (lambda: GOOD, 422, "malformed_zip"),
}
"""How it is packed (not before a test needs it), and what the server says."""


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(sqlite_server: Server, what: str) -> None:
    """Status, code, no row, no file, a healthy server."""
    pack, status, code = HOSTILE[what]
    body = pack()
    before = at_rest(sqlite_server)
    answer = post_zip(sqlite_server, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert traces(sqlite_server) == before
    assert sqlite_server.get("/api/v1/health").json()["status"] == "ok"


def test_an_archive_that_unpacks_to_much_does_not_grow_the_server(sqlite_server: Server) -> None:
    """48 files of 1 MB that pack to almost nothing, all cut off (stored ones would stay in Orthanc's own cache): they
    are in memory one at a time."""
    body = zipped([(f"{n}.dcm", small(PixelData=bytes(1_000_000))[:-100]) for n in range(48)])
    assert len(body) < 1_000_000
    before = resident(sqlite_server)
    answer = post_zip(sqlite_server, body)
    assert {i["error"]["code"] for i in answer.json()["instances"]} == {"truncated"}
    assert resident(sqlite_server) - before < 24_000_000


def resident(server: Server) -> int:
    """Bytes that Orthanc holds in memory."""
    return sum(int(Path(f"/proc/{child}/statm").read_text().split()[1]) * 4096 for child in server.children())


def test_looking_at_a_file_stores_nothing(sqlite_server: Server) -> None:
    """validate and read-tags, good and bad."""
    before = at_rest(sqlite_server)
    data = small(PatientName="Lindqvist^Åsa", PatientID="")
    answer = post(sqlite_server, "validate", data, "application/dicom")
    assert (answer.status_code, answer.json()["valid"]) == (200, True)
    assert [f["code"] for f in answer.json()["findings"]] == ["missing_patient_id"]
    answer = post(sqlite_server, "validate", nested(100), "application/dicom")
    assert (answer.status_code, answer.json()["valid"]) == (200, False)
    tags = post(sqlite_server, "read-tags", data, "application/octet-stream").json()
    assert {e["keyword"]: e["value"] for e in tags["elements"]}["PatientName"] == ["Lindqvist^Åsa"]
    answer = post(sqlite_server, "read-tags", nested(100), "application/dicom")
    assert (answer.status_code, answer.json()["code"]) == (422, "nested_too_deep")
    assert traces(sqlite_server) == before


def test_another_image_under_a_known_uid_is_refused(server: Server) -> None:
    """Compared with what Orthanc really kept, coerced and linked; the same again is a duplicate."""
    order = place_order(server)
    data = small(StudyDescription="Schädel")

    def other(**values: Any) -> bytes:
        ds = pydicom.dcmread(io.BytesIO(data))
        for keyword, value in values.items():
            setattr(ds, keyword, value)
        return encoded(ds)

    assert upload(server, data, X_Order_Id=order["id"]).json()["instances"][0]["status"] == "stored"
    assert upload(server, data, X_Order_Id=order["id"]).json()["instances"][0]["status"] == "duplicate"
    answer = upload(server, other(PixelData=bytes(128)), X_Order_Id=order["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "same_uid_other_content")
    uid = answer.json()["instances"][0]["study_instance_uid"]
    (kept,) = instances(server, uid)
    assert bytes(kept.PixelData) == bytes(range(128))
    again = post(server, "upload-zip", zipped([("a", data), ("b", other(Rows=4, Columns=16))]), "application/zip")
    assert [i["status"] for i in again.json()["instances"]] == ["duplicate", "failed"]


def test_an_archive_whose_server_is_killed_is_closed_as_partial_at_the_next_start(tmp_path: Path) -> None:
    """kill -9 in the middle of 400 images: what did arrive is kept, counted and called partial."""
    server = Server(tmp_path / "var")
    server.start()
    uid = generate_uid()
    body = zipped([(f"{n}", small(StudyInstanceUID=uid, PixelData=bytes(200_000))) for n in range(400)])
    upload_id = str(uuid.uuid4())

    def send() -> None:
        with contextlib.suppress(requests.RequestException):
            post_zip(server, body, X_Upload_Id=upload_id)

    sender = threading.Thread(target=send)
    sender.start()
    path = f"/api/v1/dicom/uploads/{upload_id}"
    while sender.is_alive() and server.get(path, "nurse").status_code != 200:
        pass  # without a pause: all of it is stored in a second
    server.kill()
    sender.join()
    server.start()

    def closed() -> dict[str, Any] | None:
        (entry,) = server.get(path, "nurse").json()["entries"]
        return entry if entry["interrupted_at"] and entry["upload_status"] == "partial" else None

    entry = eventually(closed)
    assert entry["error_message"] == "interrupted"
    seen = eventually(lambda: (s := study(server, uid)) and s["number_of_instances"] and s)
    assert 0 < seen["number_of_instances"] < 400
    again = post_zip(server, body, X_Upload_Id=upload_id)
    assert (again.status_code, again.json()["status"]) == (201, "success"), again.text
    whole = {"upload_status": "success", "interrupted_at": None}
    eventually(lambda: whole.items() <= server.get(path, "nurse").json()["entries"][0].items())
    assert eventually(lambda: (s := study(server, uid)) and s["number_of_instances"] == 400)
    assert server.stop() == 0
