"""What `ehr-bridge doctor` says of the database, which it opens once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import DestinationKind
from ehr_bridge.db.tables.operations.nodes import Node
from ehr_bridge.derived_keys import SharedSecret
from ehr_bridge.services.audit.trail import OURSELVES
from ehr_bridge.services.bundle import build_services, utc_now
from ehr_bridge.services.delivery.destinations import DestinationData
from ehr_bridge.services.delivery.sealing_again import seal_again
from ehr_bridge.services.delivery.secrets import Safe
from ehr_bridge.services.nodes.register import Nodes
from ehr_bridge.settings import Settings, load_settings
from plugin.commands.doctor import database as of_database
from plugin.commands.doctor import examining as doctor


def test_the_database_is_opened_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For all that is asked of it."""
    opened: list[str] = []

    def counted(url: str) -> Any:
        opened.append(url)
        return Database(url)

    monkeypatch.setattr(of_database, "Database", counted)
    said = {
        found.name: found.state for found in doctor.examine(load_settings({"EHR_BRIDGE_DATABASE_URL": database_url}))
    }
    kind = "SQLite" if database_url.startswith("sqlite") else "PostgreSQL"
    assert said["database"] == f"{kind}, migrated"
    assert (said["files"], said["authorities"]) == ("none is known to be damaged", "one gives all numbers")
    assert said["nodes"] == "none has served yet"
    assert opened == [database_url]


def test_a_node_with_a_wrong_clock_or_that_is_lost_is_named(database_url: str, tmp_path: Path) -> None:
    """A warning, with what to do."""
    settings = load_settings(
        {"EHR_BRIDGE_DATABASE_URL": database_url, "EHR_BRIDGE_DATA_DIR": str(tmp_path), "EHR_BRIDGE_NODE": "b"}
        | {"EHR_BRIDGE_JWT_SECRET": "one secret of several nodes, long enough"}
    )
    database = Database(database_url)
    Nodes(database, settings, utc_now).claim()

    def said(**changed: object) -> tuple[str, bool]:
        with database.write() as session:
            session.execute(update(Node).values({"version": "0.0.0"} | changed))
        (found,) = [one for one in doctor.examine(settings) if one.name == "nodes"]
        return found.state, found.is_warning

    assert said() == ("b starting", False)
    assert said(clock_ahead_seconds=-3.2) == ("clocks differ from the database's: b by -3 s", True)
    assert said(clock_ahead_seconds=0.0) == ("b starting", False)
    other = Settings(data_dir=tmp_path / "c", node="c", jwt_secret=SecretStr("another secret, which is long enough"))
    Nodes(database, other, utc_now).claim()
    assert said() == ("another secret than the node that runs longest: c", True)
    assert said(secret_marks=None) == ("do not share the folder of the others: c", True)
    assert said(last_seen_at=utc_now() - timedelta(hours=1)) == ("not seen any more: b, c", True)
    database.dispose()


def test_a_secret_of_a_destination_that_no_key_opens_is_named(database_url: str, tmp_path: Path) -> None:
    """Also in a shell that lacks the former secret, or any; that all is well is said only of what was looked at."""

    def said(*secrets: str) -> str:
        given = dict(zip(("EHR_BRIDGE_JWT_SECRET", "EHR_BRIDGE_JWT_SECRET_FORMER"), secrets, strict=False))
        given |= {"EHR_BRIDGE_DATABASE_URL": database_url, "EHR_BRIDGE_DATA_DIR": str(tmp_path)}
        (found,) = [one for one in doctor.examine(load_settings(given)) if one.name == "destinations"]
        assert found.is_warning is (found.fix is not None)
        return found.state

    old, new = ("the former one of two secrets, long enough", "the next one of two secrets, long enough")
    database = Database(database_url)
    given = DestinationData(kind=DestinationKind.WEBHOOK, events=("study.linked",), url="https://ehr.example.org/in")
    services = build_services(load_settings({"EHR_BRIDGE_JWT_SECRET": old}), database)
    services.outbox.destinations.put("ehr", given, None, OURSELVES)
    well = "the present secret of the server opens those of all"
    assert said(old) == said(old, new) == well
    assert said(new, old) == "the former secret has sealed those of ehr"
    assert said(new) == "no secret of the server opens those of ehr"
    assert said() == "not known without the database and the secret"
    seal_again(database, Safe(SharedSecret(new, old)))
    assert said(new) == well
    database.dispose()


def test_a_database_that_does_not_answer_is_one_finding_to_fix() -> None:
    """What would have been asked of it is not known."""
    url = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    found = {one.name: one for one in doctor.examine(load_settings({"EHR_BRIDGE_DATABASE_URL": url}))}
    assert found["database"].state == "PostgreSQL does not answer" and found["database"].fix is not None
    for name in ("files", "authorities", "nodes"):
        assert found[name].state == "not known without the database" and found[name].is_warning, name
        assert "the database first" in (found[name].fix or "")
