"""Subscriptions: who keeps the interfaces makes, reads, changes and ends them. They are destinations, so they have
routes of their own, and no part in transactions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ehr_bridge.api.fhir.answers import Answer
from ehr_bridge.api.fhir.shown import Shown, require_version, versioned
from ehr_bridge.api.http.context import caller, origin, services
from ehr_bridge.api.interfaces.destinations import web_address
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.errors import InvalidInput, NotPermitted
from ehr_bridge.fhir.bundles import searchset
from ehr_bridge.fhir.outcomes import warning
from ehr_bridge.fhir.searching import Pairs
from ehr_bridge.fhir.structures import require_resource
from ehr_bridge.fhir.subscriptions import (
    Subscribed,
    invalid,
    read_subscription,
    status_parameters,
    subscription_resource,
)
from ehr_bridge.fhir.systems import token_of
from ehr_bridge.services.delivery.subscriptions import Subscription
from ehr_bridge.services.registry.numbers import as_uuid

NAME = "Subscription"
PARAMETERS = ("_id", "status", "url", "criteria")
OTHERS = ("_format", "_count", "_summary", "_total")
"""What a search may say besides; all that fit are in one page."""
LONGEST_ADDRESS = 500


def create_subscription(document: Any, if_none_exist: str | None) -> Answer:
    """Raises BridgeError."""
    _require_keeper()
    if if_none_exist is not None:
        raise InvalidInput("search_refused", "A Subscription is created without a condition; search for it first.")
    said = _said(require_resource(NAME, document))
    return Answer(201, _shown(services().outbox.subscriptions.create(said, origin())), is_made=True)


def read_one(key: str) -> Answer:
    """Raises BridgeError."""
    _require_keeper()
    return Answer(200, _shown(services().outbox.subscriptions.get(as_uuid(key))))


def update_subscription(key: str, document: Any, if_match: str | None) -> Answer:
    """Raises BridgeError."""
    _require_keeper()
    document = require_resource(NAME, document)
    if document.get("id") != key:
        raise invalid([("id", "write the id that the address has")])
    said = _said(document)
    with services().fresh.together():
        require_version(_shown(services().outbox.subscriptions.get(as_uuid(key))), if_match)
        return Answer(200, _shown(services().outbox.subscriptions.change(as_uuid(key), said, origin())))


def delete_subscription(key: str, if_match: str | None) -> None:
    """Raises BridgeError."""
    _require_keeper()
    with services().fresh.together():
        require_version(_shown(services().outbox.subscriptions.get(as_uuid(key))), if_match)
        services().outbox.subscriptions.remove(as_uuid(key), origin())


def status_of(key: str) -> Answer:
    """`$status`: a searchset of its status. Raises BridgeError."""
    _require_keeper()
    one = services().outbox.subscriptions.get(as_uuid(key))
    base = services().settings.fhir_base_url
    name = f"{base}/{NAME}/{key}"
    found = status_parameters(name, one.said.criteria, one.status, "query-status", one.count)
    links = {"self": f"{name}/$status"}
    return Answer(200, searchset([found | {"id": key}], [], links, base, 1))


def search_subscriptions(pairs: Pairs, *, is_strict: bool) -> Answer:
    """Raises BridgeError."""
    _require_keeper()
    ignored = [name for name, _ in pairs if name not in (*PARAMETERS, *OTHERS)]
    if ignored and is_strict:
        known = ", ".join(PARAMETERS)
        raise InvalidInput("search_refused", f"{', '.join(ignored)}: not known for a {NAME}; it has {known}.")
    used = [(name, value) for name, value in pairs if name not in ignored]
    asked = [(name, value.split(",")) for name, value in used if name in PARAMETERS]
    found = [_shown(one) for one in services().outbox.subscriptions.all()]
    found = [one for one in found if all(_fits(one, name, values) for name, values in asked)]
    base = services().settings.fhir_base_url
    itself = f"{base}/{NAME}?{urlencode(used)}" if used else f"{base}/{NAME}"
    told = [warning([f"{one} is not known here, and was left out" for one in ignored])] if ignored else []
    is_count = ("_summary", "count") in used or ("_count", "0") in used
    return Answer(200, searchset([] if is_count else found, told, {"self": itself}, base, len(found)))


def _said(document: Mapping[str, Any]) -> Subscribed:
    """Raises InvalidInput."""
    said = read_subscription(document)
    try:
        web_address(said.endpoint)
    except ValueError as error:
        raise invalid([("channel.endpoint", str(error))]) from None
    if len(said.endpoint) > LONGEST_ADDRESS:
        raise invalid([("channel.endpoint", f"at most {LONGEST_ADDRESS} characters")])
    return said


def _fits(one: Mapping[str, Any], name: str, values: list[str]) -> bool:
    has = {"_id": one["id"], "status": one["status"], "criteria": one["criteria"], "url": one["channel"]["endpoint"]}
    return has[name] in [token_of(value)[1] if name == "status" else value for value in values]


def _require_keeper() -> None:
    """Raises NotPermitted."""
    who = caller()
    if who.is_bound:
        raise NotPermitted("permission_missing", "This token opens images, and nothing else.")
    who.require(Permission.INTERFACES)


def _shown(one: Subscription) -> Shown:
    return versioned(subscription_resource(str(one.row.id), one.status, one.said, one.error), one.row.updated_at)
