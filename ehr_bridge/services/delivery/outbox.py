"""The services of this wing, built together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from zoneinfo import ZoneInfo

from ehr_bridge.db.database import Database
from ehr_bridge.derived_keys import SharedSecret
from ehr_bridge.fhir.systems import Systems
from ehr_bridge.services.delivery.contents import Renderings
from ehr_bridge.services.delivery.deliveries import Deliveries
from ehr_bridge.services.delivery.destinations import Destinations
from ehr_bridge.services.delivery.queue import Queue
from ehr_bridge.services.delivery.secrets import Safe
from ehr_bridge.services.delivery.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class Outbox:
    destinations: Destinations
    deliveries: Deliveries
    subscriptions: Subscriptions
    queue: Queue
    contents: Renderings
    safe: Safe

    @classmethod
    def of(
        cls,
        database: Database,
        clock: Callable[[], datetime],
        secret: SharedSecret,
        base_url: str,
        time_zone: str,
        systems: Systems,
        fhir_base: str,
    ) -> Self:
        """`base_url` is where others reach this installation; `time_zone` an IANA name."""
        safe, source = Safe(secret), f"{base_url.rstrip('/')}/api/v1/events"
        destinations = Destinations(database, clock, safe)
        return cls(
            destinations,
            Deliveries(database, clock),
            Subscriptions(database, clock, destinations),
            Queue(database, clock),
            Renderings(database, source, fhir_base, clock, ZoneInfo(time_zone), systems),
            safe,
        )
