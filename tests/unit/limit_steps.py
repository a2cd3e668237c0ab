"""The limits that the OpenAPI document states, in the form of the tables of docs/limits.md."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

Limit = tuple[str, ...]
"""The first cells of a row."""


def header_names(document: dict[str, Any]) -> set[str]:
    """Every header that a route reads."""
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    return {p["name"] for operation in operations for p in operation.get("parameters", []) if p["in"] == "header"}


class Stated(NamedTuple):
    """One value of a request."""

    name: str
    owner: str
    """The schema, or the operation of a parameter."""
    parts: list[dict[str, Any]]
    """The schema of the value itself, without `null`."""
    default: Any


def stated(document: dict[str, Any]) -> Iterator[Stated]:
    """Every property of a body and every parameter but headers."""
    schemas = document["components"]["schemas"]
    for owner in sorted(_bodies(document)):
        for name, schema in schemas[owner].get("properties", {}).items():
            yield Stated(name, owner, _parts(schema), schema.get("default"))
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "header":
                    continue
                schema = parameter["schema"]
                yield Stated(parameter["name"], operation["operationId"], _parts(schema), schema.get("default"))


def texts(document: dict[str, Any]) -> dict[Limit, set[str]]:
    """Most characters, and least where that is more than one: the names; `none` for what states no limit."""
    found: list[tuple[Limit, Stated]] = []
    for value in stated(document):
        for part in value.parts:
            for text in (part, part.get("items", {})):
                if text.get("type") != "string" or text.keys() & {"enum", "const", "format"}:
                    continue
                least, most = text.get("minLength", 0), text.get("maxLength")
                if most is None and "pattern" in text:
                    continue
                number = "none" if most is None else f"{least} to {most}" if least > 1 else str(most)
                found.append(((number,), value))
    return _rows(found)


def lists(document: dict[str, Any]) -> dict[Limit, set[str]]:
    """Most entries of a list: the names; `none` for what states no limit."""
    found: list[tuple[Limit, Stated]] = [
        ((str(part.get("maxItems", "none")),), value)
        for value in stated(document)
        for part in value.parts
        if part.get("type") == "array"
    ]
    return _rows(found)


def numbers(document: dict[str, Any]) -> dict[Limit, set[str]]:
    """From, to and default: the names."""
    found: list[tuple[Limit, Stated]] = []
    for value in stated(document):
        for part in value.parts:
            if part.get("type") in ("integer", "number") and part.keys() & {"minimum", "maximum"}:
                ends = [f"{int(part[end]):,}" if end in part else "none" for end in ("minimum", "maximum")]
                default = "none" if value.default is None else f"{value.default:,}"
                found.append(((*ends, default), value))
    return _rows(found)


def table(found: dict[Limit, set[str]]) -> str:
    """Its rows, as they stand in the page."""
    order = sorted(found, key=lambda limit: [(not cell[:1].isdigit(), len(cell), cell) for cell in limit[::-1]])
    return "\n".join(f"| {' | '.join(limit)} | {', '.join(sorted(found[limit]))} |" for limit in order)


def _rows(found: list[tuple[Limit, Stated]]) -> dict[Limit, set[str]]:
    """By limit; where a name has several, all but the most frequent one say whose they are."""
    limits: dict[str, Counter[Limit]] = defaultdict(Counter)
    owners: dict[tuple[str, Limit], set[str]] = defaultdict(set)
    for limit, value in found:
        limits[value.name][limit] += 1
        owners[value.name, limit].add(value.owner)
    rows: dict[Limit, set[str]] = defaultdict(set)
    for name, counted in limits.items():
        usual = min(counted, key=lambda limit: (-counted[limit], limit))
        for limit in counted:
            whose = ", ".join(f"`{owner}`" for owner in sorted(owners[name, limit]))
            rows[limit].add(f"`{name}`" if limit == usual else f"`{name}` ({whose})")
    return dict(rows)


def _parts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]


def _bodies(document: dict[str, Any]) -> set[str]:
    """The schemas of what is sent as JSON, and those inside them."""
    found: set[str] = set()

    def follow(part: object) -> None:
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                follow(document["components"]["schemas"][name])
            for inner in part.values():
                follow(inner)
        elif isinstance(part, list):
            for inner in part:
                follow(inner)

    for methods in document["paths"].values():
        for operation in methods.values():
            follow(operation.get("requestBody", {}).get("content", {}))
    return found
