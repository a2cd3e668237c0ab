"""Two nodes on one PostgreSQL, for us and for Orthanc's index, and one folder of images: a job outlives its node."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from tests.live.tag_steps import alike, digests, metadata, modify, store, undo
from tests.support.running import databases
from tests.support.server import Server
from tests.support.steps import eventually


@pytest.fixture(scope="module")
def nodes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Started one after the other; in the end both run and stop as they should."""
    folder = tmp_path_factory.mktemp("nodes")
    shared = databases(request, "postgresql") | {"DICOM_STORAGE_PATH": str(folder / "images")}
    both = []
    for name in ("one", "other"):
        (folder / name).mkdir()
        both.append(Server(folder / name / "var", shared))
    try:
        for node in both:
            node.start()
        yield both
        for node in both:
            assert node.stop() == 0, node.log()[-3000:]
    finally:
        for node in both:
            node.end()


def said_in(server: Server, statement: str) -> list[tuple[object, ...]]:
    engine = create_engine(server.database_url)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        rows = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return rows


def test_the_system_page_of_each_node_shows_both(nodes: list[Server]) -> None:
    """Each by its name, serving, and ready for a load balancer."""

    names = [(node.data_dir / "modifying" / "node").read_text() for node in nodes]

    def seen(at: int) -> dict[str, tuple[str, bool]]:
        shown = nodes[at].get("/api/v1/system", "admin").json()["nodes"]
        return {one["name"]: (one["state"], one["is_this"]) for one in shown}

    eventually(lambda: seen(0) == {names[0]: ("serving", True), names[1]: ("serving", False)})
    eventually(lambda: seen(1) == {names[0]: ("serving", False), names[1]: ("serving", True)})
    eventually(lambda: [node.get("/api/v1/ready").status_code for node in nodes] == [200, 200])
    assert json.loads((nodes[0].data_dir / "orthanc.json").read_text())["DatabaseServerIdentifier"] == names[0]


@pytest.mark.parametrize("changes", [{"StudyDate": "20260201"}, {"PatientID": "P-NEW"}])
def test_a_job_whose_node_is_killed_is_finished_by_the_other(nodes: list[Server], changes: dict[str, str]) -> None:
    """When its lease has ended (here the minute is cut short). An image that was out of the archive in that very moment
    waits for its node, and the job says so."""
    uid = store(nodes[0], alike(60))
    before = digests(nodes[0], uid)
    job = modify(nodes[0], uid, **changes)
    eventually(lambda: nodes[0].get(f"/api/v1/jobs/{job}", "nurse").json()["number_done"] >= 5)
    ((holder,),) = said_in(nodes[0], f"SELECT node FROM modifications WHERE id = '{job}'")
    killed, survivor = sorted(nodes, key=lambda node: (node.data_dir / "modifying" / "node").read_text() != holder)
    killed.kill()
    seen = survivor.get(f"/api/v1/jobs/{job}", "nurse").json()
    if seen["status"] == "running":
        said_in(
            survivor, f"UPDATE modifications SET leased_until = leased_until - interval '2 minutes' WHERE id = '{job}'"
        )

    def ended() -> str | None:
        seen = survivor.get(f"/api/v1/jobs/{job}", "nurse").json()
        return seen["error_code"] or (seen["status"] if seen["status"] != "running" else None)

    if eventually(ended, 120) == "image_elsewhere":
        attention = survivor.get("/api/v1/system", "admin").json()["attention"]
        assert "jobs_stuck" in {each["code"] for each in attention}
        assert survivor.get("/api/v1/health").json()["checks"]["jobs"] == "degraded"
        killed.start()
    eventually(lambda: ended() == "succeeded", 120)
    (tag,) = {"00080020" if keyword == "StudyDate" else "00100020" for keyword in changes}
    assert metadata(survivor, uid, tag) == list(changes.values()) * 60
    if killed.process is not None and killed.process.poll() is not None:
        killed.start()
    taken_back = undo(survivor, job)
    eventually(lambda: survivor.get(f"/api/v1/jobs/{taken_back}", "nurse").json()["status"] == "succeeded", 120)
    assert digests(survivor, uid) == before == digests(killed, uid)
    eventually(lambda: survivor.get("/api/v1/health").json()["status"] == "ok")
    for node in nodes:
        assert node.get("/api/v1/audit/verify", "admin").json()["ok"] is True
