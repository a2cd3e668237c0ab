"""What is kept apart on the real server: by storescu and pynetdicom, over HTTP, killed on the way."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from ehr_bridge.dicom import is_storable_uid
from plugin.running.advisories import installed_version
from plugin.starting.orthanc_config import ORTHANC
from tests.support.running import bare_orthanc, running
from tests.support.samples import encoded, small
from tests.support.scu import message_of, send
from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order, study, the_study, upload

READ = ("", "/metadata", "/series", "/instances")
STRANGER = {"PatientID": "STRANGER", "PatientName": "STRANGER^PERSON"}


def linked(server: Server, number: int = 1, **values: Any) -> tuple[str, dict[str, Any]]:
    """A linked study, and its order."""
    order, uid, series = place_order(server), generate_uid(), generate_uid()
    for _ in range(number):
        data = small(**{"StudyInstanceUID": uid, "SeriesInstanceUID": series} | values)
        assert upload(server, data, X_Order_Id=order["id"]).status_code == 201
    return uid, order


def c_store(server: Server, *files: bytes, calling: str = "SCU") -> list[int | None]:
    messages = [message_of(data) for data in files]
    named = [
        m if is_storable_uid(m.sop_instance_uid) else m._replace(sop_instance_uid=generate_uid()) for m in messages
    ]
    return send(server.dicom_port, named, calling)  # the command set cannot say what is no UID


def kept(server: Server, uid: str) -> list[dict[str, Any]]:
    """What waits in quarantine for this study, or of these words in the file."""
    items = server.get("/api/v1/quarantine?limit=500", "technician").json()["items"]
    return [one for one in items if one["said"].get("StudyInstanceUID") == uid]


def decide(server: Server, what: str, entry: dict[str, Any], **body: Any) -> dict[str, Any]:
    path = f"/api/v1/quarantine/{entry['id']}/{what}"
    answer = server.request("POST", path, user_token("technician"), json={"reason": "asked at the console", **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def instances(server: Server, uid: str) -> list[dict[str, Any]]:
    answer = server.get(f"/dicom-web/studies/{uid}/metadata", "radiologist")
    assert answer.status_code == 200, answer.text
    return list(answer.json())


@pytest.mark.parametrize("by", ["C-STORE", "upload", "STOW-RS", "POST /instances"])
def test_nobody_hides_a_study_by_its_uid(server: Server, by: str) -> None:
    """Every way to read it answers as before; the stranger's image waits with its sender, and goes where it belongs."""
    uid, order = linked(server, 2)
    seen, data = the_study(server, uid), small(StudyInstanceUID=uid, **STRANGER)
    if by == "C-STORE":
        assert c_store(server, data, calling="EVIL") == [0xB000]
    elif by == "upload":
        assert upload(server, data).json()["code"] == "study_of_another_patient"
    else:
        path = "/instances" if by == "POST /instances" else "/api/v1/dicom-web/studies"
        kind = (
            "application/dicom"
            if by == "POST /instances"
            else 'multipart/related; type="application/dicom"; boundary=b'
        )
        body = (
            data if by == "POST /instances" else b"--b\r\nContent-Type: application/dicom\r\n\r\n" + data + b"\r\n--b--"
        )
        answer = server.request("POST", path, user_token("technician"), data=body, headers={"Content-Type": kind})
        assert answer.status_code == 409, answer.text
    (entry,) = eventually(lambda: kept(server, uid))
    assert (
        entry["sent_by"] == ("ae:EVIL" if by == "C-STORE" else "rita" if by == "upload" else "tester")
        and entry["address"] == "127.0.0.1"
    )
    for path in READ:
        assert server.get(f"/dicom-web/studies/{uid}{path}", "radiologist").status_code == 200
    assert len(instances(server, uid)) == 2
    eventually(lambda: study(server, uid) == seen | {"number_in_quarantine": 1})
    given = decide(server, "give", entry, order_id=order["id"])["given"]
    assert given["study_instance_uid"] == uid and len(instances(server, uid)) == 3


def test_a_stranger_does_not_stop_the_images_behind_it(server: Server, tmp_path: Path) -> None:
    """storescu ends its association at the first failure status; a warning is none."""
    uid, order = linked(server)
    named = {"PatientID": order["mrn"], "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314"}
    files = [small(StudyInstanceUID=uid, **STRANGER), small(StudyInstanceUID=uid, **named)]
    paths = []
    for number, data in enumerate(files):
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(data)
    command = ["/usr/bin/storescu", "-aet", "MR7", "-aec", "ORTHANC", "127.0.0.1", str(server.dicom_port)]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    eventually(lambda: the_study(server, uid)["number_of_instances"] == 2)
    (entry,) = eventually(lambda: kept(server, uid))
    assert entry["sent_by"] == "ae:MR7"


def test_two_strangers_at_the_same_moment_make_one_study(server: Server) -> None:
    """The first of them is the study; nobody has recorded anything yet."""
    uid = generate_uid()
    files = [small(StudyInstanceUID=uid, PatientID=f"P{number}") for number in range(2)]
    assert c_store(server, *files) == [0, 0xB000]
    eventually(lambda: (len(instances(server, uid)), len(kept(server, uid))) == (1, 1))


def test_given_to_somebody_else_it_is_a_study_that_opens(server: Server) -> None:
    """Under UIDs of its own, for whom it is meant; the first study is what it was."""
    uid, _ = linked(server)
    other = place_order(server)
    assert c_store(server, small(StudyInstanceUID=uid, **STRANGER)) == [0xB000]
    (entry,) = eventually(lambda: kept(server, uid))
    given = decide(server, "give", entry, order_id=other["id"])["given"]
    (seen,) = instances(server, given["study_instance_uid"])
    assert seen["00100020"]["Value"] == [other["mrn"]]
    assert seen["00080018"]["Value"] == [given["sop_instance_uid"]]
    assert (
        len(instances(server, uid)) == 1 and the_study(server, given["study_instance_uid"])["order_id"] == other["id"]
    )


def test_other_content_is_kept_and_the_same_content_is_a_duplicate(server: Server) -> None:
    """Real pixels, in one association and at once: the archive has the first, quarantine every other one, once."""
    ds = pydicom.dcmread(str(get_testdata_file("MR_small.dcm")))
    ds.StudyInstanceUID = ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    first = encoded(ds)
    ds.PixelData = bytes(len(ds.PixelData))
    other = encoded(ds)
    assert c_store(server, first, other, first, other, calling="CT3") == [0] * 4
    uid = str(ds.StudyInstanceUID)
    (entry,) = eventually(lambda: kept(server, uid))
    eventually(lambda: kept(server, uid)[0]["times_received"] == 2)
    version = installed_version(ORTHANC)  # from 1.13 on, no hook tells who sent an instance that is there already
    sender = "modality" if version is None or version >= (1, 13) else "ae:CT3"
    assert (entry["code"], entry["sent_by"]) == ("same_uid_other_content", sender)
    path = server.shared / "quarantine" / entry["file_name"]
    assert pydicom.dcmread(path).PixelData == ds.PixelData
    eventually(lambda: (study(server, uid) or {}).get("number_in_quarantine") == 1)

    def log() -> dict[str, Any]:
        """The upload of the study in which something went wrong; where no sender is told, it is one of its own."""
        items = server.get(f"/api/v1/dicom/uploads?study_instance_uid={uid}", "nurse").json()["items"]
        return dict(next((item for item in items if item["error_message"]), items[0]))

    reason = "same_uid_other_content (1)"
    eventually(lambda: reason in (log()["error_message"] or "") and log()["upload_status"] == "partial")
    given = decide(server, "give", entry, patient_id=place_order(server)["mrn"])["given"]
    assert given["study_instance_uid"] != uid and len(instances(server, given["study_instance_uid"])) == 1


@pytest.mark.parametrize("uid", ["1.2.3.ABC", "1.2..3", ".".join(["12"] * 25) + ".7", "1.2.3.", "*"])
@pytest.mark.parametrize("of", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_what_is_no_uid_waits_in_quarantine(sqlite_server: Server, uid: str, of: str) -> None:
    """From a modality kept apart, over HTTP refused by name; once it is given, it opens as any other."""
    server, key = sqlite_server, generate_uid()
    data = under(small(StudyDescription=key[-16:]), of, uid)
    assert upload(server, data).json()["code"] == "invalid_uid"
    if of == "SOPInstanceUID":  # the command cannot say it, and DCMTK refuses a dataset that says otherwise than that
        assert c_store(server, data) == [0xA900]
        return
    assert c_store(server, data) == [0xB000]
    items = eventually(lambda: of_description(server, key[-16:]))
    assert [one["code"] for one in items] == ["invalid_uid"]
    assert server.get("/api/v1/dicom/studies?limit=500", "nurse").text.count(f'"{uid}"') == 0
    given = decide(server, "give", items[0], patient_id=place_order(server)["mrn"])["given"]
    assert len(instances(server, given["study_instance_uid"])) == 1


@pytest.mark.parametrize("uid", ["1.2.840.0113619.02.{}", "1.2.3.{}\0", "1.2.3.{} "])
def test_a_uid_that_is_slightly_off_is_stored_and_opened(sqlite_server: Server, uid: str) -> None:
    """Leading zeros, blanks and NULs behind it, as real devices write them: stored, read, linked, deleted."""
    server, order = sqlite_server, place_order(sqlite_server)
    uid = uid.format(generate_uid()[-12:].lstrip("0"))
    data = under(small(), "StudyInstanceUID", uid)
    assert c_store(server, data) == [0]
    uid = uid.strip(" \0")
    eventually(lambda: study(server, uid))
    assert len(instances(server, uid)) == 1
    body = {"order_id": order["id"], "reason": "the scanner's own number"}
    link = server.request("POST", f"/api/v1/reconciliation/{uid}/link", user_token("technician"), json=body)
    assert link.status_code == 202, link.text
    eventually(lambda: the_study(server, uid)["link_status"] == "linked")
    assert server.get(f"/api/v1/dicom/thumbnail/{uid}", "radiologist").status_code == 200
    headers = {"X-Reason": "a test"}
    assert server.request("DELETE", f"/api/v1/dicom/studies/{uid}", user_token("radiologist"), headers=headers).ok


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tells modalities of other content, and that tests end and start again."""
    with running(tmp_path_factory.mktemp("telling"), EHR_BRIDGE_OTHER_CONTENT_STATUS="0x0111") as server:
        yield server


def test_a_site_may_have_its_modalities_hear_of_other_content_and_nothing_is_lost_by_kill_9(telling: Server) -> None:
    """0x0111; and whatever was answered is in quarantine after the next start, with or without its sender."""
    server, folder = telling, telling.shared / "quarantine"
    before = set(folder.glob("*.dcm"))
    first = small()
    uid = str(pydicom.dcmread(io.BytesIO(first)).StudyInstanceUID)
    others = [small(**ids(first), StudyTime=f"0900{second:02}") for second in range(10, 16)]
    assert c_store(server, first, *others) == [0, *[0x0111] * 6]
    server.kill()
    server.start()
    assert server.get(f"/dicom-web/studies/{uid}/metadata", "radiologist").status_code == 200
    eventually(lambda: len(kept(server, uid)) == 6, 300)
    assert len(set(folder.glob("*.dcm")) - before) == 6


def test_a_study_that_was_hidden_before_opens_again(telling: Server) -> None:
    """Orthanc without us took a stranger's image: by study, series and instance the study answers with its own."""
    server = telling
    uid, order = linked(server, 2)
    series = instances(server, uid)[0]["0020000E"]["Value"][0]
    assert server.stop() == 0
    with bare_orthanc(server):
        assert c_store(server, small(StudyInstanceUID=uid, SeriesInstanceUID=series, **STRANGER)) == [0]
    server.start()
    eventually(lambda: the_study(server, uid)["link_status"] == "ambiguous")
    assert {one["00100020"]["Value"][0] for one in instances(server, uid)} == {order["mrn"]}
    assert len(instances(server, uid)) == 2
    for path in ("", "/metadata", f"/series/{series}", f"/series/{series}/metadata"):
        answer = server.get(f"/dicom-web/studies/{uid}{path}", "radiologist")
        assert answer.status_code == 200, path
        assert answer.content.count(b"STRANGER") == 0, path


def ids(data: bytes) -> dict[str, Any]:
    ds = pydicom.dcmread(io.BytesIO(data))
    return {keyword: ds[keyword].value for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")}


def under(data: bytes, keyword: str, uid: str) -> bytes:
    """The file with this in place of one of its UIDs, whatever it is: put in by bytes, as no library writes it."""
    before = ids(data)[keyword]
    pad = "\0" if len(uid) % 2 else ""
    old = before.encode() + (b"\0" if len(before) % 2 else b"")
    tag = {"StudyInstanceUID": b"\x20\0\x0d\0", "SeriesInstanceUID": b"\x20\0\x0e\0", "SOPInstanceUID": b"\x08\0\x18\0"}
    head = tag[keyword] + b"UI"
    new = (uid + pad).encode()
    assert head + len(old).to_bytes(2, "little") + old in data
    return data.replace(head + len(old).to_bytes(2, "little") + old, head + len(new).to_bytes(2, "little") + new)


def of_description(server: Server, description: str) -> list[dict[str, Any]]:
    items = server.get("/api/v1/quarantine?limit=500", "technician").json()["items"]
    return [one for one in items if one["said"].get("StudyDescription") == description]
