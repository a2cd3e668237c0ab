"""CSV files of patients and orders: a row becomes an item of a batch, with the number of its line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import click

from ehr_bridge.api.registry.batches import OrderItem, PatientItem

DELIMITERS = ";,"
STEPS = "further_steps"
"""A column of JSON."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the rows of a file are."""

    name: str
    number: str
    """The column that names a row."""
    columns: frozenset[str]

    @property
    def path(self) -> str:
        return f"{self.name}/batch"


PATIENTS = Kind("patients", "mrn", frozenset(PatientItem.model_fields))
ORDERS = Kind("orders", "accession_number", frozenset(OrderItem.model_fields))


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    """Where it begins; the header is line 1."""
    item: dict[str, Any]
    fault: tuple[str, str] | None = None
    """Field and reason, where it cannot be sent."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file that was read as a whole."""

    path: Path
    kind: Kind
    rows: list[Row]


def read_table(path: Path) -> Table:
    """The rows of a file in UTF-8, with or without BOM, between `;` or `,`. Raises ClickException when it is no such
    file, or a column is unknown; the message names no value."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(path, file)
    except UnicodeDecodeError:
        raise click.ClickException(f"{path}: not UTF-8; save it as CSV UTF-8") from None
    except csv.Error as error:
        raise click.ClickException(f"{path}: not a CSV file ({error})") from None


def _read(path: Path, file: TextIO) -> Table:
    header = file.readline()
    delimiter = max(DELIMITERS, key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    kind = ORDERS if ORDERS.number in names else PATIENTS
    if kind.number not in names:
        raise click.ClickException(f"{path}: the first line names no column mrn or accession_number")
    if unknown := sorted(set(names) - kind.columns):
        known = ", ".join(sorted(kind.columns))
        raise click.ClickException(f"{path}: unknown column {', '.join(unknown)}; there are {known}")
    if len(set(names)) < len(names):
        raise click.ClickException(f"{path}: a column comes twice")
    return Table(path, kind, list(_rows(names, file, delimiter)))


def _rows(names: list[str], file: TextIO, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    line = 2
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield _row(line, names, cells)
        line = reader.line_num + 2


def _row(line: int, names: list[str], cells: list[str]) -> Row:
    """An empty cell says nothing: its field is left out."""
    if len(cells) != len(names):
        return Row(line, {}, ("row", f"has {len(cells)} cells, and the first line {len(names)}"))
    item: dict[str, Any] = {name: cell.strip() for name, cell in zip(names, cells, strict=True) if cell.strip()}
    if STEPS in item:
        try:
            item[STEPS] = json.loads(item[STEPS])
        except ValueError:
            return Row(line, {}, (STEPS, "not JSON"))
    return Row(line, item)
