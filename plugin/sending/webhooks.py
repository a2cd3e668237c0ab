"""Webhooks: CloudEvents 1.0 in structured JSON, signed as in Standard Webhooks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from standardwebhooks.webhooks import Webhook

from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.errors import Conflict
from ehr_bridge.services.delivery.outcomes import Kind, Outcome
from ehr_bridge.services.delivery.queue import Waiting
from ehr_bridge.services.delivery.secrets import Safe
from plugin.sending.posts import Poster

SECONDS = 10.0
MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
FHIR_MEDIA_TYPE = "application/fhir+json; charset=utf-8"


class Webhooks:
    def __init__(self, safe: Safe, clock: Callable[[], datetime], seconds: float = SECONDS) -> None:
        self._safe = safe
        self._clock = clock
        self._poster = Poster(seconds)
        self._sealed: tuple[bytes | None, bytes | None] = (None, None)
        self._signers: list[Webhook] = []

    def send(self, destination: Destination, waiting: Waiting, content: bytes) -> Outcome:
        """Never raises."""
        if destination.subscription is not None:
            return self._notify(destination, waiting, content)
        now = self._clock()
        try:
            signers = self._with(destination, now)
        except Conflict as error:
            return Outcome(Kind.AWAY, said=error.detail)
        name, text = str(waiting.event_id), content.decode()
        headers = {
            "Content-Type": MEDIA_TYPE,
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(one.sign(name, now, text) for one in signers),
        }
        return self._poster.post(destination, "", headers, content)

    def _notify(self, destination: Destination, waiting: Waiting, content: bytes) -> Outcome:
        """A subscription is sent no signature, but its own headers."""
        headers = {"X-Request-Id": str(waiting.event_id)}
        if content:
            headers["Content-Type"] = FHIR_MEDIA_TYPE
        if destination.secret is not None:
            try:
                lines = self._safe.open(destination.id, destination.secret).splitlines()
            except Conflict as error:
                return Outcome(Kind.AWAY, said=error.detail)
            headers |= {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return self._poster.post(destination, "", headers, content)

    def close(self) -> None:
        self._poster.close()

    def _with(self, destination: Destination, now: datetime) -> list[Webhook]:
        """The present secret, and the former one while it is still known to receivers."""
        until = destination.former_secret_until
        former = destination.former_secret if until is not None and until > now else None
        sealed = (destination.secret, former)
        if sealed != self._sealed or not self._signers:
            if former is not None and not self._safe.opens(destination.id, former):
                former = None  # of another secret of the server: it proves nothing any more
            secrets = [self._safe.open(destination.id, one) for one in (destination.secret, former) if one is not None]
            self._signers = [_signer(one) for one in secrets]
            self._sealed = sealed
        return self._signers


@lru_cache(maxsize=64)
def _signer(secret: str) -> Webhook:
    return Webhook(secret)
