"""Plays an EHR that opens the images of an order (IHE Invoke Image Display, RAD-106)."""

from __future__ import annotations

from collections.abc import Callable

from plugin.selftest.outcomes import Failed, Report
from plugin.selftest.stage import Placed, Stage

DOOR = "HTTP"


class ImageDisplay:
    def __init__(self, stage: Stage, report: Report) -> None:
        self._stage = stage
        self._report = report

    def open(self, placed: Placed, study_of: Callable[[Placed], str], images: int) -> None:
        """Open the page, and with a viewer token what it opens: the viewer and the metadata of the study."""

        def act() -> None:
            study_instance_uid = study_of(placed)
            query = {"requestType": "STUDY", "accessionNumber": placed.accession_number}
            page = self._stage.ask("GET", "/ehr/launch", "doctor", params=query)
            if "text/html" not in page.headers.get("Content-Type", ""):
                raise Failed("a page (text/html)", page.headers.get("Content-Type"))
            body = {"order_id": placed.accession_number, "operations": ["view"], "ttl_seconds": 60}
            minted = self._stage.ask("POST", "/api/v1/dicom/viewer-token", "doctor", 201, json=body).json()
            try:
                self._look(minted["token"], study_instance_uid, placed.mrn, images)
            finally:
                self._stage.ask("DELETE", f"/api/v1/dicom/viewer-token/{minted['token_id']}", "doctor", 204)

        self._report.play("RAD-106", DOOR, "images displayed for the order (IID)", act)

    def _look(self, token: str, study_instance_uid: str, mrn: str, images: int) -> None:
        bearer = {"Authorization": f"Bearer {token}"}
        self._stage.ask("GET", f"{self._stage.settings.ohif_viewer_url}/", "doctor", headers=bearer)
        path = f"/dicom-web/studies/{study_instance_uid}/metadata"
        said = self._stage.ask("GET", path, "doctor", headers=bearer).json()
        numbers = [one["00100020"]["Value"][0] for one in said]
        if numbers != [mrn] * images:
            raise Failed(f"{images} images of {mrn}", numbers)
