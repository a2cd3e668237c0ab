"""Storage commitment, on both databases: only for what is on the disk as it was stored."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pydicom.uid import CTImageStorage, MRImageStorage, generate_uid

from ehr_bridge.dicom import read_header
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.interfaces.commitment import Commitment, Commitments
from tests.api.conftest import Api
from tests.api.deletion_steps import approved
from tests.support.samples import small


def commitments(api: Api, patience: float = 0) -> Commitments:
    return Commitments(api.services.database, api.services.recorder.settle, api.services.clock, patience)


def judged(api: Api, sop: str, sop_class: str = MRImageStorage, patience: float = 0, title: str = "MR1") -> Commitment:
    def sop_class_of(instance: str) -> str | None:
        data = api.archive.instances.get(instance)
        return None if data is None else read_header(data).sop_class_uid

    return commitments(api, patience).judge(api.archive, sop_class_of, sop_class, sop, title)


def stored(api: Api, **values: Any) -> str:
    sop = generate_uid()
    assert api.upload(small(SOPInstanceUID=sop, **values)).status_code == 201
    return sop


def only_file(api: Api) -> str:
    (instance,) = api.archive.instances
    return instance


def test_a_whole_file_is_committed_to(api: Api) -> None:
    sop = stored(api)
    assert judged(api, sop) == Commitment.COMMITTED


def test_what_is_not_here_is_no_such_instance(api: Api) -> None:
    stored(api)
    assert judged(api, generate_uid()) == Commitment.NO_SUCH_INSTANCE


def test_another_class_is_a_conflict(api: Api) -> None:
    assert judged(api, stored(api), CTImageStorage) == Commitment.CLASS_CONFLICT


@pytest.mark.parametrize(
    ("harm", "answer"), [("changed", Commitment.PROCESSING_FAILURE), ("gone", Commitment.NO_SUCH_INSTANCE)]
)
def test_a_damaged_or_missing_file_is_not_committed_to_and_found_damaged(
    api: Api, harm: str, answer: Commitment
) -> None:
    sop = stored(api)
    assert judged(api, sop) == Commitment.COMMITTED
    instance = only_file(api)
    whole = api.archive.instances[instance]
    if harm == "changed":
        api.archive.instances[instance] = whole[:-1] + bytes([whole[-1] ^ 1])
    else:
        del api.archive.instances[instance]
    assert judged(api, sop) == answer
    damaged = {one["code"]: one["count"] for one in api.get("/api/v1/system", "admin").json["attention"]}
    assert damaged["files_damaged"] == 1
    api.archive.instances[instance] = whole
    assert judged(api, sop) == Commitment.COMMITTED


def test_what_is_to_be_deleted_is_promised_no_more(api: Api) -> None:
    uid = generate_uid()
    sop = stored(api, StudyInstanceUID=uid)
    approved(api, uid)
    assert judged(api, sop) == Commitment.NO_SUCH_INSTANCE


def test_while_the_archive_is_away_nothing_is_promised(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    sop = stored(api)

    def away(*_: object) -> bool:
        raise Unavailable("archive_unavailable", "away")

    monkeypatch.setattr(api.archive, "holds", away)
    assert judged(api, sop) == Commitment.PROCESSING_FAILURE


def test_an_image_that_comes_a_moment_later_is_waited_for(api: Api) -> None:
    """A modality asks right after its last image."""
    sop = generate_uid()
    arrives = threading.Timer(0.3, lambda: api.upload(small(SOPInstanceUID=sop)))
    arrives.start()
    try:
        assert judged(api, sop, patience=120) == Commitment.COMMITTED
    finally:
        arrives.join()


def test_what_was_answered_is_on_record(api: Api) -> None:
    answers = {Commitment.COMMITTED: 2, Commitment.CLASS_CONFLICT: 1, Commitment.NO_SUCH_INSTANCE: 0}
    commitments(api).note("MR1", "1.2.3", answers, Origin("ae:MR1"))
    commitments(api).note("MR1", "1.2.4", {Commitment.COMMITTED: 1}, Origin("ae:MR1"))
    whole, partly = api.get("/api/v1/audit?action=commitment.answered", "admin").json["items"]
    assert (partly["actor"], partly["outcome"], partly["detail"]) == (
        "ae:MR1",
        "partial",
        {"ae_title": "MR1", "transaction_uid": "1.2.3", "committed": 2, "class_conflict": 1},
    )
    assert (whole["outcome"], whole["detail"]["committed"]) == ("success", 1)
