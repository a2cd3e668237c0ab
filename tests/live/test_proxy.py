"""nginx between two nodes, as docs/deployment/nodes.md has it: one is killed, one drained; people notice nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from tests.live.proxy_steps import Always, Proxy, proxy_between
from tests.live.tag_steps import alike, store
from tests.support.running import databases
from tests.support.samples import small
from tests.support.scu import message_of, send
from tests.support.server import Server
from tests.support.steps import eventually, the_study, upload


@pytest.fixture(scope="module")
def proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Two nodes with one name each, on one PostgreSQL and one folder of images, behind the proxy."""
    folder: Path = tmp_path_factory.mktemp("proxy")
    shared = databases(request, "postgresql") | {"DICOM_STORAGE_PATH": str(folder / "images")}
    nodes = []
    for name in ("a", "b"):
        (folder / name).mkdir()
        nodes.append(Server(folder / name / "var", shared | {"EHR_BRIDGE_NODE": name}))
    (folder / "nginx").mkdir()
    try:
        for node in nodes:
            node.start()
        with proxy_between(folder / "nginx", nodes) as between:
            yield between
        for node in nodes:
            assert node.stop() == 0, node.log()[-3000:]
    finally:
        for node in nodes:
            node.end()


class Study:
    """Images that are sent one after the other, each until it is acknowledged."""

    def __init__(self) -> None:
        self.uid, self._series = str(generate_uid()), str(generate_uid())
        self.acknowledged: set[str] = set()
        self._next = self._new()

    def send(self, by: Callable[[bytes], bool]) -> bool:
        if not by(self._next):
            return False
        self.acknowledged.add(message_of(self._next).sop_instance_uid)
        self._next = self._new()
        return True

    def _new(self) -> bytes:
        return small(StudyInstanceUID=self.uid, SeriesInstanceUID=self._series)


def shown_by(node: Server, uid: str) -> set[str]:
    """The images of a study, as DICOMweb lists them."""
    found = node.get(f"/dicom-web/studies/{uid}/instances", "doctor", params={"limit": 5000})
    return {one["00080018"]["Value"][0] for one in found.json()}


def is_whole(node: Server, study: Study) -> bool:
    """Whether a node shows all that was acknowledged, and counts what it shows."""
    shown = shown_by(node, study.uid)
    return study.acknowledged <= shown and the_study(node, study.uid)["number_of_instances"] == len(shown)


def test_a_node_is_killed_and_one_is_drained_while_people_work(proxy: Proxy) -> None:
    """Nothing that was answered with success is lost, by HTTP or C-STORE, and whoever views goes on viewing."""
    a, b = proxy.nodes
    seen = store(proxy, alike(2))
    by_http, by_dicom = Study(), Study()

    def upload_next() -> bool:
        return by_http.send(lambda data: upload(proxy, data).status_code == 201)

    def store_next() -> bool:
        return by_dicom.send(lambda data: send(proxy.dicom_port, [message_of(data)]) == [0])

    def view() -> bool:
        answer = proxy.get(f"/dicom-web/studies/{seen}/metadata", "doctor")
        return answer.status_code == 200 and len(answer.json()) == 2

    with Always(upload_next) as uploads, Always(store_next) as sender, Always(view) as viewer:

        def all_go_on() -> None:
            for one in (uploads, sender, viewer):
                one.goes_on()

        all_go_on()
        assert viewer.failures == 0
        with proxy.is_told(a, is_down=True):
            a.kill()  # the one that takes the writes
        all_go_on()
        cut_off = viewer.failures
        assert cut_off <= 1  # an answer that the killed node had begun
        a.set("EHR_BRIDGE_DRAIN_SECONDS", "600")
        with proxy.is_told(a, is_down=False):
            a.start()
        all_go_on()
        assert a.process is not None
        with proxy.is_told(a, is_down=True):
            a.process.terminate()
        assert "draining" in a.get("/api/v1/ready").json()["wrong"]
        all_go_on()
        assert a.stop() == 0  # a second signal waits for nothing
        a.set("EHR_BRIDGE_DRAIN_SECONDS", "0")
        all_go_on()
        with proxy.is_told(a, is_down=False):
            a.start()
        all_go_on()
    assert viewer.failures == cut_off
    for node in (a, b):
        for one in (by_http, by_dicom):
            eventually(partial(is_whole, node, one))
    assert b.get("/api/v1/audit/verify", "admin").json()["ok"] is True
