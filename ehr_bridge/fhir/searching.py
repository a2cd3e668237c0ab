"""Reads a search: what is asked of which parameter, and how the answer should look.

Repeated parameters are all to be fulfilled, values with commas between are alternatives. What the server does not know
is refused, or left out and said so, as the client's `Prefer: handling` wishes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ehr_bridge.errors import InvalidInput
from ehr_bridge.fhir.table import RESOURCES, Kind, Parameter, Resource

type Pairs = list[tuple[str, str]]
"""Names and values in the order in which they were sent."""

USUAL_COUNT, LARGEST_COUNT = 50, 500
MOST_PARAMETERS, MOST_VALUES, LONGEST_VALUE = 40, 100, 1024
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")
_ESCAPED = re.compile(r"\\([\\,$|])")
_LITERAL = re.compile(r"(?:.*/)?(?P<type>[A-Z]\w+)/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?")
SUMMARIES = ("false", "count", "true", "data", "text")
TOTALS = ("none", "estimate", "accurate")
FORMATS = ("json", "application/json", "application/fhir+json", "application/fhir json")
"""The last one is `application/fhir+json` whose plus sign was not percent-encoded."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """What one parameter asks; one of the values is enough."""

    parameter: Parameter
    values: tuple[str, ...]
    modifier: str | None = None
    """`missing`, `exact`, or None."""
    chain: str | None = None
    """The parameter of the target: `identifier` of `patient.identifier`."""

    @property
    def is_missing(self) -> bool | None:
        """With the modifier `missing`, whether the value must be missing."""
        return self.values == ("true",) if self.modifier == "missing" else None


@dataclass(frozen=True, slots=True)
class Search:
    resource: Resource
    criteria: tuple[Criterion, ...] = ()
    count: int = USUAL_COUNT
    sort: str | None = None
    """A name of `Resource.sorts`, with - in front for the latest or largest first."""
    total: str = "accurate"
    is_count_only: bool = False
    includes: tuple[str, ...] = ()
    reverse_includes: tuple[str, ...] = ()
    elements: frozenset[str] = frozenset()
    cursor: str | None = None
    used: Pairs = field(default_factory=list)
    """What was understood, for the self link."""
    ignored: tuple[str, ...] = ()
    """What was not, and was left out."""


def read_search(resource: Resource, pairs: Pairs, *, is_strict: bool) -> Search:
    """Raises InvalidInput `search_refused`: something is malformed; or, where `is_strict`, unknown here."""
    return _Reader(resource, is_strict).read(pairs)


def unescaped(value: str) -> str:
    """A value without the backslashes that keep `,`, `$`, `|` and `\\` from meaning something."""
    return _ESCAPED.sub(r"\1", value)


def literal(reference: str, targets: Iterable[str]) -> tuple[str, str]:
    """Type and id of a reference: `Patient/7`, an address that ends so, or the id alone where one type is possible.
    Raises ValueError."""
    targets = tuple(targets)
    found = _LITERAL.fullmatch(reference)
    if found is None:
        if len(targets) != 1 or re.fullmatch(r"[A-Za-z0-9.-]{1,64}", reference) is None:
            raise ValueError(f"write {' or '.join(targets)}/ID")
        return targets[0], reference
    if found["type"] not in targets:
        raise ValueError(f"it can only be a {' or '.join(targets)}")
    return found["type"], found["id"]


def refused(name: str, why: str) -> InvalidInput:
    """The refusal of a search, by the name of the parameter."""
    return InvalidInput("search_refused", f"{name}: {why}.", ((name, why),))


class _Reader:
    def __init__(self, resource: Resource, is_strict: bool) -> None:
        self._resource = resource
        self._is_strict = is_strict
        self._criteria: list[Criterion] = []
        self._results: dict[str, str] = {}
        self._includes: dict[str, list[str]] = {"_include": [], "_revinclude": []}
        self._used: Pairs = []
        self._ignored: list[str] = []

    def read(self, pairs: Pairs) -> Search:
        if len(pairs) > MOST_PARAMETERS:
            raise refused("search", f"at most {MOST_PARAMETERS} parameters")
        for name, value in pairs:
            if len(value) > LONGEST_VALUE or "\x00" in value:
                raise refused(name, f"at most {LONGEST_VALUE} characters, none of them NUL")
            if not value:
                continue  # FHIR R4 section 3.1.1.4: a parameter without a value is as if it were not there
            self._take(name, value)
        results = self._results
        return Search(
            self._resource,
            tuple(self._criteria),
            _number(results.get("_count")),
            self._sort(results.get("_sort")),
            _one_of("_total", results.get("_total", "accurate"), TOTALS),
            results.get("_summary") == "count" or _number(results.get("_count")) == 0,
            tuple(self._includes["_include"]),
            tuple(self._includes["_revinclude"]),
            frozenset(filter(None, results.get("_elements", "").split(","))),
            results.get("_cursor"),
            self._used,
            tuple(dict.fromkeys(self._ignored)),
        )

    def _take(self, name: str, value: str) -> None:
        if name in ("_include", "_revinclude"):
            self._include(name, value)
            return
        if name in ("_count", "_sort", "_total", "_summary", "_elements", "_cursor", "_format", "_pretty"):
            if name in self._results and self._results[name] != value:
                raise refused(name, "send it once")
            _CHECKED.get(name, _anything)(name, value)
            self._results[name] = value
            self._used.append((name, value))
            return
        self._criterion(name, value)

    def _include(self, name: str, value: str) -> None:
        known = self._resource.reverse_includes
        wanted: str | None = value
        if name == "_include":
            kind, _, parameter = value.partition(":")
            parameter = parameter.partition(":")[0]
            found = self._resource.by_name.get(parameter) if kind == self._resource.name else None
            wanted = found.name if found is not None else None
            known = self._resource.includes
        else:
            kind, _, parameter = value.partition(":")
            found = RESOURCES[kind].by_name.get(parameter) if kind in RESOURCES else None
            wanted = f"{kind}:{found.name}" if found is not None else None
        if wanted is None or wanted not in known:
            self._unknown(name, f"this server cannot include {value[:64]}")
            return
        if wanted not in self._includes[name]:
            self._includes[name].append(wanted)
        self._used.append((name, value))

    def _criterion(self, name: str, value: str) -> None:
        spelled, _, modifier = name.partition(":")
        spelled, _, chain = spelled.partition(".")
        parameter = self._resource.by_name.get(spelled)
        if parameter is None:
            self._unknown(name, f"no parameter of {self._resource.name}; it knows {_listed(self._resource)}")
            return
        if parameter.kind == Kind.REFERENCE and modifier in parameter.targets:
            modifier = ""  # patient:Patient=7 says what is known anyway
        if modifier == "identifier" and not chain and "identifier" in parameter.chained:
            modifier, chain = "", "identifier"  # by the business identifier: the same as through the target here
        if chain and chain not in parameter.chained:
            self._unknown(name, "this server follows only " + (", ".join(parameter.chained) or "no dots here"))
            return
        if modifier and modifier not in parameter.modifiers:
            raise refused(name, f"the modifiers here are {', '.join(parameter.modifiers)}")
        values = tuple(filter(None, _UNESCAPED_COMMA.split(value)))
        if not values or len(values) > MOST_VALUES:
            raise refused(name, f"1 to {MOST_VALUES} values with commas between")
        if modifier == "missing" and values not in (("true",), ("false",)):
            raise refused(name, "true or false")
        self._criteria.append(Criterion(parameter, values, modifier or None, chain or None))
        self._used.append((name, value))

    def _sort(self, value: str | None) -> str | None:
        if value is None:
            return None
        if value.removeprefix("-") not in self._resource.sorts:
            allowed = ", ".join(self._resource.sorts) or "nothing"
            self._unknown("_sort", f"sort by one of {allowed}, with - in front for the latest first")
            self._used = [pair for pair in self._used if pair[0] != "_sort"]
            return None
        return value

    def _unknown(self, name: str, why: str) -> None:
        if self._is_strict:
            raise refused(name, why)
        self._ignored.append(name)


def _anything(_name: str, value: str) -> str:
    return value


def _one_of(name: str, value: str, allowed: Iterable[str]) -> str:
    if value not in allowed:
        raise refused(name, f"one of {', '.join(allowed)}")
    return value


def _number(value: str | None) -> int:
    if value is None:
        return USUAL_COUNT
    if re.fullmatch(r"\d{1,9}", value) is None:
        raise refused("_count", "a number")
    return min(int(value), LARGEST_COUNT)


_CHECKED: Mapping[str, Callable[[str, str], str]] = {
    "_summary": lambda name, value: _one_of(name, value, SUMMARIES),
    "_total": lambda name, value: _one_of(name, value, TOTALS),
    "_format": lambda name, value: _one_of(name, value, FORMATS),
    "_count": lambda _name, value: str(_number(value)),
}


def _listed(resource: Resource) -> str:
    return ", ".join(one.name for one in resource.parameters)
