"""Bundles: answers of a search, and the entries of transactions and batches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from ehr_bridge.errors import InvalidInput
from ehr_bridge.fhir.searching import Pairs

MOST_ENTRIES = 500
ORDER = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")
"""In which a transaction is processed (FHIR R4 section 3.1.0.11.2)."""
DEPENDS = ("Patient", "ServiceRequest")
"""Of entries with one method: what others refer to comes first."""
_ABSOLUTE = re.compile(r"(?i)urn:(uuid|oid):.+|https?://.+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One request of a Bundle."""

    number: int
    """Its position, from 0."""
    method: str
    type: str
    id: str | None
    pairs: Pairs
    resource: Any
    full_url: str | None
    if_match: str | None = None
    if_none_match: str | None = None
    if_none_exist: str | None = None


def searchset(
    matches: Iterable[Mapping[str, Any]],
    included: Iterable[Mapping[str, Any]],
    links: Mapping[str, str | None],
    base: str,
    total: int | None,
) -> dict[str, Any]:
    """The answer of a search; `links` by relation, None for none."""
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if total is not None:
        bundle["total"] = total
    bundle["link"] = [{"relation": relation, "url": url} for relation, url in links.items() if url is not None]
    entries = [_entry(one, "match", base) for one in matches]
    entries += [_entry(one, "outcome" if one["resourceType"] == "OperationOutcome" else "include", base)
                for one in included]  # fmt: skip
    if entries:
        bundle["entry"] = entries
    return bundle


def entries_of(bundle: Mapping[str, Any]) -> list[Entry]:
    """Raises InvalidInput `resource_invalid`, with the entry."""
    found = bundle.get("entry") or []
    if not isinstance(found, list) or len(found) > MOST_ENTRIES:
        raise _refused("Bundle.entry", f"at most {MOST_ENTRIES} entries")
    return [_read(number, one) for number, one in enumerate(found)]


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """The entries of a transaction as they are processed."""
    return sorted(entries, key=lambda one: (ORDER.index(one.method), _rank(one.type), one.number))


def read_url(url: str) -> tuple[str, str | None, Pairs]:
    """Type, id and search of an address below the base. Raises ValueError."""
    path, _, query = url.lstrip("/").partition("?")
    parts = path.split("/")
    if not parts[0] or len(parts) > 2:
        raise ValueError("write TYPE, TYPE/ID or TYPE?SEARCH")
    pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    return unquote(parts[0]), unquote(parts[1]) if len(parts) == 2 else None, pairs


def resolved(resource: Any, resolve: Callable[[str], str | None]) -> Any:
    """The resource with every reference that `resolve` knows in place of what it was (FHIR R4 section 3.1.0.11.2)."""
    if isinstance(resource, list):
        return [resolved(one, resolve) for one in resource]
    if not isinstance(resource, dict):
        return resource
    found = {name: resolved(value, resolve) for name, value in resource.items()}
    reference = found.get("reference")
    if isinstance(reference, str) and (known := resolve(reference)) is not None:
        found["reference"] = known
    return found


def with_displays(resource: Any, displays: Mapping[str, str]) -> Any:
    """The resource with what those are called to whom it refers, where it does not say so itself."""
    if isinstance(resource, list):
        return [with_displays(one, displays) for one in resource]
    if not isinstance(resource, dict):
        return resource
    found = {name: with_displays(value, displays) for name, value in resource.items()}
    reference = found.get("reference")
    if isinstance(reference, str) and reference in displays:
        found.setdefault("display", displays[reference])
    return found


def is_temporary(reference: str) -> bool:
    """Whether a reference can name an entry of its Bundle."""
    return _ABSOLUTE.fullmatch(reference) is not None


def _read(number: int, entry: Any) -> Entry:
    where = f"Bundle.entry[{number}]"
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict) or not all(isinstance(one, str) for one in request.values()):
        raise _refused(f"{where}.request", "method and url, as text")
    method = request.get("method", "")
    if method not in ORDER:
        raise _refused(f"{where}.request.method", f"one of {', '.join(ORDER)}")
    try:
        kind, key, pairs = read_url(str(request.get("url") or ""))
    except ValueError as error:
        raise _refused(f"{where}.request.url", str(error)) from None
    return Entry(
        number,
        method,
        kind,
        key,
        pairs,
        entry.get("resource"),
        entry.get("fullUrl"),
        request.get("ifMatch"),
        request.get("ifNoneMatch"),
        request.get("ifNoneExist"),
    )


def _rank(kind: str) -> int:
    return DEPENDS.index(kind) if kind in DEPENDS else len(DEPENDS)


def _entry(resource: Mapping[str, Any], mode: str, base: str) -> dict[str, Any]:
    found: dict[str, Any] = {"resource": resource, "search": {"mode": mode}}
    if "id" in resource:
        found = {"fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}", **found}
    return found


def _refused(field: str, why: str) -> InvalidInput:
    return InvalidInput("resource_invalid", f"{field}: {why}.", ((field, why),))
