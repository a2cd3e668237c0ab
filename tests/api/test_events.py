"""The feed: what happened, in order, told by whoever did it, to whoever may hear it."""

from __future__ import annotations

import os
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid

from ehr_bridge.services.changes.feed import KEPT, Feed
from ehr_bridge.services.deletion.purge import Purge
from tests.api.conftest import Api
from tests.api.deletion_steps import DELETIONS, MAX, Purging, ask
from tests.api.feed_steps import EVENTS, Mirror, let_receptions_settle, poll, types
from tests.api.identity_steps import linked, merge, take_back
from tests.api.link_steps import put_order
from tests.api.privacy_steps import restrict
from tests.api.tag_steps import jobs
from tests.api.walk_steps import Walk
from tests.support.samples import small

WALKS = int(os.environ.get("RANDOM_WALKS", "4"))


def test_a_story_from_order_to_images(api: Api) -> None:
    """One event for each fact, however many images there are; what changes nothing tells nothing."""
    assert poll(api) == ([], 0)
    placed = api.place_order()
    api.place_order()
    put_order(api, "ACC-1", "MRN-1", description="MR spine")
    api.call("POST", "/api/v1/orders/ACC-1/arrival", "technician")
    uid = linked(api, 5)
    let_receptions_settle(api)
    items, following = poll(api)
    assert types(items) == [
        "patient.created", "order.created", "order.changed", "order.status", "order.status", "study.linked",
        "study.available",
    ]  # fmt: skip
    assert [item["seq"] for item in items] == [*range(1, following + 1)]
    whose = {"patient_id": placed["patient_id"], "order_id": placed["id"]}
    nothing = {"into_patient_id": None, "report_id": None, "version": None}
    assert items[-1]["data"] == {**whose, "study_instance_uid": uid, **nothing}
    assert len({uuid.UUID(item["id"]) for item in items}) == len(items)
    assert poll(api, following) == ([], following)


def test_more_images_later_are_told_once_more(api: Api) -> None:
    """When their reception has settled again, and not at each image."""
    api.place_order()
    uid = linked(api, 2)
    assert (let_receptions_settle(api), let_receptions_settle(api)) == (1, 0)
    _, seq = poll(api)
    for _ in range(3):
        api.upload(small(StudyInstanceUID=uid), headers={"X-Order-Id": "ACC-1"})
    api.services.recorder.settle()
    assert poll(api, seq)[0] == []
    let_receptions_settle(api)
    assert types(poll(api, seq)[0]) == ["study.available"]


def test_a_study_of_nobody_is_told_when_it_is_there(api: Api) -> None:
    """Without patient and order."""
    uid = generate_uid()
    api.upload(small(StudyInstanceUID=uid, PatientID="X", AccessionNumber=""))
    assert poll(api)[0] == []
    let_receptions_settle(api)
    (item,) = poll(api)[0]
    assert (types([item]), item["data"]["study_instance_uid"]) == (["study.available"], uid)
    assert item["data"]["patient_id"] is item["data"]["order_id"] is None


def test_a_merge_and_its_undoing(api: Api, tmp_path: Path) -> None:
    """Orders and links move, and move back; each is told with whose it was and whose it is."""
    first, second = api.place_order(), api.place_order("ACC-2", "MRN-2", family_name="Berg")
    uid = linked(api)
    seq = poll(api)[1]
    change = merge(api, "MRN-1", "MRN-2")
    items, seq = poll(api, seq)
    assert types(items) == ["patient.merged", "order.changed", "study.unlinked", "study.linked"]
    assert items[0]["data"]["into_patient_id"] == second["patient_id"]
    assert [item["data"]["patient_id"] for item in items[1:]] == [
        second["patient_id"], first["patient_id"], second["patient_id"],
    ]  # fmt: skip
    while jobs(api, tmp_path).run():
        pass
    seq = poll(api, seq)[1]
    take_back(api, change["id"])
    items, _ = poll(api, seq)
    assert types(items) == ["patient.changed", "order.changed", "study.unlinked", "study.linked"]
    assert items[-1]["data"]["patient_id"] == first["patient_id"]
    assert items[-1]["data"]["study_instance_uid"] == uid


def test_a_deletion_is_told_when_the_study_vanishes_and_when_it_is_back(api: Api) -> None:
    """The request hides it; the purge changes nothing more that could be seen."""
    placed = api.place_order()
    uid = linked(api)
    let_receptions_settle(api)
    seq = poll(api)[1]
    request = ask(api, uid).json["id"]
    items, seq = poll(api, seq)
    assert types(items) == ["study.deleted"]
    assert items[0]["data"]["order_id"] == placed["id"]
    api.call("POST", f"{DELETIONS}/{request}/reject", token=MAX, json={"reason": "right"})
    items, seq = poll(api, seq)
    assert types(items) == ["study.linked", "study.available"]
    request = ask(api, uid).json["id"]
    api.call("POST", f"{DELETIONS}/{request}/approve", token=MAX)
    seq = poll(api, seq)[1]
    services = api.services
    later = lambda: services.clock() + timedelta(days=400)  # noqa: E731
    assert Purge(services.database, services.hidden, services.thumbnails, later, lambda: "node").run(Purging()) == 1
    assert [kind for kind in types(poll(api, seq)[0]) if kind.startswith("study")] == []


def test_the_feed_tells_ids_only(api: Api) -> None:
    """No number or name that the EHR or a modality gave."""
    api.place_order("ACC-77", "MRN-77")
    api.upload(small(StudyInstanceUID=generate_uid(), PatientName="SECRET^NAME"), headers={"X-Order-Id": "ACC-77"})
    text = api.get(EVENTS, "service").text
    for value in ("ACC-77", "MRN-77", "Lindqvist", "SECRET", "SCAN", "MR brain"):
        assert value not in text


def test_restricted_patients_are_left_out_for_all_but_machines(api: Api) -> None:
    """Whatever the event says of them, also what happened before; `next` still goes on."""
    api.place_order()
    uid = generate_uid()
    api.upload(small(StudyInstanceUID=uid, PatientID="X", AccessionNumber=""))
    let_receptions_settle(api)  # told while it was nobody's
    api.place_order("ACC-2", "MRN-2", family_name="Berg")
    secret = linked(api)
    restrict(api, "MRN-1", "rita")
    everything, following = poll(api)
    heard, again = poll(api, role="doctor")
    assert again == following
    assert secret in str(everything) and secret not in str(heard)
    assert uid in str(heard), "it is nobody's"
    assert types(heard) == ["study.available", "patient.created", "order.created"]
    assert poll(api, limit=2, role="doctor")[1] == heard[1]["seq"]


def test_what_is_no_longer_kept_says_so(api: Api) -> None:
    """410 for a number before it; 0 is never too old; the newest number survives, so that numbers go on."""
    api.place_order()
    services = api.services
    assert Feed(services.database, services.clock).forget_old() == 0
    assert Feed(services.database, lambda: services.clock() + KEPT + timedelta(days=1)).forget_old() == 1
    assert types(poll(api)[0]) == ["order.created"]
    put_order(api, "ACC-1", "MRN-1", description="other")
    put_order(api, "ACC-1", "MRN-1", description="again")
    assert Feed(services.database, lambda: services.clock() + KEPT + timedelta(days=1)).forget_old() == 2
    assert poll(api, 3)[0] == poll(api, 0)[0] != []
    for gone in (1, 2, 5):
        answer = api.get(f"{EVENTS}?after={gone}", "service")
        assert (answer.status_code, answer.json["code"]) == (410, "events_gone"), gone
        assert "after=0" in answer.json["detail"]


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=1001", "since=1"])
def test_questions_that_make_no_sense(api: Api, query: str) -> None:
    assert api.get(f"{EVENTS}?{query}", "service").status_code == 422


class Followed(Walk):
    """A walk during which another system starts to keep in step, again and again."""

    def __init__(self, api: Api, folder: Path, seed: int) -> None:
        self.mirrors: list[Mirror] = []
        super().__init__(api, folder, seed)

    def uid(self) -> str:
        if self.chance.random() < 0.2:
            self.mirrors.append(Mirror(self.api))
        return super().uid()


@pytest.mark.parametrize("seed", range(40, 40 + WALKS))
def test_the_feed_replayed_from_any_point_rebuilds_what_is_true(api: Api, tmp_path: Path, seed: int) -> None:
    """People, the EHR, modalities and jobs do whatever comes to their mind."""
    walk = Followed(api, tmp_path, seed + int(os.environ.get("RANDOM_SEED", "0")))
    walk.mirrors.append(Mirror(api))
    walk.run()
    uid = walk.chance.choice(walk.uids)
    request: Any = ask(api, uid)
    if request.status_code == 202 and walk.chance.random() < 0.5:
        api.call("POST", f"{DELETIONS}/{request.json['id']}/reject", token=MAX, json={"reason": "right"})
    let_receptions_settle(api)
    for mirror in walk.mirrors:
        mirror.follow(limit=walk.chance.choice((1, 7, 1000)))
        assert mirror.difference() == {}, "\n".join(walk.done)
