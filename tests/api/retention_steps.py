"""Steps of retention for tests of the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from ehr_bridge.db.tables.studies import Study
from tests.api.conftest import Api
from tests.support.samples import small


def came(api: Api, uid: str, when: datetime = datetime(2020, 1, 1, tzinfo=UTC)) -> None:
    """It is here since then."""
    with api.services.database.write() as session:
        session.scalars(select(Study).where(Study.study_instance_uid == uid)).one().created_at = when


def old(api: Api, number: int, day: str = "20160101", **patient: Any) -> str:
    """A study of a patient of their own, which came here years ago; its UID."""
    order = api.place_order(f"ACC-{number}", f"MRN-{number}", **patient)
    answer = api.upload(small(StudyDate=day), headers={"X-Order-Id": order["id"]})
    assert answer.status_code == 201, answer.json
    api.services.recorder.flush()
    uid = str(answer.json["studies"][0]["study_instance_uid"])
    came(api, uid)
    return uid
