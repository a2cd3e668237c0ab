"""`ehr-bridge selftest`: plays EHR and modality against the running server, and removes what it made."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import requests

from ehr_bridge.errors import NotFound
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.selftest.numbers import AE_TITLE, Run
from ehr_bridge.settings import Settings
from plugin.commands.installation import opened, with_secret
from plugin.commands.users import operator
from plugin.selftest.cleaning import clean
from plugin.selftest.dimse import Listener
from plugin.selftest.hearing_ehr import HearingEhr, forget_destinations
from plugin.selftest.modality import DESCRIPTION, PATH, Modality
from plugin.selftest.outcomes import Failed, Outcome, Report, Row
from plugin.selftest.playing import play
from plugin.selftest.stage import Stage

WORDS = {
    Outcome.PASSED: "ok",
    Outcome.FAILED: "FAIL",
    Outcome.NOT_CONFIGURED: "not configured",
    Outcome.NOT_TRIED: "not tried",
}
NOTES = {Outcome.NOT_CONFIGURED: "opened by", Outcome.NOT_TRIED: "because"}


@click.command("selftest")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@click.option("--clean", "only_clean", is_flag=True, help="Only remove what an interrupted self-test has left.")
@click.pass_context
def selftest(context: click.Context, as_json: bool, only_clean: bool) -> None:
    """Play EHR and modality against the server of this installation, and show each IHE transaction with its outcome.

    Its patients are called SELFTEST, and so their numbers begin; all of it is removed at the end. Run it on the
    server's machine, with the server's own environment. Exit code 0: every transaction whose door is open passed. 1: it
    could not be done, or was stopped. 3: a transaction failed, or something could not be removed.
    """
    settings = with_secret(context.obj)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C: what was made is removed
    with _alone(settings), opened(settings, create=False) as services:
        stage = Stage(settings, Run.new())
        report = Report(lambda _row: None if as_json else _show(_row))
        _require_ours(stage, services)
        report.left += clean(services.selftest, services.selftest.runs(), operator())
        is_stopped = not only_clean and _play(stage, report, services, as_json)
    if as_json:
        click.echo(json.dumps(report.as_json(stage.run.token), indent=1))
    else:
        _conclude(report)
    if is_stopped:
        raise click.ClickException("stopped; what it had made is removed" if not report.left else "stopped")
    context.exit(0 if report.is_good else 3)


def _play(stage: Stage, report: Report, services: Services, as_json: bool) -> bool:
    """Play, and remove everything; whether it was stopped before the end."""
    listener, hearing = Listener(), HearingEhr(stage, report)
    try:
        modality = Modality(stage, report, listener)
        _register(modality, stage, services)
        if not as_json:
            click.echo(f"self-test {stage.run.token} of {stage.base}")
        play(stage, report, modality, hearing)
    except KeyboardInterrupt:
        return True
    finally:
        try:
            report.left += clean(services.selftest, [stage.run], operator())
            _unregister(stage)
        finally:
            listener.stop()
            hearing.stop()
    return False


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Raises ClickException while another self-test of this installation runs: each would remove the other's."""
    try:
        folder = os.open(settings.data_dir, os.O_RDONLY)
    except OSError as error:
        raise click.ClickException(f"{settings.data_dir}: {error.strerror}") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise click.ClickException("another self-test of this installation is running; wait until it ends") from None
    finally:
        os.close(folder)


def _require_ours(stage: Stage, services: Services) -> None:
    """Raises ClickException when no server answers, or it is not the one of this environment; nothing was made yet."""
    try:
        known = stage.ask("GET", PATH, "admin", 200, 404)
        _require_not_a_device(known.json())
        if known.status_code == 200:
            _unregister(stage)
    except requests.RequestException:
        raise click.ClickException(f"no server answers at {stage.base}; start it first") from None
    except Failed as failure:
        raise click.ClickException(
            f"the server at {stage.base} does not take a token of this installation ({failure.came}); run the command "
            "with the server's own environment: EHR_BRIDGE_JWT_SECRET, EHR_BRIDGE_JWT_AUDIENCE, --data-dir"
        ) from None


def _require_not_a_device(known: dict[str, Any]) -> None:
    if known.get("ae_title") and known["description"] != DESCRIPTION:
        raise click.ClickException(f"a modality is registered as {AE_TITLE}, which the self-test calls itself")


def _register(modality: Modality, stage: Stage, services: Services) -> None:
    """Register the modality; raises ClickException when the server writes into another database than the command's."""
    try:
        modality.register()
        services.modalities.get(AE_TITLE)
    except Failed as failure:
        raise click.ClickException(f"the modality {AE_TITLE} could not be registered: {failure}") from None
    except NotFound:
        raise click.ClickException(
            f"the server at {stage.base} uses another database than this command; run it with the server's own "
            "environment: EHR_BRIDGE_DATABASE_URL, --data-dir"
        ) from None


def _unregister(stage: Stage) -> None:
    try:
        forget_destinations(stage)  # first: an interrupted self-test is known by its modality
        stage.ask("DELETE", PATH, "admin", 204, 404)
    except (Failed, requests.RequestException) as error:
        click.echo(f"the modality {AE_TITLE} or a destination of the self-test is still registered: {error}", err=True)


def _show(row: Row) -> None:
    took = f"{row.milliseconds} ms" if row.outcome in (Outcome.PASSED, Outcome.FAILED) else ""
    line = f"{WORDS[row.outcome]:<15} {row.transaction or '-':<8} {row.door:<13} {row.what:<48} {took:>8}"
    click.echo(line.rstrip())
    for word, said in (("expected", row.expected), ("came", row.came), (NOTES.get(row.outcome, ""), row.note)):
        if said:
            click.echo(f"{'':<15} {word} {said}")


def _conclude(report: Report) -> None:
    for line in report.left:
        click.echo(f"left: {line}")
    counts = ", ".join(f"{report.count(outcome)} {word}" for outcome, word in WORDS.items() if report.count(outcome))
    removed = "" if report.left else "nothing is left but the audit trail"
    click.echo("; ".join(filter(None, (counts, removed))))
