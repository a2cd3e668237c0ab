"""Steps of retention for tests of the API."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api
from tests.support.samples import small


def old(api: Api, number: int, day: str = "20160101", **patient: Any) -> str:
    """A study of a patient of their own; its UID."""
    order = api.place_order(f"ACC-{number}", f"MRN-{number}", **patient)
    answer = api.upload(small(StudyDate=day), headers={"X-Order-Id": order["id"]})
    assert answer.status_code == 201, answer.json
    api.services.recorder.flush()
    return str(answer.json["studies"][0]["study_instance_uid"])
