"""Escape sequences in text (HL7 v2, chapter 2.7)."""

from __future__ import annotations

import re
from typing import NamedTuple


class Delimiters(NamedTuple):
    """Of one message; MSH-1 and MSH-2 say them."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""
    """Since version 2.7, where a sender names it."""

    @property
    def msh_2(self) -> str:
        return self.component + self.repetition + self.escape + self.subcomponent


USUAL = Delimiters()
_LINES = re.compile(r"\.(?:br|ce|sp\+?\d*)")
_BLANKS = re.compile(r"\.sk\+?\d*")
_DROPPED = re.compile(r"[HN]|\.(?:fi|nf|in|ti)[+-]?\d*")
"""Highlighting and layout of formatted text: no characters."""


def unescape(text: str, by: Delimiters = USUAL, codec: str = "utf-8") -> str:
    r"""The characters that sequences stand for. `\X..\` is bytes in the message's own character set. What is not
    known stays as it is, and so does the character NUL, which no field can hold."""
    if by.escape not in text:
        return text
    of_delimiters = {"F": by.field, "S": by.component, "T": by.subcomponent, "R": by.repetition, "E": by.escape}
    if by.truncation:
        of_delimiters["P"] = by.truncation
    mark = re.escape(by.escape)

    def replaced(found: re.Match[str]) -> str:
        sequence = found[1]
        if sequence in of_delimiters:
            return of_delimiters[sequence]
        if _LINES.fullmatch(sequence):
            return "\n"
        if _BLANKS.fullmatch(sequence):
            return " "
        if _DROPPED.fullmatch(sequence):
            return ""
        if sequence[:1] == "X":
            try:
                said = bytes.fromhex(sequence[1:]).decode(codec)
            except ValueError:
                return found[0]
            return found[0] if "\x00" in said else said
        return found[0]

    return re.sub(rf"{mark}([^{mark}]*){mark}", replaced, text)


def escape(text: str) -> str:
    r"""Text for a field with the usual delimiters: they are escaped, a line break is `\.br\`, all else stays."""
    for character, sequence in (("\\", "E"), ("|", "F"), ("^", "S"), ("&", "T"), ("~", "R")):
        text = text.replace(character, f"\x00{sequence}\x00")
    return re.sub(r"\r\n?|\n", r"\\.br\\", text).replace("\x00", "\\")
