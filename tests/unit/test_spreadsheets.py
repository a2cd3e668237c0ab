"""Tables that spreadsheets open: no cell is a formula, lines are as in RFC 4180, memory is bounded."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator

import pytest

from ehr_bridge import spreadsheets
from ehr_bridge.api.away import tables

FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1", '"=1', "'=1", "“=1", "\u200b=1", "\ufeff=1",
    "＝1", "＋1", "－1", "＠1", "\x00=1", "\u00a0=1", "\u202e=1",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_begins_a_formula_begins_with_an_apostrophe(text: str) -> None:
    """A patient is called =HYPERLINK(...), and somebody opens the list."""
    assert spreadsheets.harmless(text).startswith("'")
    assert spreadsheets.harmless(text).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("separator", [",", ";", "|", "\t", "\r\n", '";"', "; "])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝"])
def test_a_formula_behind_a_separator_is_none_either(separator: str, sign: str) -> None:
    """Excel in German separates cells by semicolons: what follows one begins a cell there."""
    assert f"'{sign}" in spreadsheets.harmless(f"Müller{separator}{sign}1").replace(" ", "").replace('"', "")


@pytest.mark.parametrize("text", ["Müller-Lüdenscheidt^Anna", "2026-01-31", "a=b", "MR; CT", "1.2.3", "O'Neil", ""])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert spreadsheets.harmless(text) == text


def test_lines_are_those_of_rfc_4180() -> None:
    """Quotes are doubled, line ends inside a cell are kept, None is empty."""
    row = ['say "no"', "two\nlines", None, True, 7, "a,b"]
    written = spreadsheets.lines([row])
    assert written.endswith("\r\n")
    assert list(csv.reader(io.StringIO(written, newline=""))) == [['say "no"', "two\nlines", "", "true", "7", "a,b"]]


def test_a_table_of_100000_rows_needs_no_more_memory_than_a_page() -> None:
    """As it is made, and as it is sent: what is large is on the disk."""
    path = "/api/v1/accounts"

    def pages() -> Iterator[list[dict[str, object]]]:
        for start in range(0, 100_000, tables.ROWS_AT_ONCE):
            yield [{"username": f"user-{start + n}", "full_name": "x" * 40} for n in range(tables.ROWS_AT_ONCE)]

    tracemalloc.start()
    try:
        file = tables.new_file(None)
        assert tables.write(file, path, pages()) == 100_000
        size = sum(len(piece) for piece in tables.pieces(file))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 5_000_000
    assert peak < 3_000_000
    assert file.closed
