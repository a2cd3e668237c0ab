"""Subscriptions of R4 (rest-hook) and what is sent to them: the Bundle of the Subscriptions R5 Backport 1.1.0, whose
status is a Parameters in R4. Ids only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ehr_bridge.errors import InvalidInput
from ehr_bridge.fhir.systems import OURS

CRITERIA: Mapping[str, str] = {
    "ServiceRequest": f"{OURS}:topic:orders",
    "ImagingStudy": f"{OURS}:topic:studies",
    "DiagnosticReport": f"{OURS}:topic:reports",
}
"""What can be subscribed to, each with the canonical address of its topic, which may stand for it."""
PAYLOADS = ("application/fhir+json", "application/json")
ALLOW_NETWORK = f"{OURS}:allow-network"
"""Extension of the channel: a network in which the endpoint may be, besides the public ones."""
CONTENT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content"
PROFILE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4"
HANDSHAKE = "subscription.handshake"
"""The first thing that is sent, as a type of deliveries."""
OWN_HEADERS = frozenset({
    "host", "content-length", "content-type", "transfer-encoding", "connection", "accept", "user-agent", "expect",
    "upgrade", "te", "trailer", "keep-alive", "x-request-id",
})  # fmt: skip
MOST_HEADERS = 10
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):[ \t]*([\t -~]{1,4096})")


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What a Subscription says."""

    criteria: str
    """A type of CRITERIA."""
    endpoint: str
    reason: str
    payload: str | None
    """None: a request without a body."""
    is_empty: bool
    """A Bundle without what it is about."""
    networks: tuple[str, ...]
    headers: tuple[str, ...]
    is_off: bool


def read_subscription(document: Mapping[str, Any]) -> Subscribed:
    """Of a resource that is one (`structures`). Raises InvalidInput `resource_invalid`, with the elements."""
    faults: list[tuple[str, str]] = []
    channel: Mapping[str, Any] = document["channel"]
    named = str(document["criteria"]).removesuffix("?")
    criteria = next((one for one, topic in CRITERIA.items() if named in (one, topic)), "")
    if not criteria:
        faults.append(("criteria", f"one of {', '.join([*CRITERIA, *CRITERIA.values()])}"))
    if document["status"] not in ("requested", "active", "off"):
        faults.append(("status", "requested, active or off; it becomes an error here"))
    if channel.get("type") != "rest-hook":
        faults.append(("channel.type", "rest-hook"))
    endpoint = str(channel.get("endpoint") or "")
    if not endpoint:
        faults.append(("channel.endpoint", "the address that is told"))
    payload = channel.get("payload")
    if payload not in (None, *PAYLOADS):
        faults.append(("channel.payload", f"{PAYLOADS[0]}; left out: requests without a body"))
    content = _values(channel.get("_payload"), CONTENT, "valueCode")
    if not set(content) <= {"empty", "id-only"}:
        faults.append(("channel.payload.extension", "empty or id-only: what happened is read here, with a token"))
    if document.get("end") is not None:
        faults.append(("end", "no subscription ends by itself here: set it to off, or delete it"))
    headers = channel.get("header") or []
    if len(headers) > MOST_HEADERS or not all(isinstance(one, str) and _is_header(one) for one in headers):
        faults.append(("channel.header", f"at most {MOST_HEADERS}, such as Authorization: Bearer TOKEN"))
    reason = " ".join(str(document["reason"]).split())
    if len(reason) > MOST_REASON:
        faults.append(("reason", f"at most {MOST_REASON} characters"))
    if faults:
        raise invalid(faults)
    networks = tuple(_values(channel, ALLOW_NETWORK, "valueString"))
    is_off = document["status"] == "off"
    return Subscribed(criteria, endpoint, reason, payload, "empty" in content, networks, tuple(headers), is_off)


MOST_REASON = 255


def subscription_resource(key: str, status: str, said: Subscribed, error: str | None) -> dict[str, Any]:
    """As it is read: without its headers, which are secrets."""
    channel: dict[str, Any] = {"type": "rest-hook", "endpoint": said.endpoint}
    if said.networks:
        channel["extension"] = [{"url": ALLOW_NETWORK, "valueString": one} for one in said.networks]
    if said.payload is not None:
        channel["payload"] = said.payload
        code = "empty" if said.is_empty else "id-only"
        channel["_payload"] = {"extension": [{"url": CONTENT, "valueCode": code}]}
    found = {"resourceType": "Subscription", "id": key, "status": status, "reason": said.reason}
    return found | {"criteria": said.criteria} | ({"error": error} if error else {}) | {"channel": channel}


def status_parameters(
    subscription: str, criteria: str, status: str, kind: str, count: int, event: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """The status of a subscription as R4 has it; `subscription` is its address, `count` how many events it was told."""
    parameters: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": subscription}},
        {"name": "topic", "valueCanonical": CRITERIA[criteria]},
        {"name": "status", "valueCode": status},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(count)},
    ]
    if event:
        parameters.append({"name": "notification-event", "part": list(event)})
    return {"resourceType": "Parameters", "meta": {"profile": [PROFILE]}, "parameter": parameters}


def event_parts(number: int, at: str, focus: dict[str, Any] | None) -> list[dict[str, Any]]:
    """One event: its number, when it happened, and what it is about, unless that is not to be told."""
    parts = [{"name": "event-number", "valueString": str(number)}, {"name": "timestamp", "valueInstant": at}]
    return parts if focus is None else [*parts, {"name": "focus", "valueReference": focus}]


def notification(name: str, at: str, subscription: str, status: dict[str, Any]) -> dict[str, Any]:
    """The Bundle that is sent; `name` is the event's, by which doubles are known."""
    request = {"method": "GET", "url": f"{subscription}/$status"}
    entry = {"fullUrl": f"urn:uuid:{name}", "resource": status, "request": request, "response": {"status": "200"}}
    return {"resourceType": "Bundle", "id": name, "type": "history", "timestamp": at, "entry": [entry]}


def invalid(faults: Sequence[tuple[str, str]]) -> InvalidInput:
    """For elements of a Subscription."""
    found = tuple((f"Subscription.{element}", why) for element, why in faults)
    return InvalidInput("resource_invalid", "; ".join(f"{element}: {why}" for element, why in found) + ".", found)


def _is_header(line: str) -> bool:
    found = _HEADER.fullmatch(line)
    return found is not None and found[1].lower() not in OWN_HEADERS


def _values(of: Any, url: str, name: str) -> list[str]:
    extensions = of.get("extension") or [] if isinstance(of, dict) else []
    return [str(one[name]) for one in extensions if isinstance(one, dict) and one.get("url") == url and name in one]
