"""The installation that a command works on: settings, secret and services, from where the server reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import SecretStr

from ehr_bridge.auth.tokens import TokenRules
from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.errors import BridgeError, InvalidInput
from ehr_bridge.services.accounts.roles import load_roles
from ehr_bridge.settings import Settings, SettingsError, load_settings
from plugin.starting.kept_secret import kept_secret

if TYPE_CHECKING:
    from ehr_bridge.services.bundle import Services

SECRET_FILE = "jwt-secret"  # noqa: S105  (its name, not the secret)


class WrongSettings(click.ClickException):
    """A setting cannot be used; exit code 2, as in scripts/run."""

    exit_code = 2

    def __init__(self, error: SettingsError) -> None:
        super().__init__("\n".join(f"setting {line}" for line in error.problems))


def read_settings(data_dir: str | None) -> Settings:
    """Settings from the environment; options override variables. Creates nothing. Raises WrongSettings when a variable
    is unknown or malformed."""
    os.umask(0o077)
    if data_dir is not None:
        os.environ["EHR_BRIDGE_DATA_DIR"] = data_dir
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        raise WrongSettings(error) from None
    return settings.model_copy(update={"data_dir": settings.data_dir.resolve()})


def with_secret(settings: Settings) -> Settings:
    """The same settings with the secret that the server uses. Raises ClickException when it does not exist or is not
    readable."""
    if settings.jwt_secret is not None:
        return settings
    path = settings.data_dir / SECRET_FILE
    try:
        secret = path.read_text().strip()
    except OSError as error:
        raise click.ClickException(
            f"no secret at {path} ({error.strerror}): set EHR_BRIDGE_JWT_SECRET, or name the data directory of a "
            "server that has been started (--data-dir)"
        ) from None
    return settings.model_copy(update={"jwt_secret": SecretStr(secret)})


def known_roles(settings: Settings, roles: tuple[str, ...]) -> list[str]:
    """The named roles without duplicates. Raises ClickException when one does not exist, or the file of roles cannot be
    used."""
    try:
        return load_roles(settings.roles).require_known(roles)
    except SettingsError as error:
        raise WrongSettings(error) from None
    except InvalidInput as error:
        raise click.BadParameter(error.detail, param_hint="--role") from None


def token_rules(settings: Settings) -> TokenRules:
    """How tokens of this installation are made; `settings` must have its secret."""
    assert settings.jwt_secret is not None
    return TokenRules(settings.jwt_secret.get_secret_value(), settings.jwt_audience, settings.jwt_issuer)


def has_database(settings: Settings) -> bool:
    """False when the SQLite file of the data directory does not exist."""
    return settings.database_url is not None or Path(settings.sqlalchemy_url.removeprefix("sqlite:///")).exists()


@contextmanager
def opened(settings: Settings, *, create: bool) -> Iterator[Services]:
    """The services on the installation's database.

    With `create`, makes what a first start would make (folder, secret, tables); without, the database must exist and be
    current. Raises ClickException when it is missing, not current or does not answer, and for refusals by a service.
    """
    from ehr_bridge.services.bundle import build_services  # half the product: not for commands that need no database

    try:
        if create:
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            if settings.jwt_secret is None:
                kept_secret(settings.data_dir / SECRET_FILE)
        elif not has_database(settings):
            raise click.ClickException(f"no database in {settings.data_dir}; name the data directory with --data-dir")
        database = Database(settings.sqlalchemy_url)
        try:
            if create:
                migrate.upgrade(database)
            with database.read() as session:
                session.connection()
            if not migrate.is_current(database):
                raise click.ClickException("the database is of another version; start the server once to migrate it")
            yield build_services(with_secret(settings), database)
        finally:
            database.dispose()
    except SettingsError as error:
        raise WrongSettings(error) from None
    except BridgeError as error:
        raise click.ClickException(error.detail) from None
    except migrate.NewerSchema as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or settings.data_dir}: {error.strerror}") from None
