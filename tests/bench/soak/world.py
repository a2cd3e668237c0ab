"""Two nodes on one PostgreSQL and one folder of images, and what goes wrong with them."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import requests

from tests.bench.servers import ENVIRONMENT, INDEX
from tests.bench.soak.ledger import Ledger
from tests.bench.soak.plan import Plan
from tests.conftest import PostgresCluster
from tests.live.worklist_steps import register
from tests.support import ports
from tests.support.server import PATIENCE, Server, user_token
from tests.support.steps import eventually

TITLE = "SOAKMOD"


def say(text: str) -> None:
    """How far the run is."""
    print(f"soak: {text}", file=sys.stderr, flush=True)


class World:
    """Node A is never killed; node B is."""

    def __init__(self, folder: Path, cluster: PostgresCluster, template: str | None) -> None:
        self.cluster = cluster
        shared = {
            "EHR_BRIDGE_DATABASE_URL": cluster.new_database(template),
            INDEX: cluster.new_database(),
            "DICOM_STORAGE_PATH": str(folder / "images"),
            "EHR_BRIDGE_DELETION_GRACE_DAYS": "0",
        }
        self.nodes: list[Server] = []
        self.hl7 = [ports.free(), ports.free()]
        self.fhir = [ports.free(), ports.free()]
        for name, hl7, fhir in zip("ab", self.hl7, self.fhir, strict=True):
            (folder / name).mkdir()
            own = {"EHR_BRIDGE_NODE": name, "EHR_BRIDGE_HL7_PORT": str(hl7), "EHR_BRIDGE_FHIR_PORT": str(fhir)}
            self.nodes.append(Server(folder / name / "var", ENVIRONMENT | shared | own))
        self.a, self.b = self.nodes

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        self.wait_until_ready()
        register(self.a, TITLE, "worklist", "store")

    def wait_until_ready(self) -> None:
        for node in self.nodes:
            eventually(lambda node=node: node.get("/api/v1/ready").status_code == 200)

    def stop(self) -> list[int]:
        """The exit codes, as of nodes that somebody ends."""
        return [node.stop() for node in self.nodes]

    def end(self) -> None:
        for node in self.nodes:
            node.end()

    def day_token(self, uid: str) -> str:
        """A viewer token for this study that outlives the run."""
        body = {"study_instance_uids": [uid], "ttl_seconds": 86_400}
        answer = self.a.request("POST", "/api/v1/dicom/viewer-token", user_token("doctor"), json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def ask_fhir(self, node: int, method: str, path: str, body: Any = None) -> requests.Response:
        """One request to a node's FHIR server, as the EHR."""
        headers = {"Authorization": f"Bearer {user_token('service')}", "Content-Type": "application/fhir+json"}
        address = f"http://127.0.0.1:{self.fhir[node]}/fhir/{path}"
        return requests.request(method, address, json=body, headers=headers, timeout=PATIENCE)


class Disturbances(threading.Thread):
    """Kills node B and restarts PostgreSQL when the plan says so, one after the other, until told to end."""

    def __init__(self, world: World, plan: Plan, ledger: Ledger, ending: threading.Event) -> None:
        super().__init__()
        self._world, self._plan, self._ledger, self._ending = world, plan, ledger, ending
        self.kills = self.restarts = 0
        self.fault: BaseException | None = None

    def run(self) -> None:
        try:
            for at, what in self._plan.disturbances:
                if self._ending.wait(max(0.0, self._ledger.begun + at - time.monotonic())):
                    return
                with self._ledger.disturbed(what):
                    say(what)
                    self._kill() if what == "kill" else self._restart()
                    self._world.wait_until_ready()
                    say(f"{what}: both nodes are ready again")
        except BaseException as error:
            self.fault = error

    def _kill(self) -> None:
        self._world.b.kill()
        self.kills += 1
        time.sleep(self._plan.down)
        self._world.b.start()

    def _restart(self) -> None:
        self._world.cluster.stop("fast")
        self._world.cluster.restart()
        self.restarts += 1
