"""What the list of changes tells of images that were stored while nobody could write them down."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.uid import generate_uid

from plugin.catchup import CatchUp
from tests.api.conftest import Api
from tests.support.archive import FakeArchive
from tests.support.samples import small


class Changes(FakeArchive):
    """An archive with Orthanc's list of changes."""

    def changes(self, since: int, limit: int) -> dict[str, Any]:
        page = [
            {"Seq": number, "ChangeType": "NewInstance", "ID": key}
            for number, key in enumerate(self.instances, 1)
            if since < number <= since + limit
        ]
        return {"Changes": page, "Done": True, "Last": len(self.instances)}


@pytest.mark.parametrize(
    ("said", "status"),
    [({"PatientID": "MRN-1", "PatientName": "LINDQVIST^ASA"}, "linked"), ({"PatientID": ""}, "ambiguous")],
    ids=["as the study, spelled otherwise", "under another number"],
)
def test_an_image_of_a_linked_study_that_nobody_coerced(api: Api, said: dict[str, str], status: str) -> None:
    """Recorded once either way; one that Orthanc files under another number than its study goes to a person."""
    placed, uid = api.place_order(), generate_uid()
    values = {"StudyInstanceUID": uid, "AccessionNumber": "ACC-1", "PatientBirthDate": "19610314"}
    first = small(**values | {"PatientName": "LINDQVIST^ASA"} | said)
    assert api.upload(first, headers={"X-Order-Id": placed["id"]}).status_code == 201
    archive = Changes()
    archive.store(small(**values | {"PatientName": "LINDQVIST^ASA"} | said))
    services = api.services
    catch_up = CatchUp(services.database, archive, services.intake, services.recorder)  # type: ignore[arg-type]
    assert [catch_up.run() for _ in range(3)] == [0, 1, 0]
    seen = api.get(f"/api/v1/dicom/studies/{uid}", "doctor").json
    assert (seen["number_of_instances"], seen["link_status"]) == (2, status)
