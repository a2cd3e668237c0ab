"""`ehr-bridge audit`: verifies the audit trail in the database, without a server."""

from __future__ import annotations

import click

from ehr_bridge.services import audit as trail
from ehr_bridge.settings import Settings
from plugin.commands.installation import opened


@click.group("audit")
def audit() -> None:
    """The audit trail."""


@audit.command()
@click.pass_context
def verify(context: click.Context) -> None:
    """Verify the whole chain; exit code 1 when an event is missing or altered."""
    settings: Settings = context.obj
    with opened(settings, create=False) as services, services.database.read() as session:
        found = trail.verify(session)
    if not found.ok:
        click.echo(f"broken at event {found.broken_at}; the {found.events} before it are unaltered", err=True)
        context.exit(1)
    click.echo(f"{found.events} events, every one there and unaltered")
