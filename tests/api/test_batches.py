"""Several files in one request, some of which cannot be stored: whatever becomes of one, its neighbours are taken."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from pydicom.uid import generate_uid

from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.services.archive.storing import Stored
from tests.api.conftest import Api
from tests.support.samples import small
from tests.support.zips import zipped

AWAY = Unavailable("archive_unavailable", "full", 30)
NO = RefusedInstance("refused_by_archive", "no")


def parts(files: list[bytes]) -> bytes:
    return b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + one + b"\r\n" for one in files) + b"--b--"


def send(api: Api, door: str, files: list[bytes], **headers: str) -> Any:
    body, media_type, path = parts(files), 'multipart/related; type="application/dicom"; boundary=b', door
    if door == "dicom/upload-zip":
        body, media_type = zipped([(f"{n}.dcm", one) for n, one in enumerate(files)]), "application/zip"
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.call("POST", f"/api/v1/{path}", "technician", data=body, content_type=media_type, headers=headers)


DOORS = ("dicom/upload-multiple", "dicom/upload-zip", "dicom-web/studies")


def verdicts(answer: Any) -> list[str]:
    """What became of each file: its status or code; of STOW-RS the stored ones first."""
    if "instances" in answer.json:
        return [one["error"]["code"] if one["error"] else one["status"] for one in answer.json["instances"]]
    stored = ["stored"] * len(answer.json.get("00081199", {}).get("Value", []))
    failed = answer.json.get("00081198", {}).get("Value", [])
    return stored + [f"{one['00081197']['Value'][0]:04X}" for one in failed]


def saying(api: Api, monkeypatch: pytest.MonkeyPatch, *says: BaseException | None) -> None:
    """The archive answers so, file by file; the last answer holds."""
    store = api.archive.store
    answers = itertools.chain(says, itertools.repeat(says[-1]))

    def answer(data: bytes) -> Stored:
        if (error := next(answers)) is not None:
            raise error
        return store(data)

    monkeypatch.setattr(api.archive, "store", answer)


def four() -> list[bytes]:
    study = generate_uid()
    return [small(StudyInstanceUID=study) for _ in range(4)]


BAD: dict[str, Callable[[], bytes]] = {
    "cannot_index": lambda: small(PatientID="X" * 257),
    "unreadable_meta": lambda: small().replace(b"\x02\0\x10\0UI", b"\x02\0\x10\0??"),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("code", BAD)
def test_a_file_that_can_never_be_stored_stops_none_behind_it(api: Api, door: str, code: str) -> None:
    """It is refused by name; `validate` says the same beforehand."""
    bad, good = BAD[code](), four()
    answer = send(api, door, [good[0], bad, *good[1:]])
    assert answer.status_code in (200, 202)
    if door == "dicom-web/studies":
        assert verdicts(answer) == ["stored"] * 4 + ["C000"]
    else:
        assert verdicts(answer) == ["stored", code, "stored", "stored", "stored"]
    assert len(api.archive.instances) == 4
    assert (api.upload(bad).status_code, api.upload(bad).json["code"]) == (422, code)
    said = api.call("POST", "/api/v1/dicom/validate", "technician", data=bad, content_type="application/dicom").json
    assert (said["valid"], [f["code"] for f in said["findings"] if f["level"] == "error"]) == (False, [code])


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("error", [NO, ValueError("a defect of ours")], ids=["refused by the archive", "a defect"])
def test_what_only_the_archive_refuses_or_a_defect_meets_stops_none_behind_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, door: str, error: Exception
) -> None:
    saying(api, monkeypatch, None, error, None)
    answer = send(api, door, four())
    code, reason = ("refused_by_archive", "C000") if error is NO else ("internal_error", "0110")
    if door == "dicom-web/studies":
        assert verdicts(answer) == ["stored"] * 3 + [reason]
    else:
        assert verdicts(answer) == ["stored", code, "stored", "stored"]


@pytest.mark.parametrize("door", DOORS)
def test_after_an_outage_the_rest_is_tried(api: Api, monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    """One file met it; the sender learns which, and sends that one again."""
    files, upload_id = four(), str(uuid.uuid4())
    saying(api, monkeypatch, None, AWAY, None)
    answer = send(api, door, files, X_Upload_Id=upload_id)
    if door == "dicom-web/studies":
        assert (answer.status_code, verdicts(answer)) == (202, ["stored"] * 3 + ["0110"])
        return
    assert (answer.status_code, answer.json["status"]) == (200, "partial")
    assert verdicts(answer) == ["stored", "archive_unavailable", "stored", "stored"]
    (entry,) = api.get(f"/api/v1/dicom/uploads/{upload_id}", "nurse").json["entries"]
    assert (entry["upload_status"], entry["error_message"]) == ("partial", "archive_unavailable (1)")
    assert send(api, door, files[1:2], X_Upload_Id=upload_id).status_code == 201
    (entry,) = api.get(f"/api/v1/dicom/uploads/{upload_id}", "nurse").json["entries"]
    assert (entry["upload_status"], entry["error_message"]) == ("success", None)


@pytest.mark.parametrize("door", DOORS)
def test_a_disk_that_fills_in_the_middle_names_the_file_it_met(
    api: Api, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    """Out of resources is DICOM's word for it; those before are stored, and the sender repeats the rest."""
    rooms = iter([True, False, True, True])
    monkeypatch.setattr(api.archive, "has_room", lambda _size: next(rooms))
    answer = send(api, door, four())
    if door == "dicom-web/studies":
        assert (answer.status_code, verdicts(answer)) == (202, ["stored"] * 3 + ["A700"])
    else:
        assert verdicts(answer) == ["stored", "storage_full", "stored", "stored"]
    api.archive.is_full = True
    monkeypatch.undo()
    answer = send(api, door, four())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert answer.json["code"] == "storage_full"


@pytest.mark.parametrize("door", DOORS)
def test_an_outage_that_lasts_names_the_rest_as_not_tried(api: Api, monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    """Nothing is silently missing, and nobody waits for the archive once per file."""
    saying(api, monkeypatch, None, AWAY)
    answer = send(api, door, [*four(), *four()[:1]])
    if door == "dicom-web/studies":
        assert (answer.status_code, verdicts(answer)) == (202, ["stored"] + ["0110"] * 4)
    else:
        expected = ["stored", "archive_unavailable", "archive_unavailable", "not_tried", "not_tried"]
        assert (answer.json["status"], verdicts(answer)) == ("partial", expected)


@pytest.mark.parametrize("door", DOORS)
def test_an_outage_before_anything_is_stored_asks_for_the_whole_request(
    api: Api, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    """503 and when to come again; then all is stored, and the log knows of no failure but the real one."""
    files, upload_id = [BAD["cannot_index"](), *four()], str(uuid.uuid4())
    with monkeypatch.context() as patch:
        saying(api, patch, AWAY)
        answer = send(api, door, files, X_Upload_Id=upload_id)
    assert (answer.status_code, answer.json["code"]) == (503, "archive_unavailable")
    assert answer.headers["Retry-After"] == "30"
    answer = send(api, door, files, X_Upload_Id=upload_id)
    assert sorted(verdicts(answer))[-4:] == ["stored"] * 4
    if door != "dicom-web/studies":
        (entry,) = api.get(f"/api/v1/dicom/uploads/{upload_id}", "nurse").json["entries"]
        assert (entry["number_of_files"], entry["error_message"]) == (5, "cannot_index (1)")


def test_a_nul_in_any_text_is_stored_and_recorded(api: Api) -> None:
    """PostgreSQL takes no NUL in a text; such a file was 500, or 503 for ever."""
    order = api.place_order()
    damaged = [
        {"PatientID": "AB\0CD"},
        {"PatientName": "LIND\0QVIST^ASA"},
        {"AccessionNumber": "A\0B"},
        {"StudyDescription": "CT\0HEAD"},
        {"StudyDate": "2026\0115"},
        {"Modality": "M\0R"},
        {"ReferringPhysicianName": "WHO\0EVER"},
    ]
    for values in damaged:
        for headers in ({}, {"X-Order-Id": order["id"]}):
            answer = api.upload(small(**values), headers=headers)
            assert answer.status_code == 201, (values, answer.json)
    api.services.recorder.settle()
    assert api.get("/api/v1/dicom/studies", "nurse").json["total"] == 2 * len(damaged)
