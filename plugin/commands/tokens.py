"""`ehr-bridge token`: a user token like the EHR's, for developing against the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from ehr_bridge.auth.tokens import make_user_token
from ehr_bridge.settings import Settings
from plugin.commands.installation import known_roles, token_rules, with_secret


@click.command()
@click.argument("subject")
@click.option("--role", "roles", multiple=True, required=True, help="A role; several add up.")
@click.option("--name", help="For people; the subject when left out.")
@click.option("--minutes", type=click.IntRange(1, 24 * 60), default=60, show_default=True, help="How long it is good.")
@click.pass_obj
def token(settings: Settings, subject: str, roles: tuple[str, ...], name: str | None, minutes: int) -> None:
    """Print a user token for SUBJECT. It gives its holder the rights of its roles, and cannot be revoked."""
    if not subject.strip() or len(subject) > 255:
        raise click.BadParameter("give a subject of 1 to 255 characters")
    made = make_user_token(
        token_rules(with_secret(settings)),
        subject=subject,
        name=name or subject,
        roles=known_roles(settings, roles),
        now=datetime.now(UTC),
        ttl=timedelta(minutes=minutes),
    )
    click.echo(made)
