"""Steps of a modality that reports by MPPS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydicom.uid import generate_uid

from ehr_bridge.dicom.mpps import read_performed
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.registry.completion import Completion
from tests.api.conftest import Api
from tests.api.link_steps import order, put_order, put_patient
from tests.support.mpps import begun, ended
from tests.support.samples import small

STEPS = "/api/v1/performed-steps"
MR1 = Origin("ae:MR1", "127.0.0.1")
LATER = timedelta(minutes=11)


def place(api: Api, *numbers: str, **values: Any) -> None:
    put_patient(api, status=201)
    for number in numbers:
        put_order(api, number, **values)


def request(api: Api, number: str, **more: str) -> dict[str, str]:
    """What a worklist item of this order makes a modality say."""
    told = order(api, number)
    return {
        "AccessionNumber": number,
        "StudyInstanceUID": told["study_instance_uid"],
        "ScheduledProcedureStepID": told["scheduled_procedure_step_id"],
    } | more


def create(api: Api, *requests: dict[str, str], uid: str | None = None, **values: Any) -> str:
    return api.services.performed.create(uid, read_performed(begun(*requests, **values)), "MR1", MR1)


def change(api: Api, uid: str, *said: Any, **values: Any) -> None:
    api.services.performed.change(uid, read_performed(ended(*said, **values)), MR1)


def status(api: Api, number: str = "ACC-1") -> str:
    return str(order(api, number)["status"])


def shown(api: Api, uid: str) -> dict[str, Any]:
    return dict(api.get(f"{STEPS}/{uid}", "doctor").json)


def send(api: Api, uid: str, number: str = "", **values: Any) -> str:
    """One image, as a modality makes it from a worklist item; its SOP Instance UID."""
    sop = generate_uid()
    person = {"PatientID": "MRN-1", "PatientName": "Lindqvist^Åsa", "PatientBirthDate": "19610314", "PatientSex": "F"}
    said = person | {"StudyInstanceUID": uid, "AccessionNumber": number, "SOPInstanceUID": sop} | values
    answer = api.upload(small(**said))
    assert answer.status_code == 201, answer.json
    api.services.recorder.settle()
    return sop


def attention(api: Api) -> dict[str, int]:
    return {one["code"]: one["count"] for one in api.get("/api/v1/system", "admin").json["attention"]}


def actions(api: Api, beginning: str) -> list[str]:
    items = api.get("/api/v1/audit?limit=500", "admin").json["items"]
    return [one["action"] for one in items if one["action"].startswith(beginning)][::-1]


def quiet(api: Api) -> int:
    """Complete orders as if nothing had come for a minute."""
    return Completion(api.services.database, lambda: datetime.now(UTC) + LATER, timedelta(seconds=60)).run()
