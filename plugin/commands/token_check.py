"""`ehr-bridge check-token`: what the server would find wrong with a token."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime

import click

from ehr_bridge.auth.authenticator import KEY_PREFIX, MOST_CHARACTERS
from ehr_bridge.auth.examination import examine
from ehr_bridge.services.accounts.token_rules import keys_at_hand, token_rules
from ehr_bridge.settings import Settings, SettingsError
from plugin.commands.installation import WrongSettings, with_secret

WORDS = {"ok": "ok  ", "note": "note", "fail": "FAIL"}


@click.command("check-token")
@click.pass_context
def check_token(context: click.Context) -> None:
    """Read a token from standard input and say what the server would find wrong with it.

    Works without the server and without a network. Prints neither the token nor any secret. Exit code 1 when the
    server would refuse it.
    """
    settings: Settings = context.obj
    given = sys.stdin.read(MOST_CHARACTERS + 100)
    token = re.sub(r"^(authorization:\s*)?(bearer\s+)?", "", given.strip(), flags=re.IGNORECASE)
    if not token:
        raise click.UsageError("give the token on standard input: scripts/ehr-bridge check-token < FILE")
    if token.startswith(KEY_PREFIX):
        raise click.ClickException("this is a service key and no token; the page Accounts lists the keys")
    if len(token) + len("Bearer ") > MOST_CHARACTERS:
        raise click.ClickException(f"the token is longer than {MOST_CHARACTERS} characters")
    try:
        rules, keys = token_rules(with_secret(settings)), keys_at_hand(settings)
    except SettingsError as error:
        raise WrongSettings(error) from None
    findings = list(examine(token, rules, keys, datetime.now(UTC)))
    for claim, state, said in findings:
        click.echo(f"{WORDS[state]}  {claim}: {said}")
    context.exit(1 if any(finding.state == "fail" for finding in findings) else 0)
