"""One judge: every kind of file, and every real file there is, through every door, answered as documented."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import batched
from pathlib import Path
from typing import Any, NamedTuple

import pydicom
import pytest
import requests
from pydicom.data import get_testdata_file
from pydicom.uid import JPEGBaseline8Bit, generate_uid

from ehr_bridge.dicom import read_header
from ehr_bridge.errors import RefusedInstance
from tests.live.digest_steps import on_disk, recorded
from tests.live.real_file_steps import documented, under_a_uid_of_its_own
from tests.support import scu
from tests.support.bombs import deflated
from tests.support.material import WHEEL, named_folders
from tests.support.samples import ROOT, crowded, encoded, nested, small, unrecodable
from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order, study, upload

DOORS = ("upload", "STOW-RS", "POST /instances", "C-STORE")
IN_TESTS_OF_THEIR_OWN = {
    "moved_out": "tests/api/test_splits.py",
    "study_recorded_otherwise": "tests/live/test_wrong_requests.py",
    "archive_unavailable": "tests/api/test_upload.py",
    "storage_full": "tests/live/test_disk_full.py",
    "database_unavailable": "tests/live/test_lifecycle.py",
}


def table() -> dict[str, dict[str, str]]:
    """By finding, then door: what docs/conformance.md says the sender hears, notes left out."""
    page = (ROOT / "docs" / "conformance.md").read_text()
    rows = page.split("\n## Doors\n")[1].split("\n## ")[0].split("|---|---|---|---|---|\n")[1].split("\n\n")[0]
    found = {}
    for row in rows.splitlines():
        finding, *cells = [cell.strip().strip("`") for cell in row.strip("| ").split("|")]
        found[finding] = {door: cell.split(";")[0] for door, cell in zip(DOORS, cells, strict=True)}
    return found


class Case(NamedTuple):
    """The file of one row, and one that has to be there before."""

    data: bytes
    before: bytes | None = None


def _again() -> Case:
    data = small()
    return Case(data, data)


def _other_content() -> Case:
    uid = generate_uid()
    return Case(
        small(SOPInstanceUID=uid, StudyInstanceUID="1.2.826.1", SeriesInstanceUID="1.2.826.2", StudyTime="0900"),
        small(SOPInstanceUID=uid, StudyInstanceUID="1.2.826.1", SeriesInstanceUID="1.2.826.2"),
    )


def _contradiction(server: Server) -> Case:
    """The MRN of the study's patient, and otherwise somebody else."""
    order, uid = place_order(server), generate_uid()
    named = {"AccessionNumber": order["accession_number"], "PatientID": order["mrn"], "StudyInstanceUID": uid}
    other = small(**named, PatientName="OTHER^PERSON", PatientBirthDate="19010101")
    return Case(other, small(**named, PatientName="LINDQVIST^ASA", PatientBirthDate="19610314"))


def _stranger() -> Case:
    uid = generate_uid()
    return Case(small(StudyInstanceUID=uid, PatientID="SOMEBODY"), small(StudyInstanceUID=uid, PatientID="ELSE"))


def _one_piece() -> bytes:
    ds = pydicom.dcmread(io.BytesIO(small()))
    data = encoded(ds)
    explicit, jpeg = b"1.2.840.10008.1.2.1\0", JPEGBaseline8Bit.encode() + b"\0\0"
    old = b"\x02\0\x10\0UI" + len(explicit).to_bytes(2, "little") + explicit
    new = b"\x02\0\x10\0UI" + (len(jpeg) & ~1).to_bytes(2, "little") + jpeg[: len(jpeg) & ~1]
    length = int.from_bytes(data[140:144], "little") + len(new) - len(old)
    return (data[:140] + length.to_bytes(4, "little") + data[144:]).replace(old, new)


def _sequence_as_number() -> bytes:
    """What only Orthanc refuses: a sequence where it wants to read the Instance Number."""
    return small(InstanceNumber="1 ").replace(b"\x20\0\x13\0IS\2\x001 ", b"\x20\0\x13\0SQ\0\0\0\0\0\0")


def _cannot_recode(server: Server) -> bytes:
    order = place_order(server)
    return unrecodable(
        AccessionNumber=order["accession_number"],
        PatientID=order["mrn"],
        PatientName="LINDQVIST^ASA",
        PatientBirthDate="19610314",
    )


CASES: dict[str, Callable[[Server], Case]] = {
    "is fine": lambda _: Case(small()),
    "is there already": lambda _: _again(),
    "contradicts its study": _contradiction,
    "study_of_another_patient": lambda _: _stranger(),
    "same_uid_other_content": lambda _: _other_content(),
    "empty_file": lambda _: Case(b""),
    "not_dicom": lambda _: Case(b"This is a letter, not an image. " * 40),
    "truncated": lambda _: Case(small(StudyDescription="x" * 40)[:-60]),
    "malformed": lambda _: Case(_one_piece()),
    "nested_too_deep": lambda _: Case(nested(100)),
    "too_many_elements": lambda _: Case(crowded(250_000)),
    "inflated_too_large": lambda _: Case(deflated(300)),
    "missing_uid": lambda _: Case(small(StudyInstanceUID=None)),
    "cannot_index": lambda _: Case(small(PatientID="X" * 257)),
    "unreadable_meta": lambda _: Case(small().replace(b"\x02\0\x13\0SH", b"\x02\0\x13\0??")),
    "refused_by_archive": lambda _: Case(_sequence_as_number()),
    "dicomdir": lambda _: Case(Path(str(get_testdata_file("DICOMDIR"))).read_bytes()),
    "invalid_uid": lambda _: Case(small(StudyInstanceUID="1.2.x")),
    "too_large": lambda _: Case(small(PixelData=bytes(5_500_000), Rows=1000, Columns=2750)),
    "cannot_recode": lambda server: Case(_cannot_recode(server)),
}


def by_upload(server: Server, data: bytes) -> tuple[str, str]:
    answer = upload(server, data)
    return str(answer.status_code), answer.json().get("code", "")


def stow(server: Server, *files: bytes) -> requests.Response:
    body = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + data + b"\r\n" for data in files) + b"--b--"
    media_type = 'multipart/related; type="application/dicom"; boundary=b'
    headers = {"Content-Type": media_type}
    return server.request("POST", "/api/v1/dicom-web/studies", user_token("technician"), data=body, headers=headers)


def by_stow(server: Server, data: bytes) -> tuple[str, str]:
    answer = stow(server, data)
    failed = answer.json().get("00081198", {}).get("Value", [])
    reason = "".join(f", 0x{one['00081197']['Value'][0]:04X}" for one in failed)
    return f"{answer.status_code}{reason}", ""


def by_instances(server: Server, data: bytes) -> tuple[str, str]:
    headers = {"Content-Type": "application/dicom"}
    answer = server.request("POST", "/instances", user_token("technician"), data=data, headers=headers)
    return str(answer.status_code), answer.json().get("code", "")


def by_c_store(server: Server, data: bytes, patience: float = 60) -> tuple[str, str]:
    (status,) = scu.send(server.dicom_port, [scu.message_of(data)], patience=patience)
    return ("no answer" if status is None else f"0x{status:04X}"), ""


SENDERS = dict(zip(DOORS, (by_upload, by_stow, by_instances, by_c_store), strict=True))


def test_the_table_has_every_case() -> None:
    """No row without a file or a test of its own, no file without a row."""
    assert set(table()) == set(CASES) | set(IN_TESTS_OF_THEIR_OWN)
    for path in IN_TESTS_OF_THEIR_OWN.values():
        assert (ROOT / path).exists()


@pytest.mark.parametrize("finding", CASES)
def test_each_door_says_what_the_table_says(sqlite_server: Server, finding: str) -> None:
    """The same file to four doors; a new one for each, so that none is there already."""
    heard = {}
    is_silent = table()[finding]["C-STORE"] == "no answer"
    senders = SENDERS | ({"C-STORE": partial(by_c_store, patience=3)} if is_silent else {})
    for door, send in senders.items():
        case = CASES[finding](sqlite_server)
        if case.before is not None:
            assert upload(sqlite_server, case.before).status_code == 201
        heard[door], code = send(sqlite_server, case.data)
        assert code in ("", finding), (door, code)
    assert heard == table()[finding]
    assert sqlite_server.get("/api/v1/health").json()["status"] == "ok"


NOT_OVER_DIMSE = frozenset({"rtdose_rle.dcm", "rtdose_rle_1frame.dcm", "will-jxl.dcm"})


def test_what_dimse_cannot_carry_is_documented() -> None:
    """HTTP stores it; docs/conformance.md says that C-STORE does not."""
    page = (ROOT / "docs" / "conformance.md").read_text().split("\n## Transfer syntaxes\n")[1].split("\n## ")[0]
    assert all(f"`{name}`" in page for name in NOT_OVER_DIMSE)


def test_every_real_file_gets_one_verdict_at_every_door(sqlite_server: Server) -> None:
    """Some three hundred files by STOW-RS, POST /instances and C-STORE: stored where an upload stores them."""
    expected = documented()
    folders = (WHEEL / "test_files", WHEEL / "charset_files", *named_folders())
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    wrong: list[Any] = []
    sent = [under_a_uid_of_its_own(path.read_bytes(), 1000 + n) for n, path in enumerate(paths)]
    kept: Counter[str] = Counter()
    for some in batched(sent, 20, strict=False):  # a slow machine has three minutes for each request, not for all files
        answer = stow(sqlite_server, *some)
        assert answer.status_code in (200, 202, 409)
        kept.update({key: len(answer.json().get(key, {}).get("Value", [])) for key in ("00081198", "00081199")})
    refused = [path.name for path in paths if expected.get(path.name)]
    assert kept == {"00081198": len(refused), "00081199": len(paths) - len(refused)}
    for number, path in enumerate(paths):
        data = under_a_uid_of_its_own(path.read_bytes(), 3000 + number)
        status, code = by_instances(sqlite_server, data)
        if (status, code) != ("200", "") and code != expected.get(path.name):
            wrong.append((path.name, status, code))
    readable = []
    for number, path in enumerate(paths):
        data = under_a_uid_of_its_own(path.read_bytes(), 5000 + number)
        try:
            header = read_header(data)
        except RefusedInstance:
            continue
        if not header.deflated and header.meta and len(data) % 2 == header.dataset_start % 2:  # no odd messages
            readable.append((path, scu.message_of(data)))
    statuses = scu.send(sqlite_server.dicom_port, [message for _, message in readable], patience=30)
    for (path, _), said in zip(readable, statuses, strict=True):
        if path.name in NOT_OVER_DIMSE:
            assert said != 0
        elif (said == 0) is not (expected.get(path.name) is None):
            wrong.append((path.name, said, expected.get(path.name)))
    assert wrong == []
    assert sqlite_server.get("/api/v1/health").json()["status"] == "ok"
    assert "defect" not in sqlite_server.log()


def test_storescu_sends_in_several_transfer_syntaxes_at_once(sqlite_server: Server, tmp_path: Path) -> None:
    """Four of DCMTK's senders in parallel, each with files of its own kind: all stored, each study whole, and each file
    known by what lies on the disk."""
    kinds = {
        "": ("MR_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm"),
        "-xw": ("JPEG2000.dcm", "693_J2KI.dcm"),
        "-xr": ("MR_small_RLE.dcm", "SC_rgb_rle.dcm"),
        "-xt": ("MR_small_jpeg_ls_lossless.dcm",),
    }
    senders, uids, sent = [], {}, []
    for number, (option, names) in enumerate(kinds.items()):
        folder = tmp_path / f"kind{number}"
        folder.mkdir()
        uids[option] = generate_uid()
        for name in names:
            ds = pydicom.dcmread(str(get_testdata_file(name)))
            ds.StudyInstanceUID, ds.SeriesInstanceUID = uids[option], generate_uid()
            ds.PatientID, ds.PatientName = f"DCMTK-{number}", "SENDER^SAMUEL"  # one study is of one patient
            ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            ds.save_as(folder / name, enforce_file_format=True)
            sent.append(str(ds.SOPInstanceUID))
        command = ["storescu", "-aet", f"DCMTK{number}", "-aec", "ORTHANC", "+sd", *filter(None, [option])]
        assert shutil.which("storescu")
        senders.append(subprocess.Popen([*command, "127.0.0.1", str(sqlite_server.dicom_port), str(folder)]))
    assert [sender.wait(timeout=300) for sender in senders] == [0] * len(kinds)
    for option, names in kinds.items():
        whole = partial(_whole, sqlite_server, uids[option], len(names))
        assert eventually(whole)
    assert {recorded(sqlite_server, uid) for uid in sent} <= on_disk(sqlite_server)


def _whole(server: Server, uid: str, count: int) -> bool:
    seen = study(server, uid)
    return seen is not None and seen["number_of_instances"] == count
