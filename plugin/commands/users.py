"""`ehr-bridge user`: local accounts, in the database; creates the first administrator."""

from __future__ import annotations

import getpass
import re
import sys

import click

from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.settings import Settings
from plugin.commands.installation import known_roles, opened

USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@click.group("user")
def user() -> None:
    """Local accounts."""


@user.command()
@click.argument("username")
@click.option("--name", required=True, help="Full name.")
@click.option("--role", "roles", multiple=True, required=True, help="A role; several add up.")
@click.option("--temporary", is_flag=True, help="The password must be changed at the first sign-in.")
@click.pass_obj
def add(settings: Settings, username: str, name: str, roles: tuple[str, ...], temporary: bool) -> None:
    """Create an account; the password is asked for, or read from standard input."""
    if USERNAME.fullmatch(username) is None:
        raise click.BadParameter("use letters, digits and . _ @ - (at most 64)")
    if not name.strip() or len(name) > 64:
        raise click.BadParameter("give a name of 1 to 64 characters", param_hint="--name")
    roles = tuple(known_roles(settings, roles))
    password = read_password()
    with opened(settings, create=True) as services:
        made = services.accounts.create(
            username, name.strip(), password, roles, operator(), must_change_password=temporary
        )
    if not made:
        raise click.ClickException(f"there is an account named {username} already; nothing was changed")
    click.echo(f"made {username} ({', '.join(roles)})")


@user.command("list")
@click.pass_obj
def list_users(settings: Settings) -> None:
    """Every account with its roles."""
    with opened(settings, create=False) as services:
        offset = 0
        while True:
            page = services.accounts.search(500, offset)
            for account in page.items:
                state = "locked" if account.locked_until else "active" if account.active else "off"
                click.echo(f"{account.username}\t{','.join(account.roles)}\t{state}\t{account.full_name}")
            offset += len(page.items)
            if offset >= page.total or not page.items:
                break


@user.command()
@click.argument("username")
@click.option("--temporary", is_flag=True, help="It must be changed at the next sign-in.")
@click.pass_obj
def password(settings: Settings, username: str, temporary: bool) -> None:
    """Set a password; it is asked for, or read from standard input. Ends the account's sessions and any lock."""
    new = read_password()
    with opened(settings, create=False) as services:
        services.accounts.set_password(username, new, operator(), temporary=temporary)
    click.echo(f"{username} has a new password")


@user.command()
@click.argument("username")
@click.pass_obj
def disable(settings: Settings, username: str) -> None:
    """Switch an account off; its sessions end within a second."""
    with opened(settings, create=False) as services:
        account = services.accounts.get(username)
        services.accounts.change(username, account.full_name, account.roles, False, operator())
    click.echo(f"{username} is switched off")


def read_password() -> str:
    """From the terminal, twice, without showing it; or one line of standard input."""
    if sys.stdin.isatty():
        answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return answer
    return sys.stdin.readline().rstrip("\r\n")


def operator() -> Origin:
    """Who runs the command, for the audit trail."""
    try:
        name = getpass.getuser()
    except OSError:  # a user id without a name, as in containers
        name = "unknown"
    return Origin(f"command:{name}")
