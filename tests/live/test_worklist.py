"""The worklist through the real DICOM port, asked by DCMTK and pynetdicom, on both databases."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.live.door_steps import c_store
from tests.live.worklist_steps import ALL_KEYS, audited, find, findscu, match_of, register
from tests.support import ports
from tests.support.material import mr_series
from tests.support.running import running
from tests.support.samples import fresh
from tests.support.scu import patient_ae
from tests.support.server import Server, user_token
from tests.support.steps import eventually, study

STORESCU = "/usr/bin/storescu"
SERVING = "the gate stands in the path"
"""The log says so after the server has asked itself for the worklist."""
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"


def placed(server: Server, **order: Any) -> dict[str, Any]:
    number = uuid.uuid4().hex[:8].upper()
    person = {"family_name": "Müller", "given_name": "Jörg", "birth_date": "1961-03-14", "sex": "male"}
    assert server.put(f"/api/v1/patients/W-{number}", person).status_code == 201
    body = {"mrn": f"W-{number}", "modality": "MR", "description": "Brain", "ordered_by": "Ekström^Maria"}
    answer = server.put(f"/api/v1/orders/W{number}", body | order)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_an_order_becomes_images_that_are_linked_to_it(server: Server, tmp_path: Path) -> None:
    """The whole loop with DCMTK as the modality: item, images that repeat its ids, an exact link; and the item says the
    status. Numbers that only the step knows lead to the order, for the images bring no accession number."""
    register(server, "MR1", "store", "worklist")
    step, procedure = (f"{letter}{uuid.uuid4().hex[:8].upper()}" for letter in "SP")
    order = placed(
        server,
        scheduled_procedure_step_id=step,
        requested_procedure_id=procedure,
        scheduled_at="2026-01-15T09:30:00Z",
        station_ae_title="MR1",
    )
    code, (item,) = findscu(server, tmp_path / "items", "MR1", f"0010,0020={order['mrn']}")
    assert code == 0
    assert item.SpecificCharacterSet == "ISO_IR 100"
    assert str(item.PatientName) == "Müller^Jörg"
    (of_step,) = item.ScheduledProcedureStepSequence
    assert (of_step.ScheduledProcedureStepStartDate, of_step.ScheduledProcedureStepStartTime) == ("20260115", "093000")
    asked = {tag.replace(",", "").upper() for tag in ALL_KEYS if "[" not in tag}
    assert asked - {f"{element.tag:08X}" for element in item} == set()
    request = Dataset()
    request.ScheduledProcedureStepID = of_step.ScheduledProcedureStepID
    request.RequestedProcedureID = item.RequestedProcedureID
    said: dict[str, Any] = {
        "AccessionNumber": "",
        "PatientBirthDate": item.PatientBirthDate,
        "PatientID": item.PatientID,
        "PatientName": str(item.PatientName),
        "PatientSex": item.PatientSex,
        "RequestAttributesSequence": [request],
        "SeriesInstanceUID": generate_uid(),
        "SpecificCharacterSet": "ISO_IR 100",
        "StudyInstanceUID": item.StudyInstanceUID,
    }
    files = []
    for number, data in enumerate(mr_series()):
        files.append(tmp_path / f"{number}.dcm")
        files[-1].write_bytes(fresh(data, **said))
    subprocess.run(
        [STORESCU, "-aet", "MR1", "-aec", "ORTHANC", "127.0.0.1", str(server.dicom_port), *map(str, files)],
        check=True,
        timeout=180,
    )
    eventually(lambda: (study(server, item.StudyInstanceUID) or {}).get("number_of_instances") == len(files))
    seen = study(server, item.StudyInstanceUID)
    assert seen is not None
    assert (seen["link_status"], seen["order_ids"]) == ("linked", [order["id"]])
    assert match_of(server, item.StudyInstanceUID) == "exact"
    keys = {"PatientID": order["mrn"], "ScheduledProcedureStepStatus": ""}

    def shown() -> list[str]:
        return [
            one.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus for one in find(server, "MR1", keys)[1]
        ]

    eventually(lambda: shown() == ["STARTED"])


@pytest.mark.parametrize("end", ["cancelled", "completed", "merged"])
def test_what_is_over_is_gone_from_the_next_answer(server: Server, end: str) -> None:
    register(server, "MR2", "worklist")
    order = placed(server)
    keys = {"AccessionNumber": order["accession_number"], "PatientID": ""}
    statuses, (item,) = find(server, "MR2", keys)
    assert statuses == [0xFF00, 0x0000]
    assert item.PatientID == order["mrn"]
    if end == "cancelled":
        assert server.request("POST", f"/api/v1/orders/{order['id']}/cancel", _ehr()).status_code == 200
        assert find(server, "MR2", keys) == ([0x0000], [])
    elif end == "completed":
        body = {"mrn": order["mrn"], "modality": "MR", "description": "Brain", "status": "completed"}
        assert server.put(f"/api/v1/orders/{order['accession_number']}", body).status_code == 200
        assert find(server, "MR2", keys) == ([0x0000], [])
    else:
        other = placed(server)
        merge = {"into": other["mrn"], "reason": "one person"}
        answer = server.request("POST", f"/api/v1/patients/{order['mrn']}/merge", _ehr(), json=merge)
        assert answer.status_code == 202, answer.text
        assert [one.PatientID for one in find(server, "MR2", keys)[1]] == [other["mrn"]]


def test_who_is_not_registered_learns_nothing_and_is_on_record(server: Server, tmp_path: Path) -> None:
    """An AE title that nobody knows, one that may only store, and one that calls from another host than its own."""
    placed(server)
    number = uuid.uuid4().hex[:6].upper()
    unknown, storing, elsewhere = f"U{number}", f"S{number}", f"E{number}"
    register(server, storing, "store")
    register(server, elsewhere, "worklist", host="192.0.2.7")
    for calling, reason in ((unknown, "unknown_ae_title"), (storing, "not_allowed"), (elsewhere, "other_host")):
        statuses, items = find(server, calling, {"PatientName": ""})
        assert (statuses, items) == ([0xC000], [])
        _, items = findscu(server, tmp_path / calling, calling)
        assert items == []
        (event,) = eventually(lambda calling=calling: audited(server, calling))
        assert (event["action"], event["outcome"]) == ("request.refused", "refused")
        assert event["detail"]["reason"] == reason
        assert event["address"] == "127.0.0.1"


def test_no_image_is_lost_where_every_modality_may_store(server: Server) -> None:
    """Whether its AE title is unknown, registered with another host, or registered as one that only asks."""
    number = uuid.uuid4().hex[:6].upper()
    unknown, asking, elsewhere = f"U{number}", f"A{number}", f"E{number}"
    register(server, asking, "worklist")
    register(server, elsewhere, "store", host="192.0.2.7")
    for calling in (unknown, asking, elsewhere):
        uid = generate_uid()
        assert c_store(server, fresh(mr_series()[0], StudyInstanceUID=uid), calling=calling) == [0]
        eventually(lambda uid=uid: (study(server, uid) or {}).get("number_of_instances") == 1)


def test_a_registered_modality_may_not_ask_for_images(server: Server) -> None:
    """C-FIND, C-GET and C-MOVE would pass the gate by."""
    register(server, "MR3", "store", "worklist", "mpps", "commit", "send_to")
    ae = patient_ae("MR3")
    ae.add_requested_context(STUDY_ROOT_FIND)
    association = ae.associate("127.0.0.1", server.dicom_port, ae_title="ORTHANC")
    assert association.is_established
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", ""
    answers = list(association.send_c_find(query, STUDY_ROOT_FIND))
    assert [status.get("Status") for status, _ in answers] == [None]


def test_what_is_registered_counts_at_once_until_it_is_removed(server: Server) -> None:
    order = placed(server)
    title = f"T{uuid.uuid4().hex[:6].upper()}"
    keys = {"AccessionNumber": order["accession_number"]}
    register(server, title, "worklist")
    assert len(find(server, title.lower(), keys)[1]) == 1
    register(server, title)
    assert find(server, title, keys)[0] == [0xC000]
    assert server.request("DELETE", f"/api/v1/modalities/{title}", _admin()).status_code == 204
    assert find(server, title, keys)[0] == [0xC000]


def test_echo_says_whether_a_modality_answers(server: Server) -> None:
    ae = patient_ae("DEVICE")
    ae.add_supported_context("1.2.840.10008.1.1")
    port = ports.free()
    listening = ae.start_server(("127.0.0.1", port), block=False)
    assert listening is not None
    try:
        register(server, "DEVICE", "send_to", port=port)
        answer = server.request("POST", "/api/v1/modalities/DEVICE/echo", _admin())
        assert answer.status_code == 200
        assert (answer.json()["ok"], answer.json()["error"]) == (True, None)
    finally:
        listening.shutdown()
    answer = server.request("POST", "/api/v1/modalities/device/echo", _admin()).json()
    assert answer["ok"] is False
    assert "host, port and AE title" in answer["error"]


def test_two_devices_ask_at_once(server: Server) -> None:
    """With HTTP beside them; each gets its own answer."""
    register(server, "MR4", "worklist")
    register(server, "MR5", "worklist")
    orders = [placed(server) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        asked = [
            pool.submit(find, server, f"MR{4 + at % 2}", {"AccessionNumber": order["accession_number"]})
            for at, order in enumerate(orders)
        ]
        found = [one.result()[1] for one in asked]
    assert [[one.AccessionNumber for one in items] for items in found] == [[o["accession_number"]] for o in orders]


def test_the_server_has_proved_that_the_worklist_is_its_own(server: Server) -> None:
    eventually(lambda: SERVING in server.log())
    health = server.get("/api/v1/health").json()
    assert health["checks"]["worklist"] == "ok"
    eventually(lambda: server.get("/api/v1/health").json()["worklist_age_seconds"] < 120)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that only registered modalities may speak with."""
    settings = {"EHR_BRIDGE_DICOM_ACCESS": "known", "EHR_BRIDGE_TIME_ZONE": "Europe/Vienna"}
    settings["EHR_BRIDGE_WORKLIST_CHARSET"] = "utf8"
    with running(tmp_path_factory.mktemp("closed"), **settings) as server:
        yield server


def test_where_only_known_modalities_may_call_others_neither_store_nor_ask(closed: Server, tmp_path: Path) -> None:
    """Orthanc itself refuses them, before it reads anything; what it says in its log becomes audit events."""
    eventually(lambda: SERVING in closed.log())
    assert closed.get("/api/v1/health").json()["checks"]["worklist"] == "ok"
    register(closed, "MR1", "store", "worklist")
    register(closed, "CT9", "store", host="192.0.2.7")
    file = tmp_path / "one.dcm"
    file.write_bytes(fresh(mr_series()[0], StudyInstanceUID=generate_uid()))

    def store(calling: str) -> int:
        command = [STORESCU, "-aet", calling, "-aec", "ORTHANC", "127.0.0.1", str(closed.dicom_port), str(file)]
        return subprocess.run(command, capture_output=True, timeout=180, check=False).returncode

    assert (store("MR1"), store("STRANGER") != 0, store("CT9") != 0) == (0, True, True)
    assert find(closed, "STRANGER", {"PatientName": ""})[1] == []
    order = placed(closed, scheduled_at="2026-07-01T06:30:00Z")
    _, (item,) = find(closed, "MR1", {"AccessionNumber": order["accession_number"], "PatientName": ""})
    assert item.SpecificCharacterSet == "ISO_IR 192"
    at = {"ScheduledProcedureStepStartDate": "20260701", "ScheduledProcedureStepStartTime": "0830"}
    assert len(find(closed, "MR1", at)[1]) == 1

    def noted() -> set[tuple[str, str]]:
        events = audited(closed, "STRANGER") + audited(closed, "CT9")
        return {(one["detail"]["route"], one["address"]) for one in events}

    expected = {("DIMSE Store", "127.0.0.1"), ("DIMSE FindWorklist", "127.0.0.1")}
    eventually(lambda: noted() == expected)


def _ehr() -> str:
    return user_token("service")


def _admin() -> str:
    return user_token("admin")
