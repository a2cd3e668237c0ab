"""Different wishes for one study at the same moment, through the real Orthanc with its worker running meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import requests
from pydicom.uid import generate_uid

from tests.support.racing import heard_yes, race
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, instances, study, upload

IMAGES = 12
TOO_LATE = {
    (409, "modification_running"),
    (409, "deletion_requested"),
    (409, "cannot_undo"),
    (404, "study_not_found"),
}


def stored(server: Server) -> str:
    uid, series = generate_uid(), generate_uid()
    for _ in range(IMAGES):
        assert upload(server, small(StudyInstanceUID=uid, SeriesInstanceUID=series)).status_code == 201
    return str(uid)


def modify(server: Server, uid: str, date: str) -> requests.Response:
    body = {"study_instance_uid": uid, "changes": {"StudyDate": date}, "reason": "wrong day"}
    return server.request("POST", "/api/v1/dicom/modify-tags", user_token("technician", subject="tom"), json=body)


def undo(server: Server, modification: str) -> requests.Response:
    path, body = f"/api/v1/modifications/{modification}/undo", {"reason": "it was right before"}
    return server.request("POST", path, user_token("radiologist", subject="rita"), json=body)


def delete(server: Server, uid: str) -> requests.Response:
    token = user_token("radiologist", subject="rita")
    return server.request("DELETE", f"/api/v1/dicom/studies/{uid}", token, headers={"X-Reason": "wrong patient"})


def decide(server: Server, deletion: str, verb: str, number: int = 0) -> requests.Response:
    token = user_token("manager", subject=f"max{number}")
    return server.request("POST", f"/api/v1/deletions/{deletion}/{verb}", token)


def is_over(server: Server, job: str) -> bool:
    return str(server.get(f"/api/v1/jobs/{job}", "nurse").json()["status"]) not in ("queued", "running")


def counted(server: Server, uid: str) -> Counter[str]:
    answer = server.get(f"/api/v1/audit?study_instance_uid={uid}&limit=500", "admin")
    return Counter(event["action"] for event in answer.json()["items"] if event["outcome"] == "success")


def everything_agrees(server: Server, uid: str) -> str:
    """Orthanc's files, our list of studies and the tags route say the same date of the same number of images; it."""
    files = instances(server, uid)
    (date,) = {str(ds.StudyDate) for ds in files}
    shown = study(server, uid)
    assert shown is not None
    assert (len(files), shown["number_of_instances"]) == (IMAGES, IMAGES)
    assert shown["study_date"] == f"{date[:4]}-{date[4:6]}-{date[6:]}"
    tags = server.get(f"/api/v1/dicom/tags/{uid}", "nurse").json()["tags"]
    assert [(tag["value"], tag["other_values"]) for tag in tags if tag["tag"] == "StudyDate"] == [(date, [])]
    assert server.get("/api/v1/audit/verify", "admin").json()["ok"] is True
    return date


def test_modify_undo_delete_approve_and_reject_at_once_end_in_one_state(server: Server) -> None:
    """Whoever wins: files, ledger, lists and audit trail tell one story, and no image is lost."""
    uid = stored(server)
    first = modify(server, uid, "20260101").json()["id"]
    assert eventually(lambda: is_over(server, first))
    assert everything_agrees(server, uid) == "20260101"

    calls: list[tuple[str, Callable[[], Any]]] = []
    for date in ("20260201", "20260202"):
        calls.append(("modify", partial(modify, server, uid, date)))
        calls.append(("undo", lambda: undo(server, first)))
        calls.append(("delete", lambda: delete(server, uid)))
    outcomes = race(calls)
    granted = Counter(heard_yes(outcomes))
    assert {(o.status, o.code) for o in outcomes if o.status >= 300} <= TOO_LATE, outcomes
    assert granted.total() >= 1 and granted["delete"] <= 1 and granted["undo"] <= 1
    for outcome in outcomes:
        if outcome.verb in ("modify", "undo") and outcome.status == 202:
            job = outcome.body["id"]
            assert eventually(lambda job=job: is_over(server, job))

    deletions = [outcome.body["id"] for outcome in outcomes if outcome.verb == "delete" and outcome.status == 202]
    deletion = deletions[0] if deletions else delete(server, uid).json()["id"]
    assert study(server, uid) is None
    verbs = ["approve", "reject"] * 3
    decided = race([(verb, partial(decide, server, deletion, verb, n)) for n, verb in enumerate(verbs)])
    assert Counter((o.status, o.code) for o in decided) == {(200, ""): 1, (409, "deletion_state"): 5}
    if heard_yes(decided) == ["approve"]:
        assert decide(server, deletion, "restore").status_code == 200

    eventually(lambda: study(server, uid) is not None)
    assert everything_agrees(server, uid) in {"20260101", "20260115", "20260201", "20260202"}
    audited = counted(server, uid)
    assert audited["study.modification_requested"] == 1 + granted["modify"]
    assert audited["study.undo_requested"] == granted["undo"]
    assert audited["deletion.requested"] == 1
    assert audited["deletion.approved"] + audited["deletion.rejected"] == 1
