"""`ehr-bridge load`: sends patients and orders from CSV files to a server, in batches."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import Any

import click

from ehr_bridge.auth.authenticator import MOST_CHARACTERS
from ehr_bridge.settings import Settings
from plugin.commands.installation import with_secret
from plugin.commands.remote import Remote, ServerAway, own_token
from plugin.commands.tables import ORDERS, PATIENTS, Row, Table, read_table

AT_ONCE = 500
"""Rows of one request."""
REPORT = ("file", "line", "field", "code", "reason")


@dataclass(slots=True)
class Load:
    """What became of the rows so far."""

    is_partial: bool
    is_dry: bool
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, int, str, str, str]] = field(default_factory=list)
    """As `REPORT` says; without a value of a patient."""
    patients: set[str] = field(default_factory=set)
    """The numbers that a dry run would register."""

    def refuse(self, table: Table, row: Row, code: str, faults: Sequence[tuple[str, str]]) -> None:
        """A row is not taken, for each of these fields ('': for the whole of it) and reasons."""
        self.counts["failed"] += 1
        self.refused += [(table.path.name, row.line, name, code, reason) for name, reason in faults]

    def will_be_there(self, code: str, order: Mapping[str, Any]) -> bool:
        """Whether a dry run refuses an order only because its patient, from the file before, was not kept."""
        return self.is_dry and code == "patient_not_found" and not self.patients.isdisjoint(_names(order))


@click.command("load")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE..."
)
@click.option("--partial", is_flag=True, help="Rows say only what they know: what is not in the file stays.")
@click.option("--dry-run", is_flag=True, help="The server checks everything and keeps nothing.")
@click.option(
    "--report", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="CSV of what was refused."
)
@click.option("--url", help="Server; default: this machine, at the configured port.")
@click.option("--token-stdin", is_flag=True, help="Read a token or service key from standard input.")
@click.pass_context
def load(
    context: click.Context,
    files: tuple[Path, ...],
    partial: bool,
    dry_run: bool,
    report: Path | None,
    url: str | None,
    token_stdin: bool,
) -> None:
    """Send patients and orders from CSV files; patients first. Running it again changes nothing more.

    Columns are named as the fields of the API; a file with a column accession_number holds orders. UTF-8, between ; or
    commas. Exit code 0: everything is taken. 1: it stopped before the end. 3: complete, but some rows were refused.
    """
    settings: Settings = context.obj
    tables = sorted((read_table(path) for path in files), key=lambda table: table.kind is ORDERS)
    server = Remote(url or f"http://127.0.0.1:{settings.http_port}", _token(settings, from_stdin=token_stdin))
    done = Load(is_partial=partial, is_dry=dry_run)
    if report is not None:
        _write(report, done)  # before anything is sent: it must be possible
    try:
        for table in tables:
            _send(table, server, done)
    except KeyboardInterrupt:
        raise ServerAway("stopped; run the same command again to go on") from None
    finally:
        if report is not None:
            _write(report, done)
    if report is None:
        for name, line, column, code, reason in done.refused:
            click.echo(f"refused: {name} line {line}: {column or '-'}: {code}: {reason}", err=True)
    would = "would be " if dry_run else ""
    created, updated, failed = (done.counts[status] for status in ("created", "updated", "failed"))
    click.echo(f"{created} {would}created, {updated} {would}updated or the same, {failed} refused")
    context.exit(3 if failed else 0)


def _token(settings: Settings, *, from_stdin: bool) -> Callable[[], str]:
    """The token of each request: the given one, or a short one of this installation. It is never an argument, which
    others on the machine could read."""
    if not from_stdin:
        settings = with_secret(settings)
        return lambda: own_token(settings, "ehr-bridge load", "service")
    given = sys.stdin.read(MOST_CHARACTERS + 1).strip()
    if not given or len(given) > MOST_CHARACTERS or not (given.isascii() and given.isprintable()):
        raise click.UsageError("give the token or service key on standard input: … --token-stdin < FILE")
    return lambda: given


def _send(table: Table, server: Remote, done: Load) -> None:
    good = []
    for row in table.rows:
        if row.fault is None:
            good.append(row)
        else:
            done.refuse(table, row, "malformed_row", [row.fault])
    with click.progressbar(length=len(good), label=table.path.name) as bar:
        for some in batched(good, AT_ONCE, strict=False):
            _send_some(table, some, server, done)
            bar.update(len(some))


def _send_some(table: Table, rows: Sequence[Row], server: Remote, done: Load) -> None:
    body = {"items": [row.item for row in rows], "partial": done.is_partial, "dry_run": done.is_dry}
    status, answer = server.ask("POST", table.kind.path, json=body)
    if status != 200:
        code, detail = answer.get("code", f"http_{status}"), answer.get("detail", "nothing of this batch was taken")
        raise ServerAway(
            f"the server refuses the batch from line {rows[0].line} of {table.path.name} ({code}): {detail}"
        )
    for row, item in zip(rows, answer["items"], strict=True):
        error = item["error"]
        if error is not None and not done.will_be_there(error["code"], row.item):
            faults = [(one["field"], one["message"]) for one in error["errors"]] or [("", error["message"])]
            done.refuse(table, row, error["code"], faults)
            continue
        done.counts["created" if error is not None else item["status"]] += 1
        if done.is_dry and table.kind is PATIENTS:
            done.patients |= _names(row.item)


def _names(item: Mapping[str, Any]) -> set[str]:
    """How an order may name the patient of this row, or of which patient an order of this row is."""
    mrn, issuer = str(item.get("mrn", "")), item.get("issuer")
    return {mrn} if issuer is None else {mrn, f"{issuer}|{mrn}"}


def _write(report: Path, done: Load) -> None:
    try:
        with report.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([REPORT, *done.refused])
    except OSError as error:
        raise click.ClickException(f"{report}: {error.strerror}") from None
