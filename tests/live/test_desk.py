"""An emergency patient of the desk at a modality, through the real server: worklist, images, and who it was."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path
from typing import Any

from pydicom.uid import generate_uid

from tests.live.worklist_steps import find, findscu, register
from tests.support.material import mr_series
from tests.support.samples import fresh
from tests.support.server import Server, user_token
from tests.support.steps import eventually, study

STORESCU = "/usr/bin/storescu"


def post(server: Server, path: str, body: dict[str, Any], status: int) -> dict[str, Any]:
    answer = server.request("POST", f"/api/v1/{path}", user_token("reception"), json=body)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def named_in_files(server: Server, uid: str) -> set[str]:
    """The patient's name in every stored file of a study; none while it cannot be read."""
    answer = server.get(f"/dicom-web/studies/{uid}/metadata", "doctor", headers={"Accept": "application/dicom+json"})
    if answer.status_code != 200:
        return set()
    return {one["00100010"]["Value"][0]["Alphabetic"] for one in answer.json()}


def test_an_emergency_patient_is_examined_at_once_and_everything_follows_the_name(
    server: Server, tmp_path: Path
) -> None:
    """One request, the item of the worklist, images that repeat it, an exact link; then the patient is merged into the
    record that the EHR has, and worklist and files say who it was."""
    register(server, "MR1", "store", "worklist")
    at_once = {"modality": "MR", "description": "MR stroke", "station_ae_title": "MR1"}
    made = post(server, "patients/emergency", {"sex": "male", "approximate_age": 40, "order": at_once}, 201)
    who, order = made["patient"], made["order"]
    name = f"Unidentified^{who['given_name']}"
    code, (item,) = findscu(server, tmp_path / "items", "MR1", f"0010,0020={who['mrn']}")
    assert code == 0
    assert (str(item.PatientName), item.PatientSex, str(item.PatientBirthDate or "")) == (name, "M", "")
    assert (item.AccessionNumber, item.RequestedProcedurePriority) == (order["accession_number"], "STAT")
    said: dict[str, Any] = {
        "AccessionNumber": item.AccessionNumber,
        "PatientBirthDate": "",
        "PatientID": item.PatientID,
        "PatientName": name,
        "PatientSex": "M",
        "SeriesInstanceUID": generate_uid(),
        "StudyInstanceUID": item.StudyInstanceUID,
    }
    files = [tmp_path / f"{number}.dcm" for number in range(2)]
    for file, data in zip(files, mr_series(), strict=False):
        file.write_bytes(fresh(data, **said))
    subprocess.run(
        [STORESCU, "-aet", "MR1", "-aec", "ORTHANC", "127.0.0.1", str(server.dicom_port), *map(str, files)],
        check=True,
        timeout=180,
    )
    uid = str(item.StudyInstanceUID)
    eventually(lambda: (study(server, uid) or {}).get("number_of_instances") == len(files))
    seen = study(server, uid)
    assert seen is not None
    assert (seen["link_status"], seen["order_ids"]) == ("linked", [order["id"]])

    mrn = f"W-{uuid.uuid4().hex[:8].upper()}"
    person = {"family_name": "Haddad", "given_name": "Karim", "birth_date": "1984-09-30", "sex": "male"}
    assert server.put(f"/api/v1/patients/{mrn}", person).status_code == 201
    path = f"patients/{who['mrn']}/merge"
    preview = post(server, f"{path}/preview", {"into": mrn}, 200)
    assert preview["number_of_images"] == len(files)
    assert named_in_files(server, uid) == {name}
    post(server, path, {"into": mrn, "reason": "identity card"}, 202)
    eventually(lambda: named_in_files(server, uid) == {"Haddad^Karim"})
    keys = {"AccessionNumber": order["accession_number"], "PatientName": "", "PatientID": ""}
    eventually(lambda: [(str(one.PatientName), one.PatientID) for one in find(server, "MR1", keys)[1]] == [
        ("Haddad^Karim", mrn)
    ])  # fmt: skip
