"""FHIR Subscriptions: who is told of orders, studies and reports by a rest-hook, ids only; on both databases."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.subscription import Subscription

from ehr_bridge.db.tables.logs import Destination
from plugin.sending.webhooks import Webhooks
from tests.api.conftest import Api
from tests.api.fhir_steps import code, fhir_of, resources, stored
from tests.api.outbox_steps import AWAY, GONE, REFUSED, SENT, World, deliveries, order, put
from tests.api.privacy_steps import restrict
from tests.support.receivers import Receiver, read_request

CHANNEL: dict[str, Any] = {
    "type": "rest-hook",
    "endpoint": "https://portal.example.org/hook",
    "payload": "application/fhir+json",
    "header": ["Authorization: Bearer of-the-portal"],
}
BODY: dict[str, Any] = {
    "resourceType": "Subscription",
    "status": "requested",
    "reason": "Tell the portal",
    "criteria": "ServiceRequest",
    "channel": CHANNEL,
}


def make(fhir: Api, role: str = "admin", channel: dict[str, Any] | None = None, **values: Any) -> Any:
    """Elements that are None are left out."""
    told = {name: value for name, value in (CHANNEL | (channel or {})).items() if value is not None}
    body = {name: value for name, value in (BODY | values).items() if value is not None}
    return fhir.call("POST", "/fhir/Subscription", role, json=body | {"channel": told})


@pytest.fixture
def fhir(api: Api) -> Api:
    return fhir_of(api)


def path(made: Any) -> str:
    return f"/fhir/Subscription/{made.json['id']}"


def world_of(api: Api) -> World:
    (name,) = [one.name for one in api.services.outbox.destinations.all()]
    return World(api, name)


def parameters(content: bytes | dict[str, Any]) -> dict[str, Any]:
    """Of the status in a notification, by their names."""
    bundle = json.loads(content) if isinstance(content, bytes) else content
    status = bundle["entry"][0]["resource"]
    return {
        one["name"]: one.get("part") or next(value for name, value in one.items() if name != "name")
        for one in status["parameter"]
    }


def focus_of(content: bytes) -> dict[str, Any]:
    parts = {one["name"]: one for one in parameters(content)["notification-event"]}
    return dict(parts["focus"]["valueReference"])


def test_it_is_asked_first_and_then_told_of_each_event_with_its_number(api: Api, fhir: Api) -> None:
    """Requested, active after the handshake; each notification is a Bundle of R4 by ids alone."""
    made = make(fhir)
    assert (made.status_code, made.json["status"]) == (201, "requested")
    assert "of-the-portal" not in made.text
    Subscription.model_validate(made.json)
    world = world_of(api)
    world.sender().round()
    assert fhir.get(path(made), "admin").json["status"] == "active"
    first = order(api, 1)
    api.call("POST", "/api/v1/orders/ACC-1/cancel", "service")
    world.sender().round()
    for _, content in world.got:
        assert Bundle.model_validate_json(content).type == "history"
    said = [parameters(content) for _, content in world.got]
    assert [one["type"] for one in said] == ["handshake", "event-notification", "event-notification"]
    assert [one["events-since-subscription-start"] for one in said] == ["0", "1", "2"]
    reference = focus_of(world.got[1][1])["reference"]
    assert reference.endswith(f"/fhir/ServiceRequest/{first}")
    assert fhir.get("/fhir/" + reference.split("/fhir/")[1], "service").json["id"] == first
    assert not any(word in str(world.got) for word in ("ACC-1", "MRN-1", "Lindqvist"))
    told = parameters(fhir.get(f"{path(made)}/$status", "admin").json)
    assert (told["status"], told["type"], told["events-since-subscription-start"]) == ("active", "query-status", "2")


def test_a_notification_is_the_same_however_often_it_is_sent(api: Api, fhir: Api) -> None:
    """The answer was lost: the second time it has the same number and the same id."""
    make(fhir)
    world = world_of(api)
    world.sender().round()
    order(api, 1)
    tried: list[tuple[str, bytes]] = []
    keep = world.send

    def send(destination: Destination, waiting: Any, content: bytes) -> Any:
        tried.append((str(waiting.event_id), content))
        return keep(destination, waiting, content)

    world.answer = lambda _waiting: AWAY
    world.send = send  # type: ignore[method-assign, assignment]
    for _ in range(3):
        world.sender().round()
        world.later(minutes=1)
    assert len(tried) == 3 and len(set(tried)) == 1
    order(api, 2)
    world.answer = lambda _waiting: SENT
    world.sender().round()
    assert [parameters(content)["events-since-subscription-start"] for _, content in world.got] == ["0", "1", "2"]


def test_what_fails_becomes_an_error_and_is_asked_for_again(api: Api, fhir: Api) -> None:
    """Nothing overtakes what was refused; who requests it again gets all of it. 410 switches it off."""
    made = make(fhir)
    world = world_of(api)
    world.sender().round()
    ids = [order(api, number) for number in (1, 2)]
    world.answer = lambda _waiting: REFUSED
    for _ in range(4):
        world.sender().round()
        world.later(minutes=1)
    now = fhir.get(path(made), "admin").json
    assert (now["status"], now["error"]) == ("error", "422 no such order")
    again = {name: value for name, value in now.items() if name not in ("error", "meta")} | {"status": "requested"}
    assert fhir.call("PUT", path(made), "admin", json=again).json["status"] == "active"
    world.answer = lambda _waiting: SENT
    world.got.clear()
    world.sender().round()
    assert [focus_of(content)["reference"].rpartition("/")[2] for _, content in world.got] == ids
    order(api, 3)
    world.answer = lambda _waiting: GONE
    world.sender().round()
    assert fhir.get(path(made), "admin").json["status"] == "off"


def test_it_is_switched_off_changed_and_deleted(api: Api, fhir: Api) -> None:
    made = make(fhir)
    off = made.json | {"status": "off"}
    stale = fhir.call("PUT", path(made), "admin", json=off, headers={"If-Match": 'W/"of another"'})
    assert (stale.status_code, code(stale)) == (412, "version_changed")
    changed = fhir.call("PUT", path(made), "admin", json=off, headers={"If-Match": made.headers["ETag"]})
    assert (changed.status_code, changed.json["status"]) == (200, "off")
    order(api, 1)
    world = world_of(api)
    world.sender().round()
    assert world.got == []
    known = fhir.get(path(made), "admin", headers={"If-None-Match": changed.headers["ETag"]})
    assert known.status_code == 304
    row = api.services.outbox.destinations.get(world.name)
    assert row.secret is not None  # the header stays where none is given
    elsewhere = made.json | {"channel": made.json["channel"] | {"endpoint": "https://other.example.org/"}}
    refused = fhir.call("PUT", path(made), "admin", json=elsewhere)
    assert (refused.status_code, "channel.header" in refused.text) == (422, True)
    assert fhir.call("DELETE", path(made), "admin").status_code == 204
    assert fhir.get(path(made), "admin").status_code == 404
    assert api.services.outbox.destinations.all() == []
    actions = [one["action"] for one in api.get("/api/v1/audit", "admin").json["items"]]
    assert [one for one in actions if one.startswith("destination.")][::-1] == [
        "destination.registered",
        "destination.changed",
        "destination.removed",
    ]


@pytest.mark.parametrize(
    ("values", "element"),
    [
        ({"criteria": "Observation?code=1"}, "criteria"),
        ({"criteria": "ImagingStudy?status=available"}, "criteria"),
        ({"status": "error"}, "status"),
        ({"status": "on"}, "status"),
        ({"end": "2030-01-01T00:00:00Z"}, "end"),
        ({"reason": "x" * 256}, "reason"),
        ({"reason": None}, "reason"),
        ({"channel": {"type": "email"}}, "channel.type"),
        ({"channel": {"endpoint": None}}, "channel.endpoint"),
        ({"channel": {"endpoint": "https://127.0.0.1/"}}, "channel.endpoint"),
        ({"channel": {"endpoint": "https://169.254.169.254/"}}, "channel.endpoint"),
        ({"channel": {"endpoint": "ftp://portal.example.org/"}}, "channel.endpoint"),
        ({"channel": {"endpoint": "https://user:word@portal.example.org/"}}, "channel.endpoint"),
        ({"channel": {"endpoint": "https://portal.example.org/" + "x" * 500}}, "channel.endpoint"),
        ({"channel": {"payload": "application/fhir+xml"}}, "channel.payload"),
        ({"channel": {"header": ["Host: inside"]}}, "channel.header"),
        ({"channel": {"header": ["X-A: 1\r\nX-B: 2"]}}, "channel.header"),
        ({"channel": {"header": ["no colon"]}}, "channel.header"),
    ],
)
def test_what_cannot_be_served_is_refused_with_its_element(
    api: Api, fhir: Api, values: dict[str, Any], element: str
) -> None:
    """An address inside at once; a name when it is connected to."""
    answer = make(fhir, **values)
    assert (answer.status_code, code(answer)) == (422, "resource_invalid"), answer.json
    assert f"Subscription.{element}" in answer.text
    assert api.services.outbox.destinations.all() == []


@pytest.mark.parametrize("role", ["service", "viewer", "radiologist", "auditor"])
def test_only_who_keeps_the_interfaces_may(api: Api, fhir: Api, role: str) -> None:
    made = make(fhir)
    assert make(fhir, role).status_code == 403
    for where in ("", f"/{made.json['id']}", f"/{made.json['id']}/$status"):
        assert fhir.get(f"/fhir/Subscription{where}", role).status_code == 403
    assert fhir.call("PUT", path(made), role, json=made.json).status_code == 403
    assert fhir.call("DELETE", path(made), role).status_code == 403


def test_subscriptions_are_found_and_the_server_says_what_it_can(api: Api, fhir: Api) -> None:
    one = make(fhir)
    two = make(fhir, criteria="urn:orthanc-ehr-bridge:topic:studies", status="off")
    assert two.json["criteria"] == "ImagingStudy"
    for query, ids in (
        ("", [one, two]),
        ("?status=requested", [one]),
        ("?status=off,active", [two]),
        ("?url=https://portal.example.org/hook&criteria=ImagingStudy", [two]),
        (f"?_id={one.json['id']}", [one]),
        ("?criteria=Patient", []),
    ):
        found = resources(fhir.get(f"/fhir/Subscription{query}", "admin"))
        assert [each["id"] for each in found] == [each.json["id"] for each in ids], query
    assert code(fhir.get("/fhir/Subscription?contact=x", "admin")) == "search_refused"
    assert fhir.get(f"/fhir/Subscription/{uuid.uuid4()}", "admin").status_code == 404
    assert fhir.get("/fhir/Subscription/x", "admin").status_code == 404
    said = fhir.get("/fhir/metadata", "admin").json
    CapabilityStatement.model_validate(said)
    (mine,) = [each for each in said["rest"][0]["resource"] if each["type"] == "Subscription"]
    assert [each["code"] for each in mine["interaction"]] == ["read", "search-type", "create", "update", "delete"]


def test_a_study_is_told_by_its_id_and_nothing_of_a_restricted_patient(api: Api, fhir: Api) -> None:
    make(fhir, criteria="ImagingStudy")
    world = world_of(api)
    uid = stored(api, str(api.place_order("ACC-1", "MRN-1")["accession_number"]))
    world.sender().round()
    focus = focus_of(world.got[1][1])
    assert focus["identifier"]["value"] == f"urn:oid:{uid}"
    read = fhir.get("/fhir/" + focus["reference"].split("/fhir/")[1], "service").json
    assert read["resourceType"] == "ImagingStudy"
    count = len(world.got)
    stored(api, str(api.place_order("ACC-2", "MRN-2")["accession_number"]), PatientID="MRN-2")
    restrict(api, "MRN-2")
    world.sender().round()
    assert len(world.got) == count
    assert api.get("/api/v1/delivery-queues", "admin").json["items"][0]["waiting"] == 0


def test_a_portal_and_a_webhook_hear_nothing_of_a_self_test(api: Api, fhir: Api) -> None:
    """Nor does a webhook of the self-test hear of a real patient; and the numbers of a subscriber have no gap."""
    make(fhir)
    portal = world_of(api)
    for name in ("ehr", "selftest-hook"):
        assert put(api, name).status_code == 201
    tested, real = order(api, 1, "SELFTEST-ABCDEF-1"), order(api, 2)
    worlds = [portal, World(api, "ehr"), World(api, "selftest-hook")]
    for world in worlds:
        world.sender().round()
    told = [[one["order_id"] for one in deliveries(api, world.name) if one["state"] == "sent"] for world in worlds]
    assert told == [[None, real], [real], [tested]]
    assert [parameters(content)["events-since-subscription-start"] for _, content in portal.got] == ["0", "1"]
    dropped = [one["drop_reason"] for world in worlds for one in deliveries(api, world.name) if one["drop_reason"]]
    assert dropped == ["nothing_to_tell"] * 3


def test_who_subscribes_to_something_else_is_told_of_that_alone(api: Api, fhir: Api) -> None:
    """An order that waited meanwhile is no study: it is left out, and the numbers have no gap."""
    made = make(fhir)
    world = world_of(api)
    world.sender().round()
    waited = order(api, 1)
    other = made.json | {"criteria": "ImagingStudy"}
    assert fhir.call("PUT", path(made), "admin", json=other).status_code == 200
    stored(api, str(api.place_order("ACC-2", "MRN-2")["accession_number"]), PatientID="MRN-2")
    world.sender().round()
    assert {focus_of(content)["type"] for _, content in world.got[1:]} == {"ImagingStudy"}
    numbers = [parameters(content)["events-since-subscription-start"] for _, content in world.got]
    assert numbers == [str(number) for number in range(len(numbers))] and len(numbers) > 1
    left_out = [one["drop_reason"] for one in deliveries(api, world.name) if one["order_id"] == waited]
    assert left_out == ["nothing_to_tell"]


def test_a_destination_that_a_subscription_has_made_is_changed_by_it_alone(api: Api, fhir: Api) -> None:
    """In the list of destinations it is seen, and can be removed."""
    make(fhir)
    (shown,) = api.get("/api/v1/destinations", "admin").json["items"]
    assert (shown["kind"], shown["subscription"], shown["policy"]) == ("webhook", "ServiceRequest", "block")
    body = {"kind": "webhook", "url": "https://elsewhere.example.org/", "events": ["order.created"]}
    name = f"/api/v1/destinations/{shown['name']}"
    refused = api.call("PUT", name, "admin", json=body)
    assert (refused.status_code, refused.json["code"]) == (409, "made_by_subscription")
    assert api.call("POST", f"{name}/secret", "admin").json["code"] == "no_secret"
    assert api.call("DELETE", name, "admin").status_code == 204
    assert resources(fhir.get("/fhir/Subscription", "admin")) == []


@pytest.mark.parametrize("payload", ["application/fhir+json", None])
def test_the_request_has_its_headers_and_its_payload_or_none(api: Api, fhir: Api, payload: str | None) -> None:
    """By the real way out, to a receiver on this machine, whose network the subscription names."""
    got: list[tuple[dict[str, str], bytes]] = []

    def behave(connection: Any) -> None:
        while (request := read_request(connection)) is not None:
            got.append(request)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    receiver = Receiver(behave)
    network = {"url": "urn:orthanc-ehr-bridge:allow-network", "valueString": "127.0.0.0/8"}
    endpoint = f"http://127.0.0.1:{receiver.port}/hook"
    made = make(fhir, channel={"endpoint": endpoint, "payload": payload, "extension": [network]})
    assert made.status_code == 201, made.json
    Subscription.model_validate(made.json)
    world = world_of(api)
    transport = Webhooks(api.services.outbox.safe, api.services.clock)
    world.send = transport.send  # type: ignore[method-assign, assignment]
    world.sender().round()
    order(api, 1)
    world.sender().round()
    transport.close()
    receiver.close()
    assert [one["state"] for one in deliveries(api, world.name)] == ["sent", "sent"]
    for headers, content in got:
        assert (headers["authorization"], bool(content)) == ("Bearer of-the-portal", payload is not None)
        assert "webhook-signature" not in headers
        assert headers.get("content-type", "").startswith("application/fhir+json") is (payload is not None)
