"""The worklist while PostgreSQL is away, and on a second node."""

from __future__ import annotations

import time
from pathlib import Path

from tests.conftest import PostgresCluster
from tests.live.worklist_steps import find, register
from tests.support.running import running
from tests.support.server import Server
from tests.support.steps import eventually, place_order


def test_while_the_database_is_away_modalities_get_the_last_worklist(
    tmp_path: Path, own_postgres: PostgresCluster
) -> None:
    """What was offered a moment ago, and health says how old it is; who may ask is known, too."""
    with running(tmp_path, EHR_BRIDGE_DATABASE_URL=own_postgres.new_database()) as server:
        register(server, "MR1", "worklist")
        order = place_order(server)
        keys = {"AccessionNumber": order["accession_number"], "PatientName": ""}
        assert len(find(server, "MR1", keys)[1]) == 1
        placed = time.monotonic()
        eventually(lambda: _age(server) < time.monotonic() - placed)  # read since
        own_postgres.stop()
        statuses, items = find(server, "MR1", keys)
        assert (statuses, [one.AccessionNumber for one in items]) == ([0xFF00, 0], [order["accession_number"]])
        assert "answered from memory" in server.log()
        assert find(server, "STRANGER", keys) == ([0xC000], [])
        eventually(lambda: server.get("/api/v1/health").json()["checks"]["database"] == "degraded")
        assert _age(server) > 0
        own_postgres.restart()
        eventually(lambda: server.get("/api/v1/health").json()["checks"]["database"] == "ok")


def _age(server: Server) -> float:
    return float(server.get("/api/v1/health").json()["worklist_age_seconds"])


def test_a_modality_counts_on_the_other_node_within_a_moment(
    tmp_path: Path, postgres: PostgresCluster, postgres_template: str
) -> None:
    """Registered, changed and removed on one of two."""
    shared = {
        "EHR_BRIDGE_DATABASE_URL": postgres.new_database(postgres_template),
        "EHR_BRIDGE_ORTHANC_DATABASE_URL": postgres.new_database(),
        "DICOM_STORAGE_PATH": str(tmp_path / "images"),
    }
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    with running(tmp_path / "one", **shared) as one, running(tmp_path / "other", **shared) as other:
        order = place_order(one)
        keys = {"AccessionNumber": order["accession_number"]}

        def found(server: Server) -> int:
            return len(find(server, "CT7", keys)[1])

        assert (found(one), found(other)) == (0, 0)
        register(one, "CT7", "worklist")
        assert found(one) == 1
        eventually(lambda: found(other) == 1)
        register(other, "CT7", "store")
        assert found(other) == 0
        eventually(lambda: found(one) == 0)
