"""HL7 v2 over MLLP in the real server: what is acknowledged is applied, whatever peers do and whenever it dies."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ehr_bridge.hl7.framing import framed
from tests.conftest import ENGINES
from tests.support import ports
from tests.support.messages import adt, encoded, omi, orm
from tests.support.mllp import Peer, verdict
from tests.support.running import databases, running
from tests.support.server import Server, is_dead
from tests.support.steps import eventually

ORDERS, KILLS = 40, 3
SOURCES = """
[[source]]
name = "his"
application = "HIS"
facility = "NORTHWING"
profile = "rad-4-2.5.1"
addresses = ["127.0.0.1"]
charset = "latin1"
authority = "NORTHWING"
silence_minutes = 1440
"""


@pytest.fixture(params=ENGINES)
def hl7(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A server that takes HL7 from one source, and the port."""
    (tmp_path / "sources.toml").write_text(SOURCES)
    port = ports.free()
    environ = {"EHR_BRIDGE_HL7_PORT": str(port), "EHR_BRIDGE_HL7_SOURCES": str(tmp_path / "sources.toml")}
    with running(tmp_path, **environ, **databases(request, request.param)) as server:
        listening(port)
        yield server, port


def listening(port: int) -> None:
    """The port is opened after the gate, by a thread."""

    def can_connect() -> bool:
        with Peer(port):
            return True

    eventually(can_connect)


def test_messages_of_a_source_are_applied_and_a_rude_peer_disturbs_nobody(hl7: tuple[Server, int]) -> None:
    """Latin-1 unannounced, one byte at a time, five at once, no VT, garbage, megabytes: each frame has its answer."""
    server, port = hl7
    with Peer(port) as peer, Peer(port) as rude:
        rude.put(b"\x0bMSH|^~\\&|HIS|NORTHWING|half a message")
        unannounced = adt("A04", mrn="MRN-70", charset="").encode("latin1")
        for byte in framed(unannounced):
            peer.put(bytes([byte]))
        assert verdict(peer.answer())[0] == "AA"
        assert server.get("/api/v1/patients/MRN-70", "service").json()["given_name"] == "Åsa"
        five = [encoded(omi(accession=f"ACC-7{number}", mrn="MRN-70")) for number in range(5)]
        peer.put(b"".join(map(framed, five)))
        assert [verdict(peer.answer())[0] for _ in five] == ["AA"] * 5
        peer.put(encoded(orm("CA", "ACC-70", "MRN-70")) + b"\x1c")
        assert verdict(peer.answer())[0] == "AA"
        assert verdict(peer.send(b"GET / HTTP/1.1"))[0] == "AR"
        large = encoded(adt("A08", mrn="MRN-70", control_id="LARGE")) + b"NTE|1||" + b"x" * 3_000_000
        assert verdict(peer.send(large)) == ("AA", "LARGE")
        stranger = encoded(adt(mrn="MRN-71", sender="ELSE|WHERE"))
        assert verdict(peer.send(stranger))[0] == "AR"
        assert verdict(peer.send(encoded(adt("A08", mrn="MRN-70"))))[0] == "AA"
    states = [server.get(f"/api/v1/orders/ACC-7{number}", "service").json()["status"] for number in range(5)]
    assert states == ["cancelled"] + ["scheduled"] * 4
    assert server.get("/api/v1/patients/MRN-71", "service").status_code == 404
    health = server.get("/api/v1/health").json()
    assert (health["checks"]["hl7"], health["checks"]["interfaces"]) == ("ok", "ok")
    (source,) = server.get("/api/v1/hl7/sources", "admin").json()["items"]
    assert source["name"] == "his" and source["last_received_at"] and not source["is_silent"]
    rows = server.get("/api/v1/hl7/messages?limit=500", "admin").json()["items"]
    assert Counter(row["state"] for row in rows) == {"applied": 9, "refused": 2}
    former = process_beside(server)
    os.kill(former, signal.SIGKILL)
    assert eventually(lambda: is_dead(str(former)))
    with Peer(port) as peer:  # the port stays open; the next process answers
        assert verdict(peer.send(encoded(adt("A08", mrn="MRN-70", control_id="AFTER")))) == ("AA", "AFTER")
    assert process_beside(server) != former
    assert eventually(lambda: server.get("/api/v1/health").json()["checks"]["hl7"] == "ok")
    assert "is started again" in server.log()
    assert "Lindqvist" not in server.log()


def process_beside(server: Server) -> int:
    """The process below Orthanc that takes messages; it is started when the port is open."""

    def below() -> list[str]:
        (orthanc,) = server.children()
        of_threads = [(task / "children").read_text().split() for task in Path(f"/proc/{orthanc}/task").iterdir()]
        children = [child for some in of_threads for child in some]
        return [one for one in children if b"plugin.beside.hl7" in Path(f"/proc/{one}/cmdline").read_bytes()]

    (process,) = eventually(below)
    return int(process)


def test_a_server_that_dies_between_message_and_answer_loses_and_doubles_nothing(hl7: tuple[Server, int]) -> None:
    """kill -9 at random moments; the sender repeats what was not acknowledged, as senders do."""
    server, port = hl7
    texts = [encoded(orm(accession=f"ACC-{number}", mrn="MRN-80", control_id=f"K{number}")) for number in range(ORDERS)]
    chance = random.Random(1)
    deaths = sorted(chance.sample(range(1, ORDERS), KILLS))
    acked: list[str] = []
    taking = process_beside(server)
    for death in [*deaths, ORDERS]:
        victim = threading.Timer(chance.uniform(0, 0.05), server.kill)
        try:
            with Peer(port) as peer:
                while len(acked) < ORDERS:
                    if death <= len(acked) and victim.ident is None:
                        victim.start()
                    answer = peer.send(texts[len(acked)])
                    if not answer:
                        break
                    code, control_id = verdict(answer)
                    assert (code, control_id) == ("AA", f"K{len(acked)}")
                    acked.append(control_id)
        except OSError:
            pass
        if victim.ident is not None:  # it was started: messages may be answered faster than it comes
            victim.join()
            assert eventually(partial(is_dead, str(taking)))  # it never outlives Orthanc
            server.start()
            listening(port)
            taking = process_beside(server)
    assert acked == [f"K{number}" for number in range(ORDERS)]
    for number in range(ORDERS):
        assert server.get(f"/api/v1/orders/ACC-{number}", "service").json()["mrn"] == "MRN-80"
    rows = server.get("/api/v1/hl7/messages?limit=500", "admin").json()["items"]
    assert Counter(row["control_id"] for row in rows) == Counter(acked)
    created = server.get("/api/v1/audit?action=order.created&limit=500", "admin").json()["items"]
    assert len({event["order_id"] for event in created}) == len(created) == ORDERS
