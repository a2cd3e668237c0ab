"""What the database says to `ehr-bridge doctor`: it is opened once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import click

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.errors import Unavailable
from ehr_bridge.matching.issuers import Authority
from ehr_bridge.services.backups.state import advice_on, backups_now
from ehr_bridge.services.delivery.sealing_again import Seals, look_at_seals
from ehr_bridge.services.delivery.secrets import Safe
from ehr_bridge.services.fixity.state import count_damaged
from ehr_bridge.services.nodes import advice as node_advice
from ehr_bridge.services.nodes.register import KnownNode, Nodes
from ehr_bridge.services.registry.authorities import Numbers, advice, authorities_of, numbers_on_record, obstacle
from ehr_bridge.settings import Settings
from plugin.commands.doctor.findings import Finding
from plugin.commands.installation import has_database, with_secret


def look_at_database(settings: Settings) -> list[Finding]:
    """Asked once: of itself, of the files that the server found damaged, and of those who give numbers."""
    known = authorities_of(settings)
    damaged, numbers, nodes, seals, backups = None, None, None, None, list[Finding]()
    if not has_database(settings):
        fix = "start the server once, or set EHR_BRIDGE_DATABASE_URL"
        none = Finding("database", "there is none yet", fix)
        return [none, _files(damaged), _authorities(numbers, known), _nodes(nodes)]
    database = Database(settings.sqlalchemy_url)
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    try:
        with database.read() as session:
            session.connection()
            if migrate.is_current(database):
                damaged, numbers = count_damaged(session), numbers_on_record(session, known)
                nodes = Nodes(database, settings, lambda: datetime.now(UTC)).look(marks_this=False)
                made = backups_now(session, is_scheduled=settings.backup_enabled, now=datetime.now(UTC))
                with suppress(click.ClickException):
                    seals = look_at_seals(session, Safe(with_secret(settings).shared_secret))
                backups.append(Finding("backups", *advice_on(made), is_warning=True))
                state = Finding("database", f"{kind}, migrated")
            else:
                state = Finding("database", f"{kind}, of another version", "start the server once; it migrates")
    except Unavailable:
        fix = "look at EHR_BRIDGE_DATABASE_URL and at the database"
        state = Finding("database", f"{kind} does not answer", fix)
    finally:
        database.dispose()
    return [state, _files(damaged), _authorities(numbers, known), _nodes(nodes), _destinations(seals), *backups]


def _not_known(name: str) -> Finding:
    """Nothing is said to be well that was not looked at."""
    return Finding(name, "not known without the database", "see to the database first, then ask again", True)


def _files(damaged: int | None) -> Finding:
    """What the server found when it last read the stored files; reads none itself."""
    if damaged is None:
        return _not_known("files")
    if damaged:
        fix = "the System page names them; restore them from a backup: docs/runbooks/damaged-file.md"
        return Finding("files", f"{damaged} stored files are damaged or missing", fix, True)
    return Finding("files", "none is known to be damaged")


def _authorities(numbers: Numbers | None, known: Sequence[Authority]) -> Finding:
    """Whether recorded numbers have a configured issuer."""
    if numbers is None:
        return _not_known("authorities")
    if (said := obstacle(numbers, known)) is not None:
        return Finding("authorities", "the server does not start like this", said)
    if (said := advice(numbers, known)) is not None:
        return Finding("authorities", "some numbers have no configured issuer", said, True)
    names = ", ".join(one.name for one in known)
    return Finding("authorities", f"{names} give numbers, each its own" if known else "one gives all numbers")


def _nodes(nodes: Sequence[KnownNode] | None) -> Finding:
    """The register of nodes: who is lost, and who does not fit the others."""
    if nodes is None:
        return _not_known("nodes")
    state, fix = node_advice.advice_on(nodes)
    return Finding("nodes", state, fix, fix is not None)


def _destinations(seals: Seals | None) -> Finding:
    """Whether their secrets can be read; only what was looked at is said to be well."""
    name = "destinations"
    if seals is None:
        return Finding(name, "not known without the database and the secret", "run this as the server is run", True)
    if seals.lost:
        fix = "set EHR_BRIDGE_JWT_SECRET_FORMER to the one that has sealed them, or give them new ones"
        return Finding(name, f"no secret of the server opens those of {', '.join(seals.lost)}", fix, True)
    if seals.before:
        fix = "keep it until the server has sealed them again, within a minute"
        return Finding(name, f"the former secret has sealed those of {', '.join(seals.before)}", fix, True)
    return Finding(name, "the present secret of the server opens those of all")
