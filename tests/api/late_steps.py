"""Images that came while nobody could write them down, as short steps for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.uploads.arrivals import AtDoor, Delivery, Door
from plugin.storing.catchup import CatchUp
from tests.api.conftest import Api
from tests.support.archive import FakeArchive
from tests.support.samples import small


class WithChanges:
    """The archive of a test with Orthanc's list of changes."""

    def __init__(self, archive: FakeArchive) -> None:
        self._archive = archive

    def __getattr__(self, name: str) -> Any:
        return getattr(self._archive, name)

    def changes(self, since: int, limit: int) -> dict[str, Any]:
        self.last_change()
        page = [
            {"Seq": number, "ChangeType": "NewInstance", "ID": key}
            for number, key in enumerate(self._archive.told, 1)
            if since < number <= since + limit
        ]
        return {"Changes": page, "Done": True, "Last": len(self._archive.told)}

    def last_change(self) -> int:
        told = self._archive.told
        told += [key for key in self._archive.instances if key not in told]
        return len(told)


def kept(api: Api, data: bytes, sender: str | None = "MR1") -> str:
    """An image that the archive took while our database was away; its id there."""
    stored = api.archive.store(data)
    assert not stored.is_duplicate
    if sender is not None:
        api.archive.senders[stored.orthanc_instance_id] = sender
    return stored.orthanc_instance_id


def catching_up(api: Api, monotonic: Callable[[], float] = lambda: 0.0) -> CatchUp:
    """The chore, in whose eyes no time passes unless a clock is given."""
    archive: Any = WithChanges(api.archive)
    return CatchUp(api.services.database, archive, api.services.intake, api.services.recorder, monotonic)


def catch_up(api: Api) -> int:
    """Once the database is back; answers how many images were found."""
    chore = catching_up(api)
    found = chore.run() + chore.run()
    api.services.recorder.settle()
    return found


def c_store(api: Api, data: bytes, sender: str = "MR1") -> None:
    """A modality sends an image while all is well."""
    intake, delivery = api.services.intake, Delivery(None, Door.C_STORE, "modality", Origin(f"ae:{sender}"))
    judged, data = intake.coerce(intake.judge(data, delivery), sender)
    stored = api.archive.store(data)
    api.archive.senders[stored.orthanc_instance_id] = sender
    api.services.recorder.record(AtDoor(judged, stored))


def other_patients_image(api: Api, uid: str, patient_name: str = "OTHER^NAME") -> None:
    """Past the doors, which keep it apart: stored while the database was away, or by an older version."""
    kept(api, small(StudyInstanceUID=uid, PatientID="SCAN-8", PatientName=patient_name))
    assert catch_up(api) == 1
