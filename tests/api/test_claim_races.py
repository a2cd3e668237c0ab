"""What the EHR changes while a study is claimed, or while its first image is on its way; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.studies import Study, StudyLink
from ehr_bridge.services.archive.storing import Stored
from tests.api.conftest import Api
from tests.api.late_steps import c_store
from tests.api.link_steps import ASA, audited, identities, one, post, put_order, put_patient, study
from tests.api.tag_steps import jobs
from tests.support.samples import small

GOOD = {
    "PatientID": "MRN-2",
    "PatientName": "LINDQVIST^ASA",
    "PatientBirthDate": "19610314",
    "AccessionNumber": "ACC-2",
}


def merge(api: Api) -> None:
    post(api, "/api/v1/patients/MRN-2/merge", {"into": "MRN-1", "reason": "the same person"}, 202, "service")


def two_records(api: Api) -> None:
    """Of one person, with an order for the second."""
    put_patient(api, status=201)
    put_patient(api, "MRN-2", 201)
    put_order(api, "ACC-2", "MRN-2")


def test_a_record_that_is_merged_in_the_moment_of_a_claim_gets_no_study(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no claim yet, and the merge comes before one is written: the survivor gets the study."""
    two_records(api)
    real, done = Database.write_relaxed, list[bool]()

    @contextmanager
    def after_the_merge(database: Database, **options: Any) -> Iterator[Session]:
        if not done:
            done.append(True)
            merge(api)
        with real(database, **options) as session:
            yield session

    uid = generate_uid()
    monkeypatch.setattr(Database, "write_relaxed", after_the_merge)
    assert api.upload(small(StudyInstanceUID=uid, **GOOD)).status_code == 201
    assert done and (study(api, uid)["mrn"], study(api, uid)["link_status"]) == ("MRN-1", "linked")
    assert {identity[0] for identity in identities(api, uid)} == {"MRN-1"}


@pytest.mark.parametrize("change", ["merge", "rename"])
def test_a_change_while_the_first_image_is_on_its_way_reaches_it(api: Api, tmp_path: Path, change: str) -> None:
    """Coerced for the former record, stored after the change: the study's job makes the file say the new one."""
    two_records(api)
    store, uid, patch = api.archive.store, generate_uid(), pytest.MonkeyPatch()

    def late(data: bytes) -> Stored:
        patch.undo()
        if change == "merge":
            merge(api)
        else:
            put_patient(api, "MRN-2", family_name="Berg")
        return store(data)

    patch.setattr(api.archive, "store", late)
    c_store(api, small(StudyInstanceUID=uid, **GOOD))
    for _ in range(2):
        jobs(api, tmp_path).run()
    who = ("MRN-1", ASA[1]) if change == "merge" else ("MRN-2", "Berg^Åsa")
    assert {identity[:2] for identity in identities(api, uid)} == {who}
    assert (study(api, uid)["mrn"], study(api, uid)["link_status"]) == (who[0], "linked")


def test_an_image_of_somebody_else_that_is_recorded_first_leaves_the_link_and_a_doubt(api: Api) -> None:
    """It is quicker than the image that made the claim. The link is a fact all the same, and the study waits for a
    person; the trail tells both in the order in which they happened."""
    two_records(api)
    store, uid, patch = api.archive.store, generate_uid(), pytest.MonkeyPatch()

    def late(data: bytes) -> Stored:
        patch.undo()
        c_store(api, small(StudyInstanceUID=uid, PatientID="OTHER", PatientName="Berg^Nils"))
        return store(data)

    patch.setattr(api.archive, "store", late)
    c_store(api, small(StudyInstanceUID=uid, **GOOD))
    assert audited(api, uid) == ["study.linked", "study.contradicted", "study.received"]
    waiting = one(api, uid)
    assert (waiting["why"], study(api, uid)["mrn"], study(api, uid)["number_of_instances"]) == (
        "contradicted",
        "MRN-2",
        2,
    )
    with api.services.database.read() as session:
        fact, row = session.scalars(select(StudyLink)).one(), session.scalars(select(Study)).one()
        assert (fact.patient_id, fact.order_id, fact.unlinked_at) == (row.patient_id, row.order_id, None)
