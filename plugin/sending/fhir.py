"""Transactions for FHIR servers."""

from __future__ import annotations

from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.errors import Conflict
from ehr_bridge.services.delivery.outcomes import Kind, Outcome
from ehr_bridge.services.delivery.queue import Waiting
from ehr_bridge.services.delivery.secrets import Safe
from plugin.sending.posts import Poster

SECONDS = 30.0
MEDIA_TYPE = "application/fhir+json"


class Fhir:
    def __init__(self, safe: Safe, seconds: float = SECONDS) -> None:
        self._safe = safe
        self._poster = Poster(seconds)

    def send(self, destination: Destination, waiting: Waiting, content: bytes) -> Outcome:
        """Never raises."""
        headers = {
            "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
            "Accept": MEDIA_TYPE,
            "X-Request-Id": str(waiting.event_id),
        }
        if destination.secret is not None:
            try:
                headers["Authorization"] = f"Bearer {self._safe.open(destination.id, destination.secret)}"
            except Conflict as error:
                return Outcome(Kind.AWAY, said=error.detail)
        outcome = self._poster.post(destination, "", headers, content)
        if outcome.kind is Kind.GONE:  # of a resource, not of the server
            return Outcome(Kind.REFUSED, outcome.milliseconds, outcome.said)
        return outcome

    def close(self) -> None:
        """End the connection, if there is one."""
        self._poster.close()
