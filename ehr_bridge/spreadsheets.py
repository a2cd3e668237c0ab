"""Tables as CSV (RFC 4180) that spreadsheets read as they are, and calculate nothing of.

A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection): also behind
blanks, quotes and characters without width, in full-width forms, and behind a separator inside the cell, because
spreadsheets of some countries separate cells there.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
BEGINNING = "\ufeff"
"""Of a whole file: Excel takes a file without it for one in the character set of its country."""
_CALCULATES = "=+\\-@＝＋－＠﹦﹢﹣﹫−"
_BLANK = "\\s\"'`´‘’“”«»\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x1f"
_FORMULA = re.compile(f"(^|[,;|\t\r\n])(?=[{_BLANK}]*[{_CALCULATES}])")
_FIRST = ("\t", "\r", "\n")


def harmless(text: str) -> str:
    """The same text, as one that no spreadsheet calculates."""
    safe = _FORMULA.sub(r"\1'", text)
    return "'" + safe if safe.startswith(_FIRST) else safe


def lines(rows: Iterable[Iterable[object]]) -> str:
    """These rows as lines of CSV. None is an empty cell, true and false are words."""
    text = io.StringIO()
    csv.writer(text).writerows([harmless(_text(cell)) for cell in row] for row in rows)
    return text.getvalue()


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return str(cell)
