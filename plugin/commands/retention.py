"""`ehr-bridge retention`: proposes deletions by age, and requests those that somebody wants.

A rule decides nothing. Whoever runs the command with --request is the first person, and another one approves.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import click

from ehr_bridge.db.states import LinkStatus
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services.bundle import utc_now
from ehr_bridge.services.deletion.years_kept import ANY, LEAST_AGE, NEW, YearsKept, read_rules, years_before
from ehr_bridge.settings import Settings
from plugin.commands.installation import with_secret
from plugin.commands.remote import Remote, own_token
from plugin.commands.users import operator

PAGE = 500
REPORT = ("study_instance_uid", "study_date", "modalities", "number_of_instances", "rule", "outcome")
UNFINISHED = frozenset({ReportStatus.DRAFT, ReportStatus.PRELIMINARY})


class Server(Protocol):
    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **content: Any) -> tuple[int, Any]:
        """See `Remote.ask`."""


def rule_of(rules: YearsKept, study: Mapping[str, Any], today: date) -> str | None:
    """The rule by which a study may go; None when it stays: also one without a date, without a certain patient, of a
    patient whose age is unknown or too low, from before the patient's birth, or new here."""
    rule, said, born = rules.rule_of(study["modalities"]), study["study_date"], study["patient_birth_date"]
    if rule is None or study["link_status"] != LinkStatus.LINKED or study["number_in_quarantine"]:
        return None
    if not said or not born or said < born:
        return None
    if study["created_at"][:10] >= years_before(today, NEW).isoformat():
        return None
    is_due = date.fromisoformat(said) <= years_before(today, int(rule.partition("=")[2]))
    return rule if is_due and date.fromisoformat(born) <= years_before(today, rules.least_age) else None


def proposals(server: Server, rules: YearsKept, today: date) -> Iterator[tuple[dict[str, Any], str]]:
    """Each study that may go, with its rule; none of a restricted patient, on hold, requested already, or with a report
    that is being written or is preliminary."""
    for study in _old(server, years_before(today, rules.fewest)):
        rule = rule_of(rules, study, today)
        if rule is not None and not _is_needed(server, study["study_instance_uid"]):
            yield study, rule


def unknown(server: Server, rules: YearsKept) -> list[str]:
    """The modalities with a rule that no study has: perhaps they are misspelt, and `any` decides about theirs."""
    named = [one for one in rules.years if one != ANY]
    return [one for one in named if not _get(server, "dicom/studies", {"modality": one, "limit": "1"})["items"]]


def request(server: Server, study: Mapping[str, Any], reason: str) -> str:
    """Request a deletion; `requested`, or the code of the refusal."""
    path = f"dicom/studies/{study['study_instance_uid']}"
    status, answer = server.ask("DELETE", path, headers={"X-Reason": reason})
    return "requested" if status == 202 else str(answer.get("code", f"http_{status}"))


def _old(server: Server, until: date) -> Iterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    while True:
        page = _get(
            server, "dicom/studies", {"to": until.isoformat(), "limit": str(PAGE), "sort": "study_date", **cursor}
        )
        yield from page["items"]
        if not page.get("next"):
            return
        cursor = {"cursor": page["next"]}


def _is_needed(server: Server, uid: str) -> bool:
    status, _ = server.ask("GET", f"dicom/studies/{uid}/hold")
    if status != 204:
        return True
    reports = _get(server, "reports", {"study": uid})["items"]
    return any(one["draft_kind"] is not None or one["status"] in UNFINISHED for one in reports)


def _get(server: Server, path: str, query: Mapping[str, str]) -> dict[str, Any]:
    status, answer = server.ask("GET", path, params=query)
    if status != 200:
        raise click.ClickException(f"the server does not answer {path} ({answer.get('code', f'http_{status}')})")
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
    settings = with_secret(context.obj)
    rules, today = YearsKept(years, least_age), utc_now().date()
    server = Remote(f"http://127.0.0.1:{settings.http_port}", lambda: _token(settings, account))
    if missing := unknown(server, rules):
        said = f"no study has the modality {', '.join(missing)}"
        if reason is not None:
            raise click.ClickException(f"{said}; correct its rule or leave it out")
        click.echo(said, err=True)
    found = list(proposals(server, rules, today))  # before any is hidden
    file = sys.stdout if report is None else report.open("w", encoding="utf-8", newline="")
    rows = csv.writer(file)
    rows.writerow(REPORT)
    outcomes: Counter[str] = Counter()
    for study, rule in found:
        outcome = (
            "proposed" if reason is None else request(server, study, f"{reason} ({rule} years; {operator().actor})")
        )
        outcomes[outcome] += 1
        modalities = " ".join(study["modalities"])
        uid, day, number = (study[name] for name in ("study_instance_uid", "study_date", "number_of_instances"))
        rows.writerow([uid, day, modalities, number, rule, outcome])
    file.flush()
    click.echo(", ".join(f"{n} {what}" for what, n in outcomes.items()) or "no study is old enough", err=True)
    context.exit(0 if outcomes.keys() <= {"proposed", "requested"} else 3)


def _token(settings: Settings, account: str | None) -> str:
    """In the name of the person, so that the server does not let them approve what they have requested."""
    return own_token(settings, "ehr-bridge retention", "radiologist", None if account is None else account.strip())
