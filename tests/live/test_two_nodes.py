"""Two nodes on one PostgreSQL, for us and for Orthanc's index, and one folder of images: a job outlives its node."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import create_engine, text

from tests.live.deletion_steps import ask, decide
from tests.live.door_steps import c_store
from tests.live.tag_steps import alike, digests, metadata, modify, store, undo
from tests.support.running import databases, two_nodes
from tests.support.samples import nested, small
from tests.support.scu import message_of, send
from tests.support.server import SECRET, Server, user_token
from tests.support.steps import eventually, place_order, the_study, upload, viewer_token


@pytest.fixture(scope="module")
def nodes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Started one after the other; in the end both run and stop as they should."""
    folder = tmp_path_factory.mktemp("nodes")
    shared = databases(request, "postgresql") | {"DICOM_STORAGE_PATH": str(folder / "images")}
    with two_nodes(folder, shared) as both:
        yield both
        for node in both:
            assert node.stop() == 0, node.log()[-3000:]


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


def image_of(order: dict[str, Any], uid: str, series: str) -> bytes:
    """What a modality sends that took the order from its worklist."""
    return small(
        AccessionNumber=order["accession_number"],
        PatientID=order["mrn"],
        PatientName="LINDQVIST^ASA",
        PatientBirthDate="19610314",
        StudyInstanceUID=uid,
        SeriesInstanceUID=series,
    )


def test_one_study_that_comes_to_both_nodes_at_once_is_one_study(nodes: list[Server]) -> None:
    """One claim, one link, every image, though each is sent three times to both; both nodes show, count and hide the
    same, and the audit trail is whole. The copies that were not kept make no file look damaged."""
    order = place_order(nodes[0])
    uid, series = str(generate_uid()), str(generate_uid())
    images = [message_of(image_of(order, uid, series)) for _ in range(12)]
    with ThreadPoolExecutor(6) as senders:
        sent = [senders.submit(send, nodes[at % 2].dicom_port, images[2 * at :] + images[: 2 * at]) for at in range(6)]
    assert {status for one in sent for status in one.result()} == {0}
    token = viewer_token(nodes[0], uid)
    for node in nodes:
        eventually(lambda node=node: the_study(node, uid)["number_of_instances"] == 12)
        assert the_study(node, uid)["order_id"] == order["id"]
        shown = node.request("GET", f"/dicom-web/studies/{uid}/instances", token).json()
        assert {one["00080018"]["Value"][0] for one in shown} == {image.sop_instance_uid for image in images}
        links = node.get(f"/api/v1/audit?action=study.linked&study={uid}", "admin").json()
        assert links["total"] == 1
        assert not waiting(node)
        said = node.get(f"/api/v1/audit?study={uid}&limit=200", "admin").json()["items"]
        assert not [event for event in said if event["action"].startswith("study.file_")]
    assert decide(nodes[1], ask(nodes[1], uid), "approve")[0] == 200
    eventually(lambda: nodes[0].request("GET", f"/dicom-web/studies/{uid}/metadata", token).status_code != 200)
    for node in nodes:
        assert node.get("/api/v1/audit/verify", "admin").json()["ok"] is True


def comes(node: Server, order: dict[str, Any], *, by_c_store: bool) -> tuple[str, list[int | None]]:
    """A study of six images, one by one; its UID, and what was answered to each."""
    uid, series = str(generate_uid()), str(generate_uid())
    images = [image_of(order, uid, series) for _ in range(6)]
    if by_c_store:
        return uid, send(node.dicom_port, [message_of(image) for image in images])
    return uid, [upload(node, image).status_code for image in images]


def sign_in(node: Server, name: str) -> str:
    body = {"username": name, "password": "not the password of anybody"}
    return str(node.request("POST", "/api/v1/auth/login", json=body).json()["code"])


def test_two_busy_nodes_are_one_archive(nodes: list[Server]) -> None:
    """Studies come to both by upload and C-STORE. Meanwhile a link is taken back on one node and a study is deleted
    there: the other shows neither any more. Who tries passwords at both has no more tries than at one. At the end both
    count every image, and the audit trail is whole."""
    one, other = nodes
    shown, hidden = store(one, alike(2)), store(one, alike(2))
    link = one.request(
        "POST", "/api/v1/dicom/viewer-token", user_token("doctor"), json={"study_instance_uids": [shown]}
    ).json()
    orders, name = [place_order(one) for _ in range(4)], f"nobody-{generate_uid()[-12:]}"

    def reads(uid: str, token: str) -> int:
        return other.request("GET", f"/dicom-web/studies/{uid}/metadata", token).status_code

    ways = [(shown, link["token"]), (hidden, user_token("doctor"))]
    eventually(lambda: [reads(*way) for way in ways] == [200, 200])
    with ThreadPoolExecutor(8) as people:
        coming = [
            people.submit(comes, node, order, by_c_store=at < 2)
            for at, (node, order) in enumerate(zip(nodes * 2, orders, strict=True))
        ]
        begun = time.time() // 60
        trying = [people.submit(sign_in, nodes[at % 2], name) for at in range(24)]
        path = f"/api/v1/dicom/viewer-token/{link['token_id']}"
        assert one.request("DELETE", path, user_token("doctor")).status_code == 204
        assert decide(one, ask(one, hidden), "approve")[0] == 200
        eventually(lambda: all(reads(*way) in (401, 403, 404) for way in ways))
        tries = [one_try.result() for one_try in trying]
        minutes = time.time() // 60 - begun + 1
    for order, arrival in zip(orders, coming, strict=True):
        uid, answers = arrival.result()
        assert set(answers) <= {0, 201}, answers
        for node in nodes:
            eventually(lambda node=node, uid=uid: the_study(node, uid)["number_of_instances"] == 6)
            assert the_study(node, uid)["order_id"] == order["id"]
    let_through = sum(code != "rate_limited" for code in tries)
    assert 10 <= let_through <= 10 * minutes
    for node in nodes:
        assert node.get("/api/v1/audit/verify", "admin").json()["ok"] is True


def waiting(server: Server) -> list[dict[str, Any]]:
    return list(server.get("/api/v1/quarantine", "technician").json()["items"])


GATE = 4711
"""Of PostgreSQL's advisory locks: who holds it lets no job end."""


@contextmanager
def no_job_ends(server: Server) -> Iterator[None]:
    """However quick the machine is: whoever writes that a job has succeeded waits for the end of this block."""
    said_in(
        server,
        f"""CREATE FUNCTION at_the_gate() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NEW; END';
        CREATE TRIGGER at_the_gate BEFORE UPDATE ON modifications FOR EACH ROW
        WHEN (OLD.status = 'running' AND NEW.status <> 'running') EXECUTE FUNCTION at_the_gate()""",
    )
    engine = create_engine(server.database_url)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({GATE})"))
            yield
    finally:
        engine.dispose()
        said_in(server, "DROP TRIGGER at_the_gate ON modifications; DROP FUNCTION at_the_gate()")


@pytest.mark.parametrize("changes", [{"StudyDate": "20260201"}, {"PatientID": "P-NEW"}])
def test_a_job_whose_node_is_killed_is_finished_by_the_other(nodes: list[Server], changes: dict[str, str]) -> None:
    """When its lease has ended (here the minute is cut short), also with the image that was out of the archive in that
    very moment; and what it kept in quarantine is shown and released by the other. It may stay away meanwhile."""
    uid = store(nodes[0], alike(60))
    before = digests(nodes[0], uid)
    for depth, node in enumerate(nodes, 100):
        assert c_store(node, nested(depth)) == [0xC000]
    eventually(lambda: len(waiting(nodes[0])) == 2)
    with no_job_ends(nodes[0]):
        job = modify(nodes[0], uid, **changes)
        eventually(lambda: nodes[0].get(f"/api/v1/jobs/{job}", "nurse").json()["number_done"] >= 5)
        ((holder,),) = said_in(nodes[0], f"SELECT node FROM modifications WHERE id = '{job}'")
        killed, survivor = sorted(nodes, key=lambda node: (node.data_dir / "modifying" / "node").read_text() != holder)
        killed.kill()
        assert survivor.get(f"/api/v1/jobs/{job}", "nurse").json()["status"] == "running"
    left = f"UPDATE modifications SET leased_until = leased_until - interval '2 minutes' WHERE id = '{job}'"
    said_in(survivor, left)

    def ended() -> str | None:
        seen = survivor.get(f"/api/v1/jobs/{job}", "nurse").json()
        return seen["error_code"] or (seen["status"] if seen["status"] != "running" else None)

    assert eventually(ended, 120) == "succeeded"
    (tag,) = {"00080020" if keyword == "StudyDate" else "00100020" for keyword in changes}
    assert metadata(survivor, uid, tag) == list(changes.values()) * 60
    kept = waiting(survivor)
    assert len(kept) == 2
    for one in kept:
        for verb in ("discard", "reopen", "discard"):  # which reads the file
            path, token = f"/api/v1/quarantine/{one['id']}/{verb}", user_token("technician")
            answer = survivor.request("POST", path, token, json={"reason": "a test of two nodes"})
            assert answer.status_code == 200, answer.text
    killed.start()
    taken_back = undo(survivor, job)
    eventually(lambda: survivor.get(f"/api/v1/jobs/{taken_back}", "nurse").json()["status"] == "succeeded", 120)
    assert digests(survivor, uid) == before == digests(killed, uid)
    eventually(lambda: survivor.get("/api/v1/health").json()["status"] == "ok")
    for node in nodes:
        assert node.get("/api/v1/audit/verify", "admin").json()["ok"] is True


def test_the_secret_is_changed_on_one_node_after_the_other(nodes: list[Server]) -> None:
    """A node that signs with the new one before the other accepts it is named; when both accept both, nothing is said,
    and nobody is signed out: tokens of the old one and of the new one are good at both."""
    one, other = nodes
    new = "the next secret of both nodes, long enough to sign"
    fresh = user_token("admin", secret=new)

    def good() -> list[int]:
        tokens = (user_token("admin"), fresh)
        return [node.request("GET", "/api/v1/auth/me", token).status_code for node in nodes for token in tokens]

    def said() -> int:
        shown = one.get("/api/v1/system", "admin").json()["attention"]
        return sum(each["count"] for each in shown if each["code"] == "secret_differs")

    def restart(node: Server, secret: str, former: str) -> None:
        assert node.stop() == 0
        node.set("EHR_BRIDGE_JWT_SECRET", secret)
        node.set("EHR_BRIDGE_JWT_SECRET_FORMER", former)
        node.start()

    restart(other, new, SECRET)
    eventually(lambda: said() == 1)
    assert good() == [200, 401, 200, 200]
    restart(one, SECRET, new)
    eventually(lambda: said() == 0)
    assert good() == [200, 200, 200, 200]
