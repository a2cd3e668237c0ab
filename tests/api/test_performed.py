"""What modalities report of their work: orders follow it, and their images are counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydicom.uid import generate_uid

from ehr_bridge.dicom.mpps import MOST_IMAGES, TooMuch, read_performed
from ehr_bridge.services.interfaces.performed_listing import PerformedFilters, PerformedListing
from ehr_bridge.services.interfaces.performed_values import Fault, RefusedStep
from tests.api.conftest import Api
from tests.api.link_steps import order, put_order
from tests.api.performed_steps import (
    LATER,
    MR1,
    STEPS,
    actions,
    attention,
    change,
    create,
    place,
    quiet,
    request,
    send,
    shown,
    status,
)
from tests.support.mpps import begun, data, ended


def listing_after(api: Api, later: timedelta) -> PerformedListing:
    """The list as it will be so much later."""
    return PerformedListing(api.services.database, lambda: datetime.now(UTC) + later)


def test_an_order_goes_on_and_ends_as_the_modality_says(api: Api) -> None:
    """All of it is audited, with the modality as the actor; what is said twice is on record once."""
    place(api, "ACC-1")
    uid = create(api, request(api, "ACC-1"))
    assert status(api) == "in_progress"
    change(api, uid, "IN PROGRESS")
    change(api, uid, "IN PROGRESS")
    change(api, uid)
    assert status(api) == "completed"
    seen = shown(api, uid)
    assert (seen["status"], seen["ae_title"], seen["is_waiting"]) == ("completed", "MR1", False)
    assert [one["accession_number"] for one in seen["orders"]] == ["ACC-1"]
    assert (seen["started_at"], seen["ended_at"]) == ("2026-01-15T10:15:00.000Z", "2026-01-15T10:30:00.000Z")
    assert actions(api, "performed_step") == [f"performed_step.{word}" for word in ("created", "changed", "completed")]
    assert actions(api, "order.performed") == ["order.performed"] * 2
    (last, *_) = api.get("/api/v1/audit?action=order.performed", "admin").json["items"]
    assert (last["actor"], last["address"]) == ("ae:MR1", "127.0.0.1")
    assert last["detail"] == {"before": "in_progress", "after": "completed", "by": "mpps"}


def test_a_discontinued_order_is_given_back(api: Api) -> None:
    """As it was before: its patient has arrived, or not. The next attempt begins and ends it."""
    place(api, "ACC-1", "ACC-2")
    api.call("POST", "/api/v1/orders/ACC-2/arrival", "technician")
    for number, waits in (("ACC-1", "scheduled"), ("ACC-2", "arrived")):
        uid = create(api, request(api, number))
        change(api, uid, "DISCONTINUED", PerformedProcedureStepDiscontinuationReasonCodeSequence=[
            data(CodeValue="110513", CodingSchemeDesignator="DCM", CodeMeaning="Discontinued for unspecified reason")
        ])  # fmt: skip
        assert status(api, number) == waits
        assert shown(api, uid)["discontinuation_reason"] == "Discontinued for unspecified reason"
        again = create(api, request(api, number))
        assert status(api, number) == "in_progress"
        change(api, again)
        assert status(api, number) == "completed"


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (begun(status="COMPLETED"), Fault.INVALID_VALUE),
        (begun(status="BEGUN"), Fault.INVALID_VALUE),
        (begun(status=None), Fault.ATTRIBUTE_MISSING),
        (begun(status=""), Fault.VALUE_MISSING),
    ],
)
def test_a_step_begins_in_progress(api: Api, said: Any, fault: Fault) -> None:
    with pytest.raises(RefusedStep) as refused:
        api.services.performed.create(None, read_performed(said), "MR1", MR1)
    assert refused.value.fault == fault
    assert api.get(STEPS, "doctor").json["total"] == 0


def test_what_exists_is_unknown_or_has_ended_is_refused_and_stays_as_it_is(api: Api) -> None:
    place(api, "ACC-1")
    uid = create(api, request(api, "ACC-1"), uid="1.2.3.4")
    wrongs: list[tuple[Fault, Callable[[], object]]] = [
        (Fault.EXISTS, lambda: create(api, uid=uid)),
        (Fault.INVALID_UID, lambda: create(api, uid="1.2.x")),
        (Fault.UNKNOWN, lambda: change(api, "1.2.3.5")),
        (Fault.INVALID_VALUE, lambda: change(api, uid, "DONE")),
    ]
    for fault, wrong in wrongs:
        with pytest.raises(RefusedStep) as refused:
            wrong()
        assert refused.value.fault == fault
    change(api, uid, "DISCONTINUED")
    before = shown(api, uid)
    for said in ("COMPLETED", "IN PROGRESS", "DISCONTINUED"):
        with pytest.raises(RefusedStep) as refused:
            change(api, uid, said)
        assert refused.value.fault == Fault.ENDED
    assert shown(api, uid) == before
    assert status(api) == "scheduled"


def test_more_than_any_examination_has_is_refused() -> None:
    with pytest.raises(TooMuch):
        read_performed(ended(images={"1.2": [f"1.2.{number}" for number in range(MOST_IMAGES + 1)]}))


def test_while_a_modality_is_at_it_silence_completes_nothing(api: Api) -> None:
    """And when it has ended the order, images that come later move it back no more."""
    place(api, "ACC-1")
    told = request(api, "ACC-1")
    uid = create(api, told)
    send(api, told["StudyInstanceUID"], "ACC-1")
    assert (quiet(api), status(api)) == (0, "in_progress")
    change(api, uid)
    send(api, told["StudyInstanceUID"], "ACC-1")
    assert (quiet(api), status(api)) == (0, "completed")


def test_images_that_come_after_the_end_leave_the_order_ended(api: Api) -> None:
    place(api, "ACC-1")
    told = request(api, "ACC-1")
    change(api, create(api, told))
    send(api, told["StudyInstanceUID"], "ACC-1")
    assert (order(api, "ACC-1")["number_of_images"], status(api)) == (1, "completed")


def test_the_images_of_the_modality_are_counted_until_all_are_here(api: Api) -> None:
    """It says three, and two are here: that stands on the step, and after a while in System."""
    place(api, "ACC-1")
    told = request(api, "ACC-1")
    uid, study_uid = create(api, told), told["StudyInstanceUID"]
    here = [send(api, study_uid, "ACC-1") for _ in range(2)]
    late = generate_uid()
    change(api, uid, images={"1.2.9": [here[0], late], "1.2.10": here[1:]})
    seen = shown(api, uid)
    counts = ("number_of_series", "number_of_images", "number_here", "is_waiting")
    assert [seen[name] for name in counts] == [2, 3, 2, True]
    assert "images_missing" not in attention(api)
    listing = listing_after(api, LATER)
    assert listing.waiting() == (0, 1, 0)
    assert [one["sop_instance_uid"] for one in api.get(f"{STEPS}?waiting=true", "doctor").json["items"]] == [uid]
    assert api.services.performed.look() == 0
    send(api, study_uid, "ACC-1", SOPInstanceUID=late)
    assert (api.services.performed.look(), api.services.performed.look()) == (1, 0)
    assert [shown(api, uid)[name] for name in counts] == [2, 3, 3, False]
    assert listing.waiting() == (0, 0, 0)
    assert [one["number_of_images"] for one in shown(api, uid)["series"]] == [2, 1]


def test_the_same_said_again_leaves_what_was_counted(api: Api) -> None:
    place(api, "ACC-1")
    told = request(api, "ACC-1")
    uid = create(api, told)
    images = {"1.2.9": [send(api, told["StudyInstanceUID"], "ACC-1"), generate_uid()]}
    for _ in range(2):
        change(api, uid, "IN PROGRESS", images=images)
    assert shown(api, uid)["number_here"] == 1


def test_system_says_what_has_waited_for_a_while(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    place(api, "ACC-1")
    change(api, create(api, request(api, "ACC-1")), images={"1.2.9": ["1.2.9.1"]})
    create(api)
    monkeypatch.setattr("ehr_bridge.services.interfaces.performed_listing.PATIENCE", timedelta(seconds=-1))
    found = attention(api)
    assert (found["images_missing"], found["steps_without_order"]) == (1, 1)


def test_a_modality_that_never_ends_is_noticed_after_a_day(api: Api) -> None:
    """Silence completes nothing meanwhile, so its order would hang."""
    place(api, "ACC-1")
    create(api, request(api, "ACC-1"))
    for later, waiting in ((timedelta(hours=23), 0), (timedelta(hours=25), 1)):
        listing = listing_after(api, later)
        assert listing.waiting() == (0, 0, waiting)
        assert listing.search(PerformedFilters(is_waiting=True), 10, 0).total == waiting


def test_a_person_says_that_nothing_more_will_come(api: Api) -> None:
    """Missing images, or a modality that was switched off in the middle; once, with a reason, on record."""
    place(api, "ACC-1", "ACC-2")
    missing = create(api, request(api, "ACC-1"))
    change(api, missing, images={"1.2.9": ["1.2.9.1"]})
    open_ended = create(api, request(api, "ACC-2"))
    for uid in (missing, open_ended):
        path = f"{STEPS}/{uid}/close"
        assert api.call("POST", path, "doctor", json={"reason": "Gone"}).status_code == 403
        assert api.call("POST", path, "technician", json={}).status_code == 422
        closed = api.call("POST", path, "technician", json={"reason": "The scanner was replaced"})
        assert (closed.status_code, closed.json["closed_by"], closed.json["is_waiting"]) == (200, "technician", False)
        again = api.call("POST", path, "technician", json={"reason": "Gone"})
        assert (again.status_code, again.json["code"]) == (409, "performed_step_settled")
    assert (status(api, "ACC-1"), status(api, "ACC-2")) == ("completed", "scheduled")
    assert actions(api, "performed_step.closed") == ["performed_step.closed"] * 2
    change(api, open_ended)  # it was switched on again
    assert (status(api, "ACC-2"), shown(api, open_ended)["closed_by"]) == ("completed", None)
    unknown = api.call("POST", f"{STEPS}/1.2.3/close", "technician", json={"reason": "Gone"})
    assert (unknown.status_code, unknown.json["code"]) == (404, "performed_step_not_found")


def test_an_order_of_two_steps_is_completed_when_both_are(api: Api) -> None:
    further = [{"scheduled_procedure_step_id": "S-2", "modality": "US"}]
    place(api, "ACC-1", scheduled_procedure_step_id="S-1", further_steps=further)
    told = request(api, "ACC-1")
    change(api, create(api, told))
    assert status(api) == "in_progress"
    change(api, create(api, told | {"ScheduledProcedureStepID": "S-2"}, Modality="US"))
    assert status(api) == "completed"


@pytest.mark.parametrize("said", ["cancelled", "reported"])
def test_what_others_have_said_of_an_order_stays(api: Api, said: str) -> None:
    """A cancelled order is not done because a modality does it; the step is on record with it."""
    place(api, "ACC-1")
    told = request(api, "ACC-1")
    if said == "cancelled":
        assert api.call("POST", "/api/v1/orders/ACC-1/cancel", "service").status_code == 200
    else:
        put_order(api, "ACC-1", status="reported")
    uid = create(api, told)
    change(api, uid)
    assert status(api) == said
