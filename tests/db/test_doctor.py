"""What `ehr-bridge doctor` says of the database, which it opens once."""

from __future__ import annotations

from typing import Any

import pytest

from ehr_bridge.db.database import Database
from ehr_bridge.settings import load_settings
from plugin.commands import doctor


def test_the_database_is_opened_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For all that is asked of it."""
    opened: list[str] = []

    def counted(url: str) -> Any:
        opened.append(url)
        return Database(url)

    monkeypatch.setattr(doctor, "Database", counted)
    said = {
        found.name: found.state for found in doctor.examine(load_settings({"EHR_BRIDGE_DATABASE_URL": database_url}))
    }
    kind = "SQLite" if database_url.startswith("sqlite") else "PostgreSQL"
    assert said["database"] == f"{kind}, migrated"
    assert (said["files"], said["authorities"]) == ("none is known to be damaged", "one gives all numbers")
    assert opened == [database_url]


def test_a_database_that_does_not_answer_is_one_finding_to_fix() -> None:
    """What would have been asked of it is not known."""
    url = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    found = {one.name: one for one in doctor.examine(load_settings({"EHR_BRIDGE_DATABASE_URL": url}))}
    assert found["database"].state == "PostgreSQL does not answer" and found["database"].fix is not None
    for name in ("files", "authorities"):
        assert (found[name].state, found[name].fix) == ("not known without the database", None)
