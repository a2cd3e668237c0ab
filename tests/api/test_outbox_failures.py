"""One delivery that a receiver always fails at is told from a receiver that is down; on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from ehr_bridge.services.delivery.outcomes import Outcome
from ehr_bridge.services.delivery.queue import Waiting
from tests.api.conftest import Api
from tests.api.outbox_steps import AWAY, FAILED, HL7, REFUSED, SENT, WEBHOOK, World, deliveries, order, put, states


def failing(world: World, *numbers: str, with_: Outcome = FAILED) -> None:
    world.answer = lambda waiting: with_ if str(waiting.order_id) in numbers else SENT


def half_an_hour(world: World, minutes: int = 30) -> None:
    for _ in range(minutes):
        world.sender().round()
        world.later(minutes=1)


def queue(api: Api) -> Any:
    (found,) = api.get("/api/v1/delivery-queues", "admin").json["items"]
    return found


@pytest.mark.parametrize("bad", [(1,), (0, 1)])
def test_one_order_at_which_a_receiver_always_fails_holds_up_nobody(api: Api, bad: tuple[int, ...]) -> None:
    """It answers 500 to this one and takes all others, also where it fails at two in a row: these are passed over."""
    put(api)
    world = World(api)
    ids = [order(api, number) for number in range(4)]
    failing(world, *(ids[number] for number in bad))
    half_an_hour(world)
    assert states(api) == ["dead" if number in bad else "sent" for number in range(4)]
    found = deliveries(api)[bad[0]]
    assert (found["attempts"], found["last_error"], found["ended_at"] is None) == (0, "500 no idea", False)
    assert (queue(api)["failing_since"], queue(api)["dead"]) == (None, len(bad))
    assert world.accessions == [f"ACC-{number}" for number in range(4) if number not in bad]


@pytest.mark.parametrize("with_", [FAILED, AWAY])
def test_a_receiver_that_fails_at_everything_is_down_and_loses_nothing(api: Api, with_: Outcome) -> None:
    """For half an hour each order is answered with 500, or none is: nothing is passed over, and all comes in order."""
    put(api)
    world = World(api)
    ids = [order(api, number) for number in range(6)]
    failing(world, *ids, with_=with_)
    half_an_hour(world)
    assert states(api) == ["pending"] * 6
    assert queue(api)["fails_at"] == (deliveries(api)[0]["id"] if with_ is FAILED else None)
    failing(world)
    world.sender().round()
    assert (states(api), queue(api)["fails_at"]) == (["sent"] * 6, None)
    assert world.accessions == [f"ACC-{number}" for number in range(6)]


def test_a_receiver_that_comes_back_in_the_middle_of_a_round_loses_nothing(api: Api) -> None:
    """It was down for half an hour and is there again just behind the third order, which had not reached it either."""
    put(api)
    world = World(api)
    ids = [order(api, number) for number in range(5)]
    failing(world, *ids)
    half_an_hour(world)
    tried: list[str] = []

    def answer(waiting: Waiting) -> Outcome:
        tried.append(str(waiting.order_id))
        return FAILED if len(tried) <= 3 else SENT

    world.answer = answer
    for _ in range(2):
        world.sender().round()
    assert tried == [*ids[:4], *ids[:3], ids[4]]
    assert (states(api), queue(api)["failing_since"]) == (["sent"] * 5, None)


def test_an_order_with_many_events_at_which_a_receiver_fails_holds_up_nobody(api: Api) -> None:
    """Only another order shows that the receiver is there. What else is told of the bad one comes in order."""
    events = ["order.created", "order.changed", "order.cancelled"]
    put(api, body=HL7 | {"events": events, "policy": "skip"})
    world = World(api)
    bad = order(api, 1)
    for text in ("MR head", "MR neck", "MR chest"):
        body = {"mrn": "MRN-1", "modality": "MR", "description": text}
        assert api.call("PUT", "/api/v1/orders/ACC-1", "service", json=body).status_code == 200
    order(api, 2)
    world.answer = lambda waiting: FAILED if str(waiting.order_id) == bad and waiting.type == "order.created" else SENT
    half_an_hour(world)
    assert states(api) == ["dead", "sent", "sent", "sent", "sent"]
    ids = [str(one["event_id"]) for one in deliveries(api)]
    assert [key for key, _ in world.got] == [ids[4], *ids[1:4]]


def test_one_that_a_person_sends_again_is_no_longer_suspected(api: Api) -> None:
    """What was given up is sent again while the receiver is down for a moment: it has all its attempts before it."""
    put(api)
    world = World(api)
    ids = [order(api, number) for number in range(2)]
    failing(world, ids[0])
    half_an_hour(world)
    assert states(api) == ["dead", "sent"]
    ids.append(order(api, 2))
    assert api.call("POST", f"/api/v1/deliveries/{deliveries(api)[0]['id']}/resend", "admin").status_code == 200
    world.sender().round()
    assert states(api) == ["pending", "sent", "pending"]
    failing(world)
    world.later(minutes=1)
    world.sender().round()
    assert states(api) == ["sent"] * 3


def test_where_order_matters_nothing_overtakes_and_a_person_is_shown_which_one_it_is(api: Api) -> None:
    """A destination that is held back waits for the one it fails at; who drops it lets the others go."""
    put(api, body=WEBHOOK | {"policy": "block"})
    world = World(api)
    ids = [order(api, number) for number in range(3)]
    failing(world, ids[0])
    half_an_hour(world)
    assert (states(api), world.got) == (["pending"] * 3, [])
    assert queue(api)["failing_since"] is not None
    body = {"reason": "The RIS cannot take this one"}
    api.call("POST", f"/api/v1/deliveries/{queue(api)['fails_at']}/drop", "admin", json=body)
    world.sender().round()
    assert states(api) == ["dropped", "sent", "sent"]


def test_one_it_fails_at_and_the_next_it_refuses_are_told_apart(api: Api) -> None:
    """Who refuses something has read it, so is not down."""
    put(api)
    world = World(api)
    ids = [order(api, number) for number in range(2)]

    def answer(waiting: Waiting) -> Outcome:
        return FAILED if str(waiting.order_id) == ids[0] else REFUSED

    world.answer = answer
    half_an_hour(world)
    assert states(api) == ["dead", "dead"]
    assert [one["attempts"] for one in deliveries(api)] == [0, 3]


def test_changes_of_one_order_that_wait_are_told_once_and_nothing_else_is_left_out(api: Api) -> None:
    """The receiver was away while the orders were corrected and one was cancelled; HL7 gets each message."""
    events = ["order.created", "order.changed", "order.cancelled"]
    put(api, body=WEBHOOK | {"events": events})
    put(api, "ris", body=HL7 | {"events": events})
    for number in (1, 2):
        order(api, number)
    for text in ("MR head", "MR neck", "MR chest"):
        for number in (1, 2):
            body = {"mrn": "MRN-1", "modality": "MR", "description": text}
            assert api.call("PUT", f"/api/v1/orders/ACC-{number}", "service", json=body).status_code == 200
    api.call("POST", "/api/v1/orders/ACC-1/cancel", "service")
    World(api).sender().round()
    World(api, "ris").sender().round()
    told = [(one["type"], one["state"], one["drop_reason"]) for one in deliveries(api)]
    assert told == [
        *[("order.created", "sent", None)] * 2,
        *[("order.changed", "dropped", "joined")] * 4,
        *[("order.changed", "sent", None)] * 2,
        ("order.cancelled", "sent", None),
    ]
    assert [one["state"] for one in deliveries(api, "ris")] == ["sent"] * 9
