"""A message is split as another reader splits it (python-hl7, which read all of 37 real messages of eleven vendors)."""

from __future__ import annotations

from itertools import product
from typing import Any, SupportsIndex

import hl7
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ehr_bridge.hl7.escapes import USUAL, unescape
from ehr_bridge.hl7.faults import Fault
from ehr_bridge.hl7.grouping import Group
from ehr_bridge.hl7.identifiers import number_in
from ehr_bridge.hl7.message import DELETED, MOST_SEGMENTS, Message, Path, Segment, Value
from ehr_bridge.hl7.sources import Sources
from ehr_bridge.hl7.text import Decoded, How
from ehr_bridge.hl7.values import find
from tests.support.messages import adt, merge, omi, orm, oru, siu

PARTS = [*product(range(1, 4), range(1, 3), range(3))]
"""Component, subcomponent and repetition."""
FIELDS = st.text('|^~&\\"A b', max_size=30)


def message(text: str) -> Message:
    return Message(Decoded(text, "utf-8", How.DECLARED))


def part(content: Any, number: int) -> Any:
    """Text is its own only part."""
    if isinstance(content, str):
        return content if number == 1 else ""
    return content[number - 1] if number <= len(content) else ""


def by_the_other(segment: Any, field: int, component: int, subcomponent: int, repetition: int) -> Value:
    if field >= len(segment) or repetition >= len(segment[field]):
        return None
    content = segment[field][repetition]
    text = str(part(part(content, component), subcomponent))
    if '""' in (str(content).strip(), text.strip()):
        return DELETED
    return unescape(text).strip() or None


def require_same(text: str) -> None:
    other = hl7.parse(text)
    ours = message(text).segments
    assert [one.name for one in ours] == [str(one[0]) for one in other]
    for segment, theirs in zip(ours, other, strict=True):
        for number in range(3, len(theirs) + 2):
            count = len(theirs[number]) if number < len(theirs) else 0
            assert segment.repetitions(number) == count
            said = [str(one) for one in theirs[number]] if count else []
            whole = [unescape(one).strip() for one in said if one.strip() != '""']
            assert segment.whole(number) == [one for one in whole if one]
            for component, subcomponent, repetition in PARTS:
                where = number, component, subcomponent, repetition
                assert segment.value(*where) == by_the_other(theirs, *where), where


@given(FIELDS)
@example('"" | ""|""^A |A^ ""')
@example('""|""^A|A^""|A~""|A&""')
@example('"" | ""|A~"" ~ ""')  # blanks beside them change nothing
@example("A^B&C~D||\\T\\|^^^|&&|~~")
def test_any_fields_are_split_as_by_another_reader(fields: str) -> None:
    """Empty ones, repeated ones, erased ones, delimiters at the end."""
    require_same(f"MSH|^~\\&|A|B|{fields}|\rZZZ|1|2|{fields}|")


MESSAGES = {"ADT": adt(), "A40": merge("A40", "1", "2"), "OMI": omi(), "ORM": orm(), "ORU": oru(), "SIU": siu("S12")}


@pytest.mark.parametrize("text", MESSAGES.values(), ids=MESSAGES.keys())
def test_messages_are_split_as_by_another_reader(text: str) -> None:
    require_same(text.strip())


def test_a_header_says_its_own_delimiters() -> None:
    """All of them are other ones here; the fields are numbered as everywhere."""
    segment = message("MSH#*!?$#HIS#A*B$C!D").header
    assert (segment.text(3), segment.text(4, 2, 2), segment.text(4, 1, 1, 1)) == ("HIS", "C", "D")
    assert message("MSH|^~\\&").header.text(9) == ""


def test_the_truncation_character_is_read_where_a_header_names_it() -> None:
    r"""Since version 2.7 (chapter 2.7.1); elsewhere `\P\` is no sequence, and stays."""
    assert message(r"MSH|^~\&#|A|Ward \P\ 7").header.text(4) == "Ward # 7"
    assert message(r"MSH|^~\&|A|Ward \P\ 7").header.text(4) == r"Ward \P\ 7"


def test_a_message_of_very_many_segments_is_refused() -> None:
    """A document is one segment, however many lines it has."""
    assert len(message("MSH|^~\\&|A\r" + "OBX|1\r" * (MOST_SEGMENTS - 1)).segments) == MOST_SEGMENTS
    with pytest.raises(Fault, match="more than 5000 segments") as refused:
        message("MSH|^~\\&|A\r" + "OBX|1\r" * MOST_SEGMENTS)
    assert refused.value.is_rejected


class Counted(str):
    """A text that counts how much of it is split, and so are its parts."""

    characters = 0

    def split(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]:
        Counted.characters += len(self)
        return [Counted(one) for one in super().split(sep, maxsplit)]


def test_a_field_of_very_many_repetitions_is_split_once() -> None:
    """A sender that pads a field would else have one thread compute for hours, and would send it again meanwhile."""
    many = 2_000
    line = Counted("PID|1||" + "~" * many + "MRN-1^^^NORTHWING^MR||" + "A^B^^^^^D~" * many + "Lindqvist^Åsa^^^^^L")
    Counted.characters = 0
    pid = Segment(line, 1, USUAL, "utf-8")
    assert number_in(pid, 3, None).mrn == "MRN-1"
    wanted = {"family_name": (Path.of("PID-5.1"),)}
    assert find(Group((pid,), {}), wanted, Sources().unlisted("2.5.1"), []).values == {"family_name": "Lindqvist"}
    assert Counted.characters < 10 * len(line)
