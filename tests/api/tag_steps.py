"""What people and the worker do with the tags of a study, as short steps for tests."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pydicom
from pydicom.uid import generate_uid
from sqlalchemy import select

from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services.archive.quarantine import Quarantine
from ehr_bridge.services.jobs.spool import Spool
from ehr_bridge.services.linking.late_links import SecondLooks
from ehr_bridge.services.modifying.runner import ModificationJobs
from tests.api.conftest import Api
from tests.support.samples import small


class Jobs(ModificationJobs):
    """With all the time they need, however busy the machine is; before them, what the worker does before them."""

    second_looks: SecondLooks

    def run(self, seconds: float = 120) -> int:
        self.second_looks.run(seconds)
        return super().run(seconds)


def jobs(api: Api, folder: Path, later: timedelta = timedelta(), shared: Path | None = None) -> Jobs:
    """The worker's part, as it is after a start; `later` moves its clock. `shared` is the folder that nodes share."""
    services = api.services
    jobs = Jobs(
        services.database,
        api.archive,
        Spool((shared or folder) / "modifying", folder / "modifying"),
        services.claims.rules,
        services.recorder,
        lambda: services.clock() + later,
        services.intake.rules,
        Quarantine(folder / "quarantine").put,
    )
    jobs.second_looks = services.second_looks
    return jobs


def store(api: Api, number: int = 3, **values: Any) -> str:
    """A study of that many instances; its UID."""
    values = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()} | values
    for _ in range(number):
        assert api.upload(small(**values)).status_code == 201
    return str(values["StudyInstanceUID"])


def modify(api: Api, uid: str, status: int = 202, role: str = "technician", **changes: str) -> dict[str, Any]:
    body = {"study_instance_uid": uid, "changes": changes, "reason": "wrong patient chosen at the console"}
    answer = api.call("POST", "/api/v1/dicom/modify-tags", role, json=body)
    assert answer.status_code == status, answer.json
    return dict(answer.json)


def undo(api: Api, modification: str, status: int = 202) -> dict[str, Any]:
    path = f"/api/v1/modifications/{modification}/undo"
    answer = api.call("POST", path, "radiologist", json={"reason": "it was right before"})
    assert answer.status_code == status, answer.json
    return dict(answer.json)


def job(api: Api, job_id: str) -> dict[str, Any]:
    return dict(api.get(f"/api/v1/jobs/{job_id}", "nurse").json)


def tags(api: Api, uid: str) -> dict[str, Any]:
    answer = api.get(f"/api/v1/dicom/tags/{uid}", "nurse")
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def value_of(api: Api, uid: str, keyword: str) -> dict[str, Any]:
    return next(tag for tag in tags(api, uid)["tags"] if tag["tag"] == keyword)


def files(api: Api) -> dict[str, bytes]:
    return dict(api.archive.instances)


def said(api: Api, keyword: str) -> set[str]:
    return {str(pydicom.dcmread(io.BytesIO(data)).get(keyword)) for data in api.archive.instances.values()}


def rows(api: Api) -> set[str]:
    api.services.recorder.settle()
    with api.services.database.read() as session:
        return set(session.scalars(select(Instance.orthanc_instance_id)))
