"""Webhooks: proved by the libraries of receivers, and sent to receivers that behave as badly as they can."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from ehr_bridge.db.states import DestinationKind
from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.derived_keys import SharedSecret
from ehr_bridge.services.delivery.contents import cloud_event
from ehr_bridge.services.delivery.outcomes import Kind, Outcome
from ehr_bridge.services.delivery.queue import Waiting
from ehr_bridge.services.delivery.secrets import Safe, new_secret
from plugin.sending.webhooks import Webhooks
from tests.support.receivers import Behaviour, Receiver, answering, read_request
from tests.support.steps import eventually
from tests.unit.sending_steps import waiting

SAFE = Safe(SharedSecret("the secret of this server, long enough"))
LOCAL = ["127.0.0.0/8"]
PATIENT, SHORT = 60.0, 0.6
"""Seconds for an answer: one that comes, however busy the machine is; one that is waited for in vain."""
type Listen = Callable[[Behaviour], Receiver]


@pytest.fixture
def listen() -> Iterator[Listen]:
    opened: list[Receiver] = []

    def start(behaviour: Behaviour) -> Receiver:
        opened.append(Receiver(behaviour))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def webhook(
    port: int, host: str = "127.0.0.1", networks: list[Any] | None = None, secret: str | None = None
) -> Destination:
    key = uuid.uuid4()
    return Destination(
        id=key,
        kind=DestinationKind.WEBHOOK,
        url=f"http://{host}:{port}/events?of=pacs",
        allow_networks=LOCAL if networks is None else networks,
        secret=SAFE.close(key, secret or new_secret()),
    )


def send(to: Destination, one: Waiting | None = None, by: Webhooks | None = None) -> Outcome:
    one = one or waiting()
    sender = by or Webhooks(SAFE, lambda: datetime.now(UTC), PATIENT)
    return sender.send(to, one, cloud_event("https://pacs.example.org/api/v1/events", one))


def test_the_receiver_proves_it_and_reads_it_with_its_own_libraries(listen: Listen) -> None:
    """Standard Webhooks verifies, CloudEvents reads; the address keeps its query."""
    got: list[tuple[dict[str, str], bytes]] = []

    def behave(connection: socket.socket) -> None:
        while (request := read_request(connection)) is not None:
            got.append(request)
            connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok")

    secret, one = new_secret(), waiting()
    receiver = listen(behave)
    sender = Webhooks(SAFE, lambda: datetime.now(UTC), PATIENT)
    to = webhook(receiver.port, secret=secret)
    outcomes = [send(to, one, sender) for _ in range(3)]
    assert {(outcome.kind, outcome.said) for outcome in outcomes} == {(Kind.SENT, "202: ok")}
    assert receiver.connections == 1
    headers, body = got[0]
    assert headers[":request"] == "POST /events?of=pacs HTTP/1.1"
    Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"order", b"Order"), headers)
    event = from_structured(HTTPMessage(headers, body), JSONFormat(), CloudEvent)
    assert (event.get_id(), event.get_type()) == (str(one.event_id), "org.ehr-bridge.order.status")
    assert event.get_data() == one.data
    assert headers["webhook-id"] == str(one.event_id)


def test_while_a_secret_is_renewed_both_prove_it(listen: Listen) -> None:
    got: list[tuple[dict[str, str], bytes]] = []

    def behave(connection: socket.socket) -> None:
        while (request := read_request(connection)) is not None:
            got.append(request)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    former, new, at = new_secret(), new_secret(), datetime.now(UTC)
    to = webhook(listen(behave).port, secret=new)
    to.former_secret, to.former_secret_until = SAFE.close(to.id, former), at + timedelta(hours=24)
    sender = Webhooks(SAFE, lambda: at, PATIENT)
    assert send(to, by=sender).kind is Kind.SENT
    for secret in (former, new):
        Webhook(secret).verify(got[0][1], got[0][0])
    to.former_secret_until = at
    assert send(to, by=sender).kind is Kind.SENT
    Webhook(new).verify(got[1][1], got[1][0])
    with pytest.raises(WebhookVerificationError):
        Webhook(former).verify(got[1][1], got[1][0])


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("200 OK", Kind.SENT),
        ("204 No Content", Kind.SENT),
        ("400 Bad Request", Kind.REFUSED),
        ("404 Not Found", Kind.REFUSED),
        ("422 Unprocessable", Kind.REFUSED),
        ("410 Gone", Kind.GONE),
        ("401 Unauthorized", Kind.AWAY),
        ("408 Request Timeout", Kind.AWAY),
        ("429 Too Many Requests", Kind.AWAY),
        ("403 Forbidden", Kind.FAILED),
        ("500 Internal Server Error", Kind.FAILED),
        ("502 Bad Gateway", Kind.AWAY),
        ("503 Service Unavailable", Kind.AWAY),
    ],
)
def test_each_answer_says_whose_failure_it_was(listen: Listen, status: str, kind: Kind) -> None:
    outcome = send(webhook(listen(answering(status)).port))
    assert (outcome.kind, outcome.said[:3]) == (kind, status[:3])


def test_who_asks_for_a_pause_gets_it(listen: Listen) -> None:
    """In seconds or as a date; what is neither is no wish."""
    wishes = {"120": 120, "Wed, 21 Oct 2015 07:28:00 GMT": 0}
    for said, seconds in wishes.items():
        wait = send(webhook(listen(answering("503 Away", Retry_After=said)).port)).wait
        assert wait == timedelta(seconds=seconds)
    assert send(webhook(listen(answering("503 Away", Retry_After="soon")).port)).wait is None


def test_a_redirect_is_not_followed(listen: Listen) -> None:
    inner = listen(answering("200 OK"))
    outer = listen(answering("302 Found", Location=f"http://127.0.0.1:{inner.port}/"))
    outcome = send(webhook(outer.port))
    assert (outcome.kind, inner.connections) == (Kind.REFUSED, 0)
    assert "redirects are not followed" in outcome.said


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "0", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"],
)
def test_nobody_reaches_this_machine_by_any_spelling(listen: Listen, host: str) -> None:
    """Judged when it is connected, of what the name leads to; the receiver on this machine hears nothing."""
    receiver = listen(answering("200 OK"))
    outcome = send(webhook(receiver.port, host, networks=[]))
    assert (outcome.kind, receiver.connections) == (Kind.AWAY, 0)
    assert "not permitted" in outcome.said or "reached" in outcome.said


def test_a_name_that_leads_elsewhere_at_the_second_look_is_judged_by_what_is_connected(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: one look-up, of which every address is judged, and the judged one is used."""
    receiver = listen(answering("200 OK"))
    looks: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        looks.append(host)
        inner = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        outer = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.1", port))
        return [outer, inner] if len(looks) == 1 else [inner]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert send(webhook(receiver.port, "rebind.example.org", networks=["203.0.113.0/24"])).kind is Kind.AWAY
    assert (looks, receiver.connections) == (["rebind.example.org"], 0)


def test_the_environments_proxy_is_not_used(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, receiver = listen(answering("200 OK")), listen(answering("200 OK"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert send(webhook(receiver.port)).kind is Kind.SENT
    assert proxy.connections == 0


def _silent(connection: socket.socket) -> None:
    read_request(connection)
    time.sleep(5)


def _byte_by_byte(connection: socket.socket) -> None:
    read_request(connection)
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def _endless(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
    while True:
        connection.sendall(os.urandom(65_536))


def _hangs_up(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200")


def _no_http(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"\x0bMSH|^~\\&|\x1c\r")


@pytest.mark.parametrize("behaviour", [_silent, _byte_by_byte, _hangs_up, _no_http])
def test_a_receiver_that_does_not_answer_properly_is_away(listen: Listen, behaviour: Behaviour) -> None:
    """And is left in time, also where each byte comes within its own time."""
    receiver = listen(behaviour)
    sender = Webhooks(SAFE, lambda: datetime.now(UTC), SHORT)
    outcome = send(webhook(receiver.port), by=sender)
    assert outcome.kind is Kind.AWAY
    send(webhook(receiver.port), by=sender)
    # What comes late belongs to a connection that is gone. The receiver counts one after it is made, not with it.
    assert eventually(lambda: receiver.connections == 2)


def test_an_answer_without_end_is_read_to_its_beginning_only(listen: Listen) -> None:
    receiver = listen(_endless)
    outcome = send(webhook(receiver.port))
    assert (outcome.kind, len(outcome.said) <= 1010) == (Kind.SENT, True)


def test_a_kept_connection_that_the_receiver_has_closed_is_made_anew(listen: Listen) -> None:
    def once(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    receiver = listen(once)
    sender, to = Webhooks(SAFE, lambda: datetime.now(UTC), PATIENT), webhook(receiver.port)
    assert [send(to, by=sender).kind for _ in range(3)] == [Kind.SENT] * 3
    assert receiver.connections == 3


def test_nobody_listens(listen: Listen) -> None:
    receiver = listen(answering("200 OK"))
    receiver.close()
    outcome = send(webhook(receiver.port))
    assert (outcome.kind, outcome.said) == (Kind.AWAY, "it could not be reached: connection refused")


def test_a_lost_secret_sends_nothing(listen: Listen) -> None:
    receiver = listen(answering("200 OK"))
    to = webhook(receiver.port)
    by = Webhooks(Safe(SharedSecret("another secret of the server")), lambda: datetime.now(UTC), PATIENT)
    assert (send(to, by=by).kind, receiver.connections) == (Kind.AWAY, 0)


def test_a_former_secret_that_is_lost_holds_nothing_up(listen: Listen) -> None:
    """The server got another EHR_BRIDGE_JWT_SECRET, and the webhook a new secret once: that is enough."""
    to = webhook(listen(answering("200 OK")).port)
    to.former_secret = Safe(SharedSecret("another secret of the server")).close(to.id, new_secret())
    to.former_secret_until = datetime.now(UTC) + timedelta(hours=1)
    assert send(to).kind is Kind.SENT


def test_what_is_sent_is_the_same_at_every_attempt() -> None:
    one = waiting()
    assert cloud_event("https://pacs", one) == cloud_event("https://pacs", one)
    assert json.loads(cloud_event("https://pacs", one))["specversion"] == "1.0"
    assert base64.b64decode(new_secret().removeprefix("whsec_"))
