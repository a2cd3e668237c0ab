"""Transactions and batches: several interactions in one Bundle.

A transaction is kept as a whole or not at all (`Database.together`); its entries take the order of FHIR R4 section
3.1.0.11.2, so that an order finds the patient who comes with it. The entries of a batch know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from ehr_bridge.api.fhir.answers import Answer, refusal
from ehr_bridge.api.fhir.reading import kind_of, matching, read, search
from ehr_bridge.api.fhir.writing import create, update, update_where
from ehr_bridge.api.http.context import services
from ehr_bridge.errors import BridgeError, InvalidInput
from ehr_bridge.fhir.bundles import Entry, entries_of, in_order, is_temporary, resolved, with_displays
from ehr_bridge.fhir.incoming.reports import shown_name
from ehr_bridge.fhir.outcomes import warning
from ehr_bridge.fhir.searching import Pairs
from ehr_bridge.fhir.structures import load_models, require_resource
from ehr_bridge.fhir.table import RESOURCES

NAMED = frozenset({"Practitioner", "Organization"})


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the client prefers (`Prefer`)."""

    is_lenient: bool = False
    """`handling=lenient`: what is not known is left out, and the answer says so. Otherwise it is refused, as everywhere
    in our API: a filter that is left out would answer too much."""
    is_minimal: bool = False
    """`return=minimal`: what was written is not sent back."""


@dataclass(slots=True)
class _Names:
    """What the entries of a transaction were called before they had an id."""

    known: dict[str, str] = field(default_factory=dict)

    def resolve(self, reference: str) -> str | None:
        if (found := self.known.get(reference)) is not None:
            return found
        kind, mark, query = reference.partition("?")
        if not mark or kind not in RESOURCES or is_temporary(reference):
            return None
        rows = matching(kind, _pairs(query))
        if len(rows) != 1:
            text = "no resource fits this reference" if not rows else "several resources fit this reference"
            raise InvalidInput("resource_invalid", f"{kind}?…: {text}.", (("reference", text),))
        return f"{kind}/{rows[0].id}"


def perform_bundle(document: Any, wishes: Wishes) -> Answer:
    """The answer to a transaction or batch. A transaction with a type that is not served is refused, since it would be
    kept in part only; with `handling=lenient` such entries are left out, and their answers say so. Raises
    BridgeError."""
    bundle = require_resource("Bundle", document)
    entries = entries_of(bundle)
    done = _transaction(entries, wishes) if bundle["type"] == "transaction" else _batch(entries, wishes)
    base = services().settings.fhir_base_url
    shown = []
    for entry in entries:
        answer = done[entry.number]
        with_resource = entry.method == "GET" or not wishes.is_minimal
        shown.append(answer.as_entry(base, with_resource=with_resource))
    answered: dict[str, Any] = {"resourceType": "Bundle", "type": f"{bundle['type']}-response"}
    return Answer(200, answered | ({"entry": shown} if shown else {}))


def _transaction(entries: list[Entry], wishes: Wishes) -> Mapping[int, Answer]:
    done: dict[int, Answer] = {}
    names = _Names()
    displays = _displays(entries)
    load_models()  # not while others wait for their turn to write
    with services().fresh.together():
        for entry in in_order(entries):
            if wishes.is_lenient and entry.type not in RESOURCES:
                done[entry.number] = Answer(202, warning([f"{entry.type} is not kept here, and was left out"]))
                continue
            try:
                resource = resolved(with_displays(entry.resource, displays), names.resolve)
                answer = _perform(replace(entry, resource=resource), wishes)
            except BridgeError as error:
                _name_the_entry(error, entry)
                raise
            done[entry.number] = answer
            if entry.full_url is not None and answer.resource is not None and "id" in answer.resource:
                names.known[entry.full_url] = f"{entry.type}/{answer.resource['id']}"
    return done


def _displays(entries: list[Entry]) -> dict[str, str]:
    """What the people and organizations are called that come with a transaction, and are not kept here."""
    named = ((one.full_url, one.resource) for one in entries if one.type in NAMED and isinstance(one.resource, dict))
    return {url: name for url, resource in named if url and (name := shown_name(resource))}


def _batch(entries: list[Entry], wishes: Wishes) -> Mapping[int, Answer]:
    done: dict[int, Answer] = {}
    for entry in entries:
        if done:
            services().database.let_others_write()
        try:
            done[entry.number] = _perform(entry, wishes)
        except BridgeError as error:
            done[entry.number] = refusal(error)
    return done


def _perform(entry: Entry, wishes: Wishes) -> Answer:
    kind_of(entry.type)
    if entry.method == "POST" and entry.id == "_search":
        return search(entry.type, entry.pairs, is_strict=not wishes.is_lenient)
    if entry.method == "POST" and entry.id is None:
        condition = None if entry.if_none_exist is None else _pairs(entry.if_none_exist)
        return create(entry.type, entry.resource, condition)
    if entry.method == "PUT" and entry.id is not None:
        return update(entry.type, entry.id, entry.resource, entry.if_match)
    if entry.method == "PUT" and entry.pairs:
        return update_where(entry.type, entry.pairs, entry.resource, entry.if_match)
    if entry.method == "GET" and entry.id is not None:
        answer = read(entry.type, entry.id)
        return replace(answer, status=304, resource=None) if _has(entry.if_none_match, answer) else answer
    if entry.method == "GET":
        return search(entry.type, entry.pairs, is_strict=not wishes.is_lenient)
    raise InvalidInput("interaction_not_supported", f"{entry.method} of a {entry.type} is not supported.")


def _has(if_none_match: str | None, answer: Answer) -> bool:
    return if_none_match is not None and answer.etag is not None and answer.etag in if_none_match


def _name_the_entry(error: BridgeError, entry: Entry) -> None:
    where = f"Bundle.entry[{entry.number}]"
    inside = tuple((f"{where}.resource.{name}", why) for name, why in error.errors)
    error.errors = inside or ((where, error.detail),)


def _pairs(query: str) -> Pairs:
    return parse_qsl(query.removeprefix("?"), keep_blank_values=True, max_num_fields=100)
