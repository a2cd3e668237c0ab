"""CSV files of patients and orders, as clinics save them."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from plugin.commands.tables import ORDERS, PATIENTS, read_table

WANTED = [(2, {"mrn": "M1", "family_name": "Müller"}), (3, {"mrn": "M2", "sex": "female"})]


def file_of(folder: Path, content: bytes) -> Path:
    path = folder / "rows.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "mrn;family_name;sex\nM1;Müller;\nM2;;female\n",
        "mrn,family_name,sex\r\nM1,Müller,\r\nM2,,female\r\n",
        '\ufeffmrn;"family_name"; sex \r\nM1; Müller ;\r\nM2;;female',
    ],
)
def test_rows_are_read_however_they_were_saved(tmp_path: Path, text: str) -> None:
    """With a byte order mark or without, semicolons or commas, both line ends; an empty cell says nothing."""
    table = read_table(file_of(tmp_path, text.encode()))
    assert table.kind is PATIENTS
    assert [(row.line, row.item) for row in table.rows] == WANTED and not any(row.fault for row in table.rows)


def test_a_row_has_the_number_of_the_line_where_it_begins(tmp_path: Path) -> None:
    """Also after a cell of two lines and an empty line; a row that does not fit is told, and stops no other."""
    lines = [
        "accession_number,mrn,description,further_steps",
        'A1,M1,"MR\nbrain",',
        "",
        "A2,M1",
        "A3,M1,CT,[",
        'A4,M1,CT,"[{""modality"": ""CT""}]"',
    ]
    text = "\n".join(lines)
    table = read_table(file_of(tmp_path, text.encode()))
    assert table.kind is ORDERS
    assert [row.line for row in table.rows] == [2, 5, 6, 7]
    assert [row.fault and row.fault[0] for row in table.rows] == [None, "row", "further_steps", None]
    assert table.rows[3].item["further_steps"] == [{"modality": "CT"}]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "names no column mrn"),
        (b"family_name\nM\xc3\xbcller\n", "names no column mrn"),
        (b"mrn;colour\nM1;blue\n", "unknown column colour; there are as_of, birth_date"),
        (b"mrn;mrn\nM1;M2\n", "comes twice"),
        (b"mrn\nM\xfcller\n", "not UTF-8"),
        (b'mrn\n"M1\n', "not a CSV file"),
    ],
)
def test_another_file_is_refused_before_anything_is_sent(tmp_path: Path, content: bytes, says: str) -> None:
    """With a word that helps, and no value of a patient."""
    with pytest.raises(click.ClickException, match=says) as refusal:
        read_table(file_of(tmp_path, content))
    assert "ller" not in refusal.value.message
