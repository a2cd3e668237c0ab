"""The plug is pulled at random moments of an upload: afterwards everything is there once.

`FAULT_POINTS` and `FAULT_INSTANCES` make it longer than in the suite; `scripts/bench faults` pulls it twenty times
during uploads of 500 instances.
"""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from pydicom.uid import generate_uid

from tests.conftest import PostgresCluster
from tests.support import scu
from tests.support.running import running
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import eventually, instances, place_order, study, the_study, upload

POINTS = int(os.environ.get("FAULT_POINTS", "4"))
INSTANCES = int(os.environ.get("FAULT_INSTANCES", "60"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
SENDERS = 3


@dataclass
class Sending:
    """One study on its way, and what its senders were told."""

    server: Server
    order: dict[str, Any]
    by_c_store: bool
    said: dict[str, str] = field(default_factory=dict)
    """What the files say otherwise than the order."""
    uid: str = field(default_factory=generate_uid)
    upload_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answered: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        series = f"1.2.826.0.1.{uuid.uuid4().int % 10**20}"
        mark = f"{series}.00000"
        identity = {"PatientID": self.order["mrn"], "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314"}
        template = small(
            StudyInstanceUID=self.uid,
            SeriesInstanceUID=series,
            SOPInstanceUID=mark,
            AccessionNumber=self.order["accession_number"],
            **identity | self.said,
        )
        for number in range(1, INSTANCES + 1):
            own = f"{series}.{10_000 + number}"
            self.files[own] = template.replace(mark.encode(), own.encode())

    def send(self, uids: Sequence[str]) -> None:
        """Until the server is gone."""
        for uid in uids:
            try:
                if self.by_c_store:
                    if scu.send(self.server.dicom_port, [scu.message_of(self.files[uid])], patience=60) != [0]:
                        return
                else:
                    headers = {"X_Order_Id": self.order["id"], "X_Upload_Id": self.upload_id}
                    if upload(self.server, self.files[uid], **headers).status_code != 201:
                        return
            except Exception:
                return
            self.answered.append(uid)

    def start(self) -> list[threading.Thread]:
        uids = [uid for uid in self.files if uid not in self.answered]
        threads = [threading.Thread(target=self.send, args=(uids[i::SENDERS],)) for i in range(SENDERS)]
        for thread in threads:
            thread.start()
        return threads


def rows(server: Server, statement: str, **values: Any) -> list[Any]:
    engine = sqlalchemy.create_engine(server.database_url)
    with engine.connect() as connection:
        found = list(connection.execute(sqlalchemy.text(statement), values))
    engine.dispose()
    return found


RECORDED = """
    SELECT i.sop_instance_uid FROM instances i JOIN studies s ON s.id = i.study_id WHERE s.study_instance_uid = :uid
"""
LINKS = """
    SELECT l.id FROM study_links l JOIN studies s ON s.id = l.study_id WHERE s.study_instance_uid = :uid
"""


def assert_once(sending: Sending, count: int | None = None) -> None:
    """What was answered is held; what is held is recorded once and linked once, under the right patient."""
    server, uid = sending.server, sending.uid

    def settled() -> bool:
        seen = study(server, uid)
        if seen is None:
            return not sending.answered
        return bool(
            seen["number_of_instances"] == len(instances(server, uid)) == (count or len(instances(server, uid)))
        )

    eventually(settled)
    if study(server, uid) is None:
        return
    held = instances(server, uid)
    uids = [str(ds.SOPInstanceUID) for ds in held]
    assert set(sending.answered) <= set(uids)
    assert sorted(row[0] for row in rows(server, RECORDED, uid=uid)) == sorted(uids)
    assert len(rows(server, LINKS, uid=uid)) == 1
    assert {(str(ds.PatientID), str(ds.PatientName)) for ds in held} == {(sending.order["mrn"], "Lindqvist^Åsa")}
    linked = server.get(f"/api/v1/audit?study_instance_uid={uid}&action=study.linked", "admin").json()
    assert linked["total"] == 1


def test_kill_9_at_random_moments_of_an_upload(tmp_path: Path) -> None:
    """HTTP and C-STORE in turn: after the restart nothing is lost or doubled, and the rest can be sent."""
    chance = random.Random(SEED)
    with running(tmp_path) as server:
        for point in range(POINTS):
            sending = Sending(server, place_order(server), by_c_store=bool(point % 2))
            after = chance.randrange(INSTANCES)
            threads = sending.start()
            eventually(lambda s=sending, n=after: len(s.answered) >= n, 300)
            time.sleep(chance.random() * 0.02)  # anywhere within the storing of one instance
            server.kill()
            for thread in threads:
                thread.join()
            server.start()
            print(f"point {point}: killed after {len(sending.answered)} answers", flush=True)
            assert_once(sending)
            for thread in sending.start():
                thread.join()
            assert_once(sending, INSTANCES)
            shown = {"number_of_images": INSTANCES, "study_instance_uid": sending.uid}
            path = f"/api/v1/orders/{sending.order['id']}"
            eventually(lambda at=path, all_=shown: all_.items() <= server.get(at, "doctor").json().items())
        assert server.get("/api/v1/audit/verify", "admin").json()["ok"] is True


def has(server: Server, uid: str, count: int) -> bool:
    seen = study(server, uid)
    return seen is not None and seen["number_of_instances"] == count


def is_under_way(server: Server) -> bool:
    return bool(rows(server, "SELECT 1 FROM modifications WHERE status IN ('waiting', 'queued', 'running')"))


@pytest.mark.parametrize("is_killed", [False, True], ids=["the server goes on", "and the server is killed twice"])
def test_a_database_away_while_a_modality_sends(tmp_path: Path, own_postgres: PostgresCluster, is_killed: bool) -> None:
    """A study before, during and after, and one that comes only meanwhile, filed under no number: as if nothing was.

    Kept and answered, recorded, linked, coerced and told once; health says degraded meanwhile. Killed while the
    database is away, and again while the kept images are being coerced, it goes on where it was.
    """
    with running(tmp_path, EHR_BRIDGE_DATABASE_URL=own_postgres.new_database()) as server:
        known = Sending(server, place_order(server), by_c_store=True)
        meanwhile = Sending(server, place_order(server), by_c_store=True, said={"PatientID": ""})
        uids = list(known.files)
        known.send(uids[:10])
        eventually(lambda: has(server, known.uid, 10))
        own_postgres.stop()
        try:
            known.send(uids[10:20])
            meanwhile.send(list(meanwhile.files)[:10])
            assert server.get("/api/v1/health").json()["status"] == "degraded"
            if is_killed:
                server.kill()
        finally:
            own_postgres.restart()
        if is_killed:
            server.start()
            eventually(lambda: has(server, known.uid, 20) and has(server, meanwhile.uid, 10))
            server.kill()
            server.start()
        eventually(lambda: server.get("/api/v1/health").json()["status"] == "ok")
        known.send(uids[20:30])
        assert (len(known.answered), len(meanwhile.answered)) == (30, 10)
        eventually(lambda: has(server, known.uid, 30) and has(server, meanwhile.uid, 10))
        eventually(lambda: not is_under_way(server))
        for sending, count in ((known, 30), (meanwhile, 10)):
            linked = {"link_status": "linked", "order_id": sending.order["id"]}
            eventually(lambda s=sending, to=linked: to.items() <= the_study(server, s.uid).items())
            assert_once(sending, count)
            received = server.get(
                f"/api/v1/audit?study_instance_uid={sending.uid}&action=study.received", "admin"
            ).json()
            assert [event["actor"] for event in received["items"]] == ["ae:SCU"]
        assert server.get("/api/v1/audit/verify", "admin").json()["ok"] is True
