"""A link as JSON beside the jobs that set it; what an installation of 0.1 wrote is read."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from ehr_bridge.db.links import Link
from ehr_bridge.db.states import LinkStatus

PATIENT, ORDER, FACT = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
OLDEST: dict[str, Any] = {
    "patient_id": PATIENT, "order_id": ORDER, "link_status": "linked", "link_id": None, "orthanc_study_id": None,
    "match_kind": "exact", "match_score": 1.0, "match_evidence": [{"field": "PatientID"}], "match_patient_id": PATIENT,
    "match_order_id": None, "orders": {},
}  # fmt: skip
"""As 0.1 wrote the link that a job was to set."""


def test_a_link_of_the_first_version_is_read() -> None:
    link = Link.from_json(OLDEST)
    assert (link.patient_id, link.order_id, link.link_id) == (uuid.UUID(PATIENT), uuid.UUID(ORDER), None)
    assert (link.link_status, link.is_contradicted, link.made_here) == (LinkStatus.LINKED, False, False)


@pytest.mark.parametrize(("status", "is_contradicted"), [("ambiguous", True), ("unlinked", False)])
def test_an_ambiguous_link_of_the_first_version_says_two_people(status: str, is_contradicted: bool) -> None:
    """It could be ambiguous for no other reason."""
    assert Link.from_json(OLDEST | {"link_status": status}).is_contradicted is is_contradicted


def test_a_link_comes_back_as_it_was_written_under_the_same_names() -> None:
    link = Link.from_json(
        OLDEST
        | {
            "is_contradicted": False,
            "withheld_by_id": FACT,
            "link_id": FACT,
            "orthanc_study_id": "abc",
            "made_here": True,
        }
        | {"link_status": "ambiguous", "is_contradicted": False, "orders": {ORDER: {"status": "arrived"}}}
    )
    written = json.loads(json.dumps(link.to_json()))
    assert Link.from_json(written) == link
    assert OLDEST.keys() <= written.keys()
    assert (link.link_status, link.is_contradicted, link.made_here) == (LinkStatus.AMBIGUOUS, False, True)
