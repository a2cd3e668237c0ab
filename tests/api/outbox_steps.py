"""Destinations, a receiver that answers as it is told to, and a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.services.delivery.outcomes import Kind, Outcome
from ehr_bridge.services.delivery.queue import Queue, Waiting
from ehr_bridge.services.delivery.sender import Sender
from tests.api.conftest import Api

WEBHOOK: dict[str, Any] = {
    "kind": "webhook",
    "url": "https://ehr.example.org/events",
    "events": ["order.created", "order.status", "order.cancelled"],
}
HL7: dict[str, Any] = {
    "kind": "hl7",
    "host": "ris.example.org",
    "port": 2575,
    "tls": True,
    "events": ["order.created", "order.status", "order.cancelled"],
}
SENT = Outcome(Kind.SENT, 3, "200")
AWAY = Outcome(Kind.AWAY, 1, "connection refused")
FAILED = Outcome(Kind.FAILED, 1, "500 no idea")
REFUSED = Outcome(Kind.REFUSED, 2, "422 no such order")
GONE = Outcome(Kind.GONE, 2, "410")


def put(
    api: Api,
    name: str = "ehr",
    headers: dict[str, str] | None = None,
    body: Mapping[str, Any] = MappingProxyType(WEBHOOK),
) -> Any:
    """A value that is empty is left out."""
    body = {field: value for field, value in body.items() if value != ""}
    return api.call("PUT", f"/api/v1/destinations/{name}", "admin", json=body, headers=headers or {})


def deliveries(api: Api, name: str = "ehr", role: str = "admin", **query: Any) -> list[dict[str, Any]]:
    """In the order in which they are sent."""
    answer = api.get(f"/api/v1/destinations/{name}/deliveries", role, query_string={"sort": "id", **query})
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def states(api: Api, name: str = "ehr") -> list[str]:
    return [one["state"] for one in deliveries(api, name)]


@dataclass
class World:
    """One destination and whoever sends to it."""

    api: Api
    name: str = "ehr"
    answer: Callable[[Waiting], Outcome] = lambda _waiting: SENT
    now: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(minutes=1))
    got: list[tuple[str, bytes]] = field(default_factory=list)
    """Ids and contents, in the order in which they came, doubles included."""

    def sender(self, holder: str = "node-1", decided_for: float = 600.0) -> Sender:
        """All that can be sent goes out in one round, however slow the machine is, unless asked otherwise."""
        services = self.api.services
        queue = Queue(services.database, lambda: self.now)
        (destination,) = [one for one in services.outbox.destinations.all() if one.name == self.name]
        return Sender(
            queue,
            services.outbox.contents,
            self,
            lambda: services.restrictions.closed_to_subject("destination"),
            lambda: self.now,
            holder,
            destination.id,
            decided_for=decided_for,
        )

    def send(self, _destination: Destination, waiting: Waiting, content: bytes) -> Outcome:
        outcome = self.answer(waiting)
        if outcome.kind not in (Kind.AWAY, Kind.FAILED):
            self.got.append((str(waiting.event_id), content))
        return outcome

    def close(self) -> None:
        pass

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    @property
    def accessions(self) -> list[str]:
        """The orders of which was told, doubles once."""
        by_id = {one["id"]: one["accession_number"] for one in self.api.get("/api/v1/orders", "admin").json["items"]}
        events = {one["event_id"]: by_id[one["order_id"]] for one in deliveries(self.api, self.name)}
        return [events[key] for key in dict.fromkeys(key for key, _ in self.got)]


def order(api: Api, number: int, mrn: str = "MRN-1") -> str:
    return str(api.place_order(f"ACC-{number}", mrn)["id"])
