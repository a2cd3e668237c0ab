"""A practice that began on SQLite moves to PostgreSQL, with real databases and Orthanc's index."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from pydicom.uid import generate_uid

from tests.conftest import PostgresCluster
from tests.live.account_steps import command
from tests.support.running import running
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, instances, place_order, the_study, upload

OURS, INDEX = "EHR_BRIDGE_DATABASE_URL", "EHR_BRIDGE_ORTHANC_DATABASE_URL"


@pytest.fixture
def server(tmp_path: Path) -> Any:
    with running(tmp_path) as server:
        yield server


def rows_of(url: str, question: str) -> list[tuple[Any, ...]]:
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.exec_driver_sql(question)]
    engine.dispose()
    return rows


def test_an_installation_goes_on_with_postgresql(server: Server, postgres: PostgresCluster) -> None:
    """Not while the server runs, and not into a database with rows. What was interrupted begins anew. Afterwards the
    same studies, links, images, times of arrival and audit trail are there, and the next image goes on behind them."""
    uid, order = generate_uid(), place_order(server)
    for number in range(2):
        answer = upload(server, small(StudyInstanceUID=uid, InstanceNumber=number), X_Order_Id=order["id"])
        assert answer.status_code == 201, answer.text
    eventually(lambda: the_study(server, uid)["number_of_instances"] == 2)
    before, images = the_study(server, uid), instances(server, uid)
    new = {OURS: postgres.new_database(), INDEX: postgres.new_database()}
    moves = partial(command, server, "to-postgresql", **new)

    refused = moves()
    assert refused.returncode == 1 and "stop it first" in refused.stderr, refused.stderr
    assert server.stop() == 0

    here = server.data_dir / "ehr-bridge.sqlite3"
    ((events,),) = rows_of(f"sqlite:///{here}", "SELECT count(*) FROM audit_events")
    with sqlite3.connect(here) as file:
        file.execute("UPDATE patients SET prefix = printf('%.100c', 'x')")
    interrupted = moves()  # PostgreSQL holds to the length of a column; Orthanc's index is there already
    assert interrupted.returncode == 1 and "not moved" in interrupted.stderr, interrupted.stderr
    assert rows_of(new[OURS], "SELECT count(*) FROM patients") == [(0,)]
    with sqlite3.connect(here) as file:
        file.execute("UPDATE patients SET prefix = NULL")
    moved = moves("--read-images")
    assert moved.returncode == 0, moved.stderr
    assert "2 images" in moved.stdout and f"{events} events" in moved.stdout.replace(",", "")
    again = moves()
    assert again.returncode == 1 and "rows in" in again.stderr, again.stderr

    changes = "SELECT seq, changeType, date FROM Changes ORDER BY seq"
    metadata = "SELECT id, type, value FROM Metadata ORDER BY id, type"
    old = f"sqlite:///{server.data_dir / 'orthanc-index' / 'index'}"
    for question in (changes, metadata):
        assert rows_of(old, question) == rows_of(new[INDEX], question)

    for name, url in new.items():
        server.set(name, url)
    server.start()
    after = the_study(server, uid)
    assert {**after, "updated_at": None} == {**before, "updated_at": None}
    assert {one.SOPInstanceUID for one in instances(server, uid)} == {one.SOPInstanceUID for one in images}
    verified = server.get("/api/v1/audit/verify", "admin").json()
    assert verified["ok"] and verified["events"] >= events
    statistics = server.request("GET", "/tools/metrics-prometheus", user_token("admin")).text
    assert "orthanc_count_instances 2" in statistics
    answer = upload(server, small(StudyInstanceUID=uid, InstanceNumber=3), X_Order_Id=order["id"])
    assert answer.status_code == 201, answer.text
    eventually(lambda: the_study(server, uid)["number_of_instances"] == 3)
