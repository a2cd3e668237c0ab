"""The orders of a message: each ORC with the segments behind it; an OBR without an ORC of its own shares the last one.

What stands before the first of them (PID, PV1) is of all orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ehr_bridge.hl7.message import Message, Segment


@dataclass(frozen=True, slots=True)
class Group:
    """The segments in which the values of one order are looked for."""

    own: tuple[Segment, ...]
    common: Mapping[str, Segment]
    """Of all orders: the first of each name."""

    @property
    def orc(self) -> Segment:
        return next(segment for segment in self.own if segment.name == "ORC")

    def first(self, name: str) -> Segment | None:
        """Its own segment with this name, or else one of all orders."""
        return next((segment for segment in self.own if segment.name == name), None) or self.common.get(name)

    def for_each_of(self, name: str) -> list[Group]:
        """The same group once for each of its own segments with this name, seen with that one alone."""
        others = tuple(segment for segment in self.own if segment.name != name)
        return [Group((segment, *others), self.common) for segment in self.own if segment.name == name]


def first_of_each(segments: Iterable[Segment]) -> Mapping[str, Segment]:
    """By name."""
    found: dict[str, Segment] = {}
    for segment in segments:
        found.setdefault(segment.name, segment)
    return found


def groups_of(message: Message) -> list[Group]:
    common: list[Segment] = []
    groups: list[list[Segment]] = []
    for segment in message.segments:
        last = groups[-1] if groups else []
        if segment.name == "ORC":
            groups.append([segment])
        elif segment.name == "OBR" and any(one.name == "OBR" for one in last):
            orc = next(one for one in last if one.name == "ORC")
            groups.append([orc, segment])
        else:
            (last if groups else common).append(segment)
    of_all = first_of_each(common)
    return [Group(tuple(group), of_all) for group in groups]
