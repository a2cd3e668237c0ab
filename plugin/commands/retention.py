"""`ehr-bridge retention`: lists what the server proposes by age, and requests the deletions that somebody wants.

What may go is decided by the server alone, as in the pages. A rule decides nothing: whoever runs the command with
--request is the first person, and another one approves.
"""

from __future__ import annotations

import csv
import sys
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from ehr_bridge.services.deletion.years_kept import ANY, LEAST_AGE, YearsKept, read_rules
from ehr_bridge.settings import Settings
from plugin.commands.installation import with_secret
from plugin.commands.remote import Remote, Server, own_token
from plugin.commands.users import operator

PAGE = 500
"""As many as one page lists, and one batch requests."""
READING = timedelta(minutes=15)
"""Whoever has opened a study so long before the command may be reading it: all of its images were read at once."""
REPORT = ("study_instance_uid", "study_date", "modalities", "number_of_instances", "rule", "outcome")
PROPOSED, REQUESTED = "proposed", "requested"


def proposals(server: Server, rules: YearsKept) -> Iterator[dict[str, Any]]:
    """The pages of what the rules propose, as the server answers; `seen_at` is since when nobody may have read them."""
    query = {"rules": str(rules), "least_age": str(rules.least_age), "limit": str(PAGE)}
    cursor: str | None = None
    seen_at: str | None = None
    while True:
        page = _said(*server.ask("GET", "retention/proposals", params=query | ({"cursor": cursor} if cursor else {})))
        seen_at = seen_at or (datetime.fromisoformat(page["read_at"]) - READING).isoformat()
        yield page | {"seen_at": seen_at}
        cursor = page["next"]
        if cursor is None:
            return


def unknown(server: Server, rules: YearsKept) -> list[str]:
    """The modalities with a rule that no study has: perhaps they are misspelt, and `any` decides about theirs."""
    named = [one for one in rules.years if one != ANY]
    return [one for one in named if not _studies(server, one)]


def request(server: Server, rules: YearsKept, page: Mapping[str, Any], reason: str) -> dict[str, str]:
    """Request the deletion of all studies of a page, as one batch; what became of each: `requested`, or the code with
    which it was left out."""
    uids = [one["study_instance_uid"] for one in page["studies"]]
    body = {
        "rules": str(rules),
        "least_age": rules.least_age,
        "study_instance_uids": uids,
        "seen_at": page["seen_at"],
        "reason": reason,
    }
    key = {"Idempotency-Key": str(uuid.uuid4())}  # the answer may be lost, and is asked for again
    done = _said(*server.ask("POST", "retention/batches", headers=key, json=body))
    return dict.fromkeys(uids, REQUESTED) | {one["study_instance_uid"]: one["code"] for one in done["left_out"]}


def _studies(server: Server, modality: str) -> list[Any]:
    return list(_said(*server.ask("GET", "dicom/studies", params={"modality": modality, "limit": "1"}))["items"])


def _said(status: int, answer: Any) -> dict[str, Any]:
    if status != 200:
        code = answer.get("code", f"http_{status}") if isinstance(answer, dict) else f"http_{status}"
        fields = ", ".join(one["message"] for one in answer.get("errors", ())) if isinstance(answer, dict) else ""
        raise click.ClickException(f"the server refused: {code}" + (f" ({fields})" if fields else ""))
    return dict(answer)


def _rules(_context: click.Context, _option: click.Parameter, given: Sequence[str]) -> dict[str, int]:
    try:
        return read_rules(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("retention")
@click.option("--rule", "years", multiple=True, required=True, callback=_rules, help="MODALITY=YEARS; any=YEARS.")
@click.option(
    "--least-age", type=click.IntRange(0, 150), default=LEAST_AGE, show_default=True, help="Younger patients' stay."
)
@click.option("--request", "reason", metavar="REASON", help="Request the deletion of all that are listed.")
@click.option("--as", "account", metavar="USER", help="Your name when you sign in: you cannot approve these requests.")
@click.option("--report", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Into this file.")
@click.pass_context
def retention(
    context: click.Context,
    years: dict[str, int],
    least_age: int,
    reason: str | None,
    account: str | None,
    report: Path | None,
) -> None:
    """List studies that have been kept for long enough, as CSV; with --request, request their deletion.

    Nothing is deleted by this: each request hides its study, and waits on the Deletions page for another person.
    """
    if reason is not None and not (account or "").strip():
        raise click.UsageError("--request needs --as USER, the name with which you sign in: another person approves")
    settings, rules = with_secret(context.obj), YearsKept(years, least_age)
    server = Remote(f"http://127.0.0.1:{settings.http_port}", lambda: _token(settings, account))
    if missing := unknown(server, rules):
        said = f"no study has the modality {', '.join(missing)}"
        if reason is not None:
            raise click.ClickException(f"{said}; correct its rule or leave it out")
        click.echo(said, err=True)
    file = sys.stdout if report is None else report.open("w", encoding="utf-8", newline="")
    rows = csv.writer(file)
    rows.writerow(REPORT)
    counted: Counter[str] = Counter()
    for page in proposals(server, rules):
        outcomes: dict[str, str] = {}
        if reason is not None and page["studies"]:
            outcomes = request(server, rules, page, f"{reason} ({operator().actor})")
        for study in page["studies"]:
            outcome = outcomes.get(study["study_instance_uid"], PROPOSED)
            counted[outcome] += 1
            uid, day, number, rule = (
                study[name] for name in ("study_instance_uid", "study_date", "number_of_instances", "rule")
            )
            rows.writerow([uid, day, " ".join(study["modalities"]), number, rule, outcome])
        file.flush()
    click.echo(", ".join(f"{n} {what}" for what, n in counted.items()) or "no study is old enough", err=True)
    context.exit(0 if counted.keys() <= {PROPOSED, REQUESTED} else 3)


def _token(settings: Settings, account: str | None) -> str:
    """In the name of the person, so that the server does not let them approve what they have requested."""
    return own_token(settings, "ehr-bridge retention", "radiologist", None if account is None else account.strip())
