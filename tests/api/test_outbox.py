"""The outbox forgets nothing: each event reaches each destination, in order, whatever happens in between; on both
databases."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from ehr_bridge.db.tables.registry import Order
from ehr_bridge.errors import NotFound
from ehr_bridge.services.delivery.deliveries import DeliveryFilters
from ehr_bridge.services.delivery.outcomes import LONGEST_PAUSE, Kind, Outcome
from ehr_bridge.services.delivery.queue import LEASE, Waiting
from ehr_bridge.services.delivery.sender import IDLE
from plugin.sending import fhir, hl7, webhooks
from plugin.sending.connections import CONNECT_SECONDS
from tests.api.conftest import Api, facts
from tests.api.outbox_steps import AWAY, GONE, HL7, REFUSED, SENT, World, deliveries, order, put, states
from tests.api.privacy_steps import restrict


@pytest.fixture
def world(api: Api) -> World:
    assert put(api).status_code == 201
    return World(api)


def test_an_event_is_sent_to_who_wants_to_hear_of_it(world: World) -> None:
    """An order is placed and cancelled: the EHR hears both, in this order, by ids alone."""
    api = world.api
    first = order(api, 1)
    api.call("POST", "/api/v1/orders/ACC-1/cancel", "service")
    assert world.sender().round() == 0.0
    events = [json.loads(content) for _, content in world.got]
    assert [one["type"] for one in events] == ["org.ehr-bridge.order.created", "org.ehr-bridge.order.cancelled"]
    feed = {one["id"]: one for one in api.get("/api/v1/events", "service").json["items"]}
    for one in events:
        assert feed[one["id"]]["time"] == one["time"]
        assert one["data"] == {key: value for key, value in feed[one["id"]]["data"].items() if value is not None}
        assert one["data"]["order_id"] == first
    assert "ACC-1" not in str(world.got) and "MRN-1" not in str(world.got) and "Lindqvist" not in str(world.got)
    assert states(api) == ["sent", "sent"]
    assert [one["order_status"] for one in (shown(api, d["id"]) for d in deliveries(api))] == [
        "scheduled",
        "cancelled",
    ]
    assert world.sender().round() == IDLE


def test_a_transaction_that_fails_tells_nobody(world: World) -> None:
    database = world.api.services.database
    with pytest.raises(NotFound), database.together():
        order(world.api, 1)
        raise NotFound("order_not_found", "as if")
    assert deliveries(world.api) == []


def test_an_ehr_that_is_away_for_two_days_gets_everything_in_order(world: World) -> None:
    """No attempt is counted, it is tried at least every 30 seconds, and nothing overtakes."""
    api = world.api
    for number in range(5):
        order(api, number)
    world.answer = lambda _waiting: AWAY
    tried = 0
    end = world.now + timedelta(days=2)
    while world.now < end:
        sender = world.sender()
        before = state(api)["last_error_at"]
        sender.round()
        tried += state(api)["last_error_at"] != before
        world.later(minutes=20)
    assert tried == 144
    found = state(api)
    assert (found["waiting"], found["parked"], found["stopped_at"]) == (5, 0, None)
    assert found["failing_since"] and found["last_error"] == "connection refused"
    assert {one["attempts"] for one in deliveries(api)} == {0}
    assert len(shown(api, deliveries(api)[0]["id"])["tries"]) == 20
    order(api, 5)
    world.answer = lambda _waiting: SENT
    world.sender().round()
    assert world.accessions == [f"ACC-{number}" for number in range(6)]
    assert len(world.got) == 6
    assert state(api)["failing_since"] is None


def test_one_that_is_away_is_asked_again_after_growing_pauses_but_within_half_a_minute(world: World) -> None:
    order(world.api, 1)
    world.answer = lambda _waiting: AWAY
    pauses = []
    for _ in range(8):
        world.sender().round()
        next_at = state(world.api)["next_at"]
        at = (datetime.fromisoformat(next_at) - world.now).total_seconds()
        pauses.append(at)
        world.now += timedelta(seconds=at + 0.01)
    assert 4.0 <= pauses[0] <= 5.0
    assert all(0.8 * LONGEST_PAUSE.total_seconds() - 0.01 <= one <= LONGEST_PAUSE.total_seconds() for one in pauses[3:])
    world.answer = lambda _waiting: Outcome(Kind.AWAY, 1, "503", timedelta(minutes=2))
    world.sender().round()
    world.later(seconds=100)
    world.answer = lambda _waiting: SENT
    world.sender().round()
    assert world.got == []  # it had asked for two minutes
    world.later(seconds=30)
    world.sender().round()
    assert len(world.got) == 1


def refuse(number: str) -> Any:
    def answer(waiting: Waiting) -> Outcome:
        return REFUSED if str(waiting.order_id) == number else SENT

    return answer


def test_what_a_webhook_refuses_three_times_is_passed_over(world: World) -> None:
    ids = [order(world.api, number) for number in range(3)]
    world.answer = refuse(ids[1])
    for _ in range(4):
        world.sender().round()
        world.later(minutes=1)
    assert states(world.api) == ["sent", "dead", "sent"]
    found = deliveries(world.api)[1]
    assert (found["attempts"], found["last_error"]) == (3, "422 no such order")
    world.answer = lambda _waiting: SENT
    again = world.api.call("POST", f"/api/v1/deliveries/{found['id']}/resend", "admin")
    assert (again.status_code, again.json["state"]) == (200, "pending")
    world.sender().round()
    assert states(world.api) == ["sent"] * 3
    assert len({key for key, _ in world.got}) == 3


def test_what_a_strict_receiver_refuses_holds_back_all_that_follows(api: Api) -> None:
    """Until somebody has dropped it, with a reason."""
    assert put(api, body=HL7 | {"kind": "webhook", "host": "", "port": "", "tls": "", "policy": "block",
               "url": "https://ris.example.org/in"}).status_code == 201  # fmt: skip
    world = World(api)
    ids = [order(api, number) for number in range(3)]
    world.answer = refuse(ids[1])
    for _ in range(5):
        world.sender().round()
        world.later(minutes=1)
    assert states(api) == ["sent", "parked", "pending"]
    assert state(api)["parked"] == 1
    assert api.services.outbox.deliveries.in_trouble() == 1
    parked = deliveries(api, state="parked")[0]["id"]
    assert api.call("POST", f"/api/v1/deliveries/{parked}/drop", "admin", json={}).status_code == 422
    body = {"reason": "The RIS has deleted this order"}
    dropped = api.call("POST", f"/api/v1/deliveries/{parked}/drop", "admin", json=body).json
    assert (dropped["state"], dropped["dropped_by"], dropped["drop_reason"]) == ("dropped", "admin", body["reason"])
    world.sender().round()
    assert states(api) == ["sent", "dropped", "sent"]
    refused = api.call("POST", f"/api/v1/deliveries/{deliveries(api)[0]['id']}/drop", "admin", json=body)
    assert (refused.status_code, refused.json["code"]) == (409, "delivery_sent")


def test_what_is_dropped_while_a_slow_receiver_answers_is_not_sent(world: World) -> None:
    """What people have decided is read again at least after a second, also in the middle of a long queue."""
    api = world.api
    for number in range(3):
        order(api, number)

    def slow(_waiting: Waiting) -> Outcome:
        if not world.got:
            path = f"/api/v1/deliveries/{deliveries(api)[1]['id']}/drop"
            assert api.call("POST", path, "admin", json={"reason": "of another patient"}).status_code == 200
        return SENT

    world.answer = slow
    while world.sender(decided_for=0.0).round() == 0.0:
        pass
    assert world.accessions == ["ACC-0", "ACC-2"]
    assert states(api) == ["sent", "dropped", "sent"]


def test_who_answers_gone_is_told_nothing_more_until_somebody_says_so(world: World) -> None:
    order(world.api, 1)
    world.answer = lambda _waiting: GONE
    world.sender().round()
    world.later(hours=1)
    world.answer = lambda _waiting: SENT
    world.sender().round()
    assert state(world.api)["stopped_because"] == "gone"
    order(world.api, 2)
    assert world.api.call("POST", "/api/v1/destinations/ehr/start", "admin").status_code == 200
    world.sender().round()
    assert states(world.api) == ["sent", "sent"]  # what happened meanwhile was kept
    actions = [one["action"] for one in world.api.get("/api/v1/audit", "admin").json["items"]]
    assert {"destination.stopped", "destination.started"} <= set(actions)


def test_a_webhook_that_fails_for_five_days_is_given_up_and_forgets_nothing(world: World) -> None:
    order(world.api, 1)
    world.answer = lambda _waiting: AWAY
    for _ in range(121):
        world.sender().round()
        world.later(hours=1)
    found = state(world.api)
    assert (found["stopped_because"], found["waiting"]) == ("failing", 1)


def test_one_node_sends_at_a_time_and_another_takes_over_when_it_dies(world: World) -> None:
    order(world.api, 1)
    first, second = world.sender("node-1"), world.sender("node-2")
    first.round()
    order(world.api, 2)
    second.round()
    assert len(world.got) == 1  # the lease is the other's
    world.later(seconds=LEASE.total_seconds() + 1)
    second.round()
    order(world.api, 3)
    first.round()
    assert len(world.got) == 2
    world.api.services.outbox.queue.release("node-2")
    first.round()
    assert world.accessions == ["ACC-1", "ACC-2", "ACC-3"]


def test_what_another_node_has_sent_is_not_sent_again_by_the_one_that_takes_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has looked at the queue, and before it has the lease the other one sends and gives the lease back."""
    order(world.api, 1)
    second = world.sender("node-2")
    lease = second._queue.lease

    def late(destination_id: uuid.UUID, holder: str) -> bool:
        world.sender("node-1").round()
        world.api.services.outbox.queue.release("node-1")
        return lease(destination_id, holder)

    monkeypatch.setattr(second._queue, "lease", late)
    second.round()
    assert (len(world.got), states(world.api)) == (1, ["sent"])


def test_an_exchange_ends_before_the_lease_does() -> None:
    """At worst: no answer on a connection that was kept, a new one, and no answer again."""
    longest = max(hl7.SECONDS, fhir.SECONDS, webhooks.SECONDS) * 2 + CONNECT_SECONDS
    assert longest < LEASE.total_seconds() / 2


def test_a_node_that_lost_its_lease_writes_nothing(world: World) -> None:
    """It was stopped in the middle, and another one has sent the same: the receiver knows the double by its id."""
    order(world.api, 1)

    def slow(_waiting: Waiting) -> Outcome:
        world.later(seconds=LEASE.total_seconds() + 1)
        world.answer = lambda _waiting: SENT
        world.sender("node-2").round()
        return REFUSED

    world.answer = slow
    world.sender("node-1").round()
    assert states(world.api) == ["sent"]
    assert len({key for key, _ in world.got}) == 1


def test_killed_between_sending_and_noting_it_sends_the_same_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        order(world.api, number)
    sender = world.sender()
    queue = sender._queue
    monkeypatch.setattr(queue, "note", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        sender.round()
    world.sender().round()
    assert world.accessions == ["ACC-0", "ACC-1", "ACC-2"]
    assert world.got[:3] == world.got[3:]


def test_nobody_but_who_speaks_for_everybody_hears_of_a_restricted_patient(api: Api) -> None:
    put(api)
    put(api, "true-ehr", body={"kind": "webhook", "url": "https://e.example.org", "is_ehr": True,
                            "events": ["order.created"]})  # fmt: skip
    api.place_order("ACC-S", "MRN-SECRET")
    order(api, 1)
    restrict(api, "MRN-SECRET", "nurse")
    webhook, ehr = World(api), World(api, "true-ehr")
    for world in (webhook, ehr):
        world.sender().round()
    assert (len(webhook.got), len(ehr.got)) == (1, 2)
    assert [one["state"] for one in deliveries(api)] == ["sent"]  # an administrator sees no more of it
    page = api.services.outbox.deliveries.search("ehr", DeliveryFilters(), 10, 0)
    assert sorted((one.state, one.drop_reason) for one in page.items) == [
        ("dropped", "restricted_patient"),
        ("sent", None),
    ]
    hidden = next(one.id for one in page.items if one.drop_reason)
    for method, path in (("GET", ""), ("POST", "/resend")):
        answer = api.call(method, f"/api/v1/deliveries/{hidden}{path}", "admin")
        assert (answer.status_code, answer.json["code"]) == (403, "patient_restricted")


def test_what_was_told_of_an_order_is_closed_when_it_becomes_a_restricted_patients(world: World) -> None:
    """The order was placed for somebody else by mistake: its former deliveries are in no list, and not by their ids."""
    api = world.api
    moved = order(api, 1)
    world.sender().round()
    (found,) = deliveries(api)
    other = order(api, 2, "MRN-SECRET")
    with api.services.database.write() as session:
        session.get_one(Order, uuid.UUID(moved)).patient_id = session.get_one(Order, uuid.UUID(other)).patient_id
    restrict(api, "MRN-SECRET", "nurse")
    assert deliveries(api) == []
    for method, path in (("GET", ""), ("POST", "/resend"), ("POST", "/drop")):
        body = {"reason": "no use"} if path == "/drop" else None
        answer = api.call(method, f"/api/v1/deliveries/{found['id']}{path}", "admin", json=body)
        assert (answer.status_code, answer.json["code"]) == (403, "patient_restricted"), answer.json


def test_a_destination_that_is_switched_off_gets_later_what_happens_meanwhile(world: World) -> None:
    put(world.api, body={"kind": "webhook", "url": "https://ehr.example.org/events", "events": ["order.created"],
                      "enabled": False})  # fmt: skip
    order(world.api, 1)
    world.sender().round()
    assert world.got == []
    put(world.api)
    world.sender().round()
    assert world.accessions == ["ACC-1"]


def test_everything_since_a_moment_is_sent_again_in_its_order(world: World) -> None:
    """The receiver was restored from a backup."""
    for number in range(3):
        order(world.api, number)
    world.sender().round()
    since = deliveries(world.api)[1]["time"]
    body = {"since": since, "states": ["sent"]}
    answer = world.api.call("POST", "/api/v1/destinations/ehr/resend", "admin", json=body)
    assert answer.json == {"count": 2}
    world.sender().round()
    assert world.got[3:] == world.got[1:3]
    (event,) = [
        one for one in world.api.get("/api/v1/audit", "admin").json["items"] if one["action"] == "delivery.resent"
    ]
    assert facts(event["detail"])["count"] == 2


def test_what_was_sent_is_forgotten_after_90_days_and_what_was_not_is_kept(world: World) -> None:
    ids = [order(world.api, number) for number in range(2)]
    world.answer = refuse(ids[1])
    for _ in range(4):
        world.sender().round()
        world.later(minutes=1)
    world.later(days=91)
    assert world.sender()._queue.forget_old() == 1
    assert states(world.api) == ["dead"]


def shown(api: Api, delivery_id: int) -> dict[str, Any]:
    return dict(api.get(f"/api/v1/deliveries/{delivery_id}", "admin").json)


def state(api: Api, name: str = "ehr") -> dict[str, Any]:
    items = api.get("/api/v1/delivery-queues", "admin").json["items"]
    return next(dict(one) for one in items if one["name"] == name)
