"""Steps of a deletion for tests of the API: ask, decide, let the grace pass, purge into an archive that counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.services.archive.storing import Stored
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.uploads.arrivals import AtDoor, Delivery, Door
from tests.api.conftest import Api
from tests.support.archive import orthanc_id
from tests.support.samples import small
from tests.support.server import user_token

STUDIES = "/api/v1/dicom/studies"
DELETIONS = "/api/v1/deletions"
RITA = user_token("radiologist", subject="rita")
MAX = user_token("manager", subject="max")


class Purging:
    """An archive that counts what it is told to delete, and may fail at it."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.fails: BaseException | None = None

    def delete_study(self, study_instance_uid: str, hold: Callable[[], None]) -> int:
        hold()
        self.deleted.append(study_instance_uid)
        if self.fails is not None:
            raise self.fails
        return 1


def stored(api: Api, accession: str = "ACC-1", mrn: str = "MRN-1") -> str:
    order = api.place_order(accession, mrn)
    uid: str = api.upload(small(), headers={"X-Order-Id": order["id"]}).json["studies"][0]["study_instance_uid"]
    return uid


def ask(api: Api, uid: str, token: str = RITA, reason: str = "wrong patient") -> Any:
    return api.call("DELETE", f"{STUDIES}/{uid}", token=token, headers={"X-Reason": reason})


def requested(api: Api, uid: str) -> str:
    answer = ask(api, uid)
    assert answer.status_code == 202, answer.json
    return str(answer.json["id"])


def decide(api: Api, deletion: str, verb: str, token: str = MAX, **options: Any) -> Any:
    return api.call("POST", f"{DELETIONS}/{deletion}/{verb}", token=token, **options)


def approved(api: Api, uid: str) -> str:
    deletion = requested(api, uid)
    assert decide(api, deletion, "approve").status_code == 200
    return deletion


def is_shown(api: Api, uid: str) -> bool:
    found = api.get(f"{STUDIES}/{uid}", "nurse").status_code == 200
    listed = [s["study_instance_uid"] for s in api.get(STUDIES, "nurse").json["items"]]
    link = api.get(f"/api/v1/dicom/viewer-url/{uid}", "doctor").status_code == 200
    assert (uid in listed) == found == link
    latest = api.get(f"{DELETIONS}?study_instance_uid={uid}", "manager").json["items"][:1]
    is_purged = [item["status"] for item in latest] == ["purged"]
    assert (uid in api.services.hidden) == (not found and not is_purged)
    return found


def status(api: Api, deletion: str) -> str:
    items = api.get(DELETIONS, "manager").json["items"]
    return str(next(item["status"] for item in items if item["id"] == deletion))


def grace_is_over(api: Api) -> None:
    """As if a week had passed."""
    with api.services.database.write() as session:
        for request in session.scalars(select(DeletionRequest).where(DeletionRequest.purge_after.is_not(None))):
            assert request.purge_after is not None
            request.purge_after -= timedelta(days=8)


def purged(api: Api, uid: str) -> None:
    approved(api, uid)
    grace_is_over(api)
    assert api.services.purge.run(Purging()) == 1


def sent_again(api: Api, uid: str, **said: Any) -> dict[str, Any]:
    """A modality sends a file of the study; the request that the bridge opens for it is refused, so it is shown."""
    modality_sends(api, small(StudyInstanceUID=uid, **said))
    (request,) = api.get(f"{DELETIONS}?status=pending", "manager").json["items"]
    assert decide(api, request["id"], "reject").status_code == 200
    shown: dict[str, Any] = api.get(f"{STUDIES}/{uid}", "nurse").json
    return shown


def actions(api: Api, uid: str) -> list[str]:
    events = api.get(f"/api/v1/audit?study_instance_uid={uid}", "admin").json["items"]
    return [e["action"] for e in reversed(events) if e["action"].startswith(("deletion.", "study.h"))]


def modality_sends(api: Api, data: bytes) -> None:
    """As Orthanc's callbacks do for a C-STORE."""
    delivery = Delivery(None, Door.C_STORE, "modality", Origin("ae:CT1"))
    judged, _ = api.services.intake.coerce(api.services.intake.judge(data, delivery))
    header = judged.header
    levels = ["x", header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid]
    stored = Stored(orthanc_id(*levels), orthanc_id(*levels[:2]), False)
    api.services.recorder.record(AtDoor(judged, stored))
    api.services.recorder.settle()
