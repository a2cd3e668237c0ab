"""Read and search."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from ehr_bridge.api.cursors import opened, sealed
from ehr_bridge.api.fhir.allowed import OF_STUDIES, may_read, reach, require_own_patient, require_reading
from ehr_bridge.api.fhir.answers import Answer
from ehr_bridge.api.fhir.shown import (
    Shown,
    shown_order,
    shown_patient,
    shown_report,
    shown_studies,
    versioned,
    with_elements,
)
from ehr_bridge.api.http.context import caller, closed, origin, services
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.paging import Position, cursor_refused
from ehr_bridge.errors import InvalidInput, NotFound, NotPermitted
from ehr_bridge.fhir.bundles import searchset
from ehr_bridge.fhir.endpoints import endpoints
from ehr_bridge.fhir.outcomes import warning
from ehr_bridge.fhir.searching import Pairs, Search, read_search
from ehr_bridge.fhir.systems import token_of
from ehr_bridge.fhir.table import AUDIT_EVENT, RESOURCES, Resource
from ehr_bridge.services.interfaces.fhir.search import MOST_INCLUDED, Found
from ehr_bridge.services.registry.numbers import as_uuid
from ehr_bridge.services.reporting.people import reporter_of

CURSOR = "_cursor"
OWN_KEYS = frozenset({"identifier", "_id"})
"""By what those who write, and may not read, say which resource they mean: it tells them nothing that they have not
said."""


def kind_of(name: str) -> Resource:
    """Raises NotFound for a type that is not served."""
    found = RESOURCES.get(name)
    if found is None:
        raise NotFound("resource_not_supported", f"This server has the types {', '.join(RESOURCES)}.")
    return found


def read(name: str, key: str) -> Answer:
    """One resource by id. Raises NotFound, or NotPermitted."""
    kind = kind_of(name)
    require_reading(name)
    if name == "Endpoint":
        found = [one for one in _endpoints() if one["id"] == key]
    elif name == "AuditEvent":
        found, _ = _page(read_search(AUDIT_EVENT, [("_id", key)], is_strict=True), None, {})
    else:
        number = as_uuid(key)
        found = [] if number is None else [_by_id(name, number)]
    if not found:
        raise NotFound("resource_not_found", f"There is no {kind.name} with this id.")
    return Answer(200, found[0])


def search(name: str, pairs: Pairs, *, is_strict: bool) -> Answer:
    """A searchset. Raises InvalidInput, or NotPermitted."""
    kind = kind_of(name)
    require_reading(name)
    where = f"/fhir/{name}".encode()
    after: Position | None = None
    for said, value in pairs:
        if said == CURSOR:
            pairs, after = _continued(opened(value, where))
            break
    asked = read_search(kind, pairs, is_strict=is_strict)
    require_own_patient(asked.criteria)
    if name == "AuditEvent" and any(
        one.chain == "identifier" and "Patient" in one.parameter.targets for one in asked.criteria
    ):
        require_reading("Patient")  # whoever reads the audit trail only does not learn whose number it is
    rows: dict[str, Any] = {}
    matches, found = _page(asked, after, rows)
    included = _included(asked, rows) if not asked.is_count_only else []
    base = services().settings.fhir_base_url
    following = None
    if found.last is not None:
        cursor = sealed({"search": asked.used, "after": found.last}, where)
        following = f"{base}/{name}?{urlencode([(CURSOR, cursor)])}"
    if asked.ignored:
        included.append(warning([f"{one} is not known here, and was left out" for one in asked.ignored]))
    itself = f"{base}/{name}?{urlencode(asked.used, safe=':')}" if asked.used else f"{base}/{name}"
    links = {"self": itself, "next": following}
    shown = [with_elements(one, asked.elements) for one in matches]
    return Answer(200, searchset(shown, included, links, base, found.total))


def matching(name: str, pairs: Pairs) -> list[Any]:
    """The rows that a condition names, two at most. Raises InvalidInput, also for a condition without parameters."""
    asked = read_search(kind_of(name), [*pairs, ("_count", "2"), ("_total", "none")], is_strict=True)
    if not asked.criteria:
        raise InvalidInput("search_refused", "Say by a search which one is meant, such as identifier=SYSTEM|VALUE.")
    if name != "DiagnosticReport" and not may_read(name):
        for one in asked.criteria:
            if one.chain or one.parameter.name not in OWN_KEYS:
                raise NotPermitted(
                    "permission_missing",
                    f"Without the permission to read, a {name} is named by `identifier` or `_id` only.",
                )
    rows: dict[str, Any] = {}
    _page(asked, None, rows)
    return list(rows.get(name, ()))


def _continued(kept: Any) -> tuple[Pairs, Position]:
    """Search and position in a cursor. Raises InvalidInput."""
    try:
        pairs: Pairs = [(str(name), str(value)) for name, value in kept["search"]]
        return pairs, tuple(kept["after"])
    except (KeyError, TypeError, ValueError):
        raise cursor_refused() from None


def _by_id(name: str, key: uuid.UUID) -> Shown:
    if name == "Patient":
        return shown_patient(services().patients.get(str(key)))
    if name == "ServiceRequest":
        return shown_order(services().orders.get(str(key)))
    if name == "DiagnosticReport":
        return shown_report(services().fhir_search.report(key, reporter_of(caller(), origin())))
    return shown_studies([services().fhir_search.study(key, reach())], in_full=True)[0]


def _page(search: Search, after: Position | None, rows: dict[str, Any]) -> tuple[list[Shown], Found[Any]]:
    """One page as resources; its rows are put into `rows`, by type."""
    finder = services().fhir_search
    name = search.resource.name
    found: Found[Any]
    if name == "Endpoint":
        return _of_endpoints(search)
    if name == "AuditEvent":
        hidden = closed().patients if caller().may(Permission.READ) else None
        found = finder.events(search, reach(), after, hidden)
        return [versioned(one) for one in found.rows], found
    find, show = _WAYS[name]
    found = find(finder)(search, reach(), after)
    rows[name] = found.rows
    return show(found.rows), found


_WAYS: dict[str, tuple[Callable[[Any], Any], Callable[[Sequence[Any]], list[Shown]]]] = {
    "Patient": (lambda finder: finder.patients, lambda rows: [shown_patient(one) for one in rows]),
    "ServiceRequest": (lambda finder: finder.orders, lambda rows: [shown_order(one) for one in rows]),
    "ImagingStudy": (lambda finder: finder.studies, shown_studies),
    "DiagnosticReport": (lambda finder: finder.reports, lambda rows: [shown_report(one) for one in rows]),
}


def _endpoints() -> list[Shown]:
    return [versioned(one) for one in endpoints(services().settings.base_url)]


def _of_endpoints(search: Search) -> tuple[list[Shown], Found[Any]]:
    """Both are in the settings, not in a table."""
    found = _endpoints()
    for one in search.criteria:
        codes = {token_of(value)[1] for value in one.values}
        is_wanted = one.is_missing is None
        found = [of for of in found if (_code(of, one.parameter.name) in codes if is_wanted else not one.is_missing)]
    total = len(found)
    return ([] if search.is_count_only else found), Found(found, None, total)


def _code(endpoint: Shown, parameter: str) -> str:
    codes = {"_id": endpoint["id"], "status": endpoint["status"]}
    return str(codes.get(parameter, endpoint["connectionType"]["code"]))


def _included(search: Search, rows: dict[str, Any]) -> list[Shown]:
    """What `_include` and `_revinclude` add, each resource once, as far as the caller may see it."""
    finder, name = services().fhir_search, search.resource.name
    of_page = rows.get(name, [])
    found: list[Shown] = []
    patients = {one.id if name == "Patient" else _row(one).patient_id for one in of_page} - {None}
    may_read = not caller().is_bound
    if "patient" in search.includes and may_read:
        found += [shown_patient(one) for one in finder.patients_with(patients, reach())]
    if {"basedon", "based-on"} & set(search.includes) and may_read:
        orders = {key for one in of_page for key in _row(one).order_ids}
        found += [shown_order(one) for one in finder.orders_with(orders, reach())]
    if "imagingStudy" in search.includes:
        studies = {one.study_id for one in of_page} - {None}
        found += shown_studies(finder.studies_of("_id", studies, reach()))
    if "endpoint" in search.includes and of_page:
        found += _endpoints()
    for wanted in search.reverse_includes:
        kind, _, parameter = wanted.partition(":")
        if not may_read and kind not in OF_STUDIES:
            continue
        ids = patients if parameter == "patient" else {_row(one).id for one in of_page}
        find, show = _REVERSE[kind]
        added: list[Any] = find(finder, parameter, ids)
        found += show(added[:MOST_INCLUDED])
        if len(added) > MOST_INCLUDED:
            found.append(warning([f"{wanted} has more than {MOST_INCLUDED} resources; search them by themselves"]))
    return found


_REVERSE: dict[str, tuple[Callable[[Any, str, Any], Any], Callable[[Sequence[Any]], list[Shown]]]] = {
    "ServiceRequest": (
        lambda finder, _parameter, ids: finder.orders_of(ids, reach()),
        lambda rows: [shown_order(one) for one in rows],
    ),
    "ImagingStudy": (lambda finder, parameter, ids: finder.studies_of(parameter, ids, reach()), shown_studies),
    "DiagnosticReport": (
        lambda finder, parameter, ids: finder.reports_of(parameter, ids, reach()),
        lambda rows: [shown_report(one) for one in rows],
    ),
}


def _row(one: Any) -> Any:
    """The row of a study that is shown with more."""
    return getattr(one, "study", one)
