"""The example proxy of the documentation between real nodes, and people who use it all the time."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.support.server import ROOT, Server, children_of
from tests.support.steps import eventually

EXAMPLE = ROOT / "docs" / "examples" / "nginx"
WRITTEN = ("readers.conf", "writers.conf", "dicom.conf")


class Proxy(Server):
    """Where clients of all nodes call; not a server of ours, but asked like one."""

    def __init__(self, folder: Path, nodes: list[Server]) -> None:
        super().__init__(folder / "var")
        self.folder = folder
        self.nodes = nodes

    @contextmanager
    def is_told(self, node: Server, *, is_down: bool) -> Iterator[None]:
        """What is done here makes nginx take a node out, or back: afterwards it has, for every new connection."""
        former = self._workers()
        yield
        eventually(lambda: {" down" in self._line_of(node, name) for name in WRITTEN} == {is_down})
        eventually(lambda: self._workers() and not self._workers() & former)

    def _line_of(self, node: Server, name: str) -> str:
        """What nginx finds written about a node."""
        place = f"127.0.0.1:{node.dicom_port if name == 'dicom.conf' else node.http_port}"
        lines = (self.folder / name).read_text().splitlines()
        return next(line for line in lines if line.startswith(f"server {place} "))

    def _workers(self) -> set[int]:
        """Of nginx, those that accept connections: a configuration that was read begins with new ones."""
        found = children_of(int((self.folder / "nginx.pid").read_text()))
        return {one for one in found if b"shutting down" not in Path(f"/proc/{one}/cmdline").read_bytes()}


@contextmanager
def proxy_between(folder: Path, nodes: list[Server]) -> Iterator[Proxy]:
    """nginx and its follower, as the example has them but for ports."""
    proxy = Proxy(folder, nodes)
    said = (EXAMPLE / "nodes.conf").read_text()
    said = said.replace("modules/ngx", "/usr/lib/nginx/modules/ngx")
    for example, ours in ((":8080;", proxy.http_port), (":11112;", proxy.dicom_port)):
        assert said.count(example) == 1
        said = said.replace(example, f":{ours};")
    (folder / "nodes.conf").write_text(said)
    pairs = [f"127.0.0.1:{node.http_port}=127.0.0.1:{node.dicom_port}" for node in nodes]
    follower = subprocess.Popen([shutil.which("bash") or "bash", EXAMPLE / "follow-ready", folder, *pairs])
    nginx = None
    try:
        eventually(lambda: (folder / "dicom.conf").exists())
        command = ["/usr/sbin/nginx", "-p", str(folder), "-c", str(folder / "nodes.conf"), "-e", "stderr"]
        own = "daemon off; user root root;" if os.geteuid() == 0 else "daemon off;"  # the folder is ours alone
        nginx = subprocess.Popen([*command, "-g", own])
        eventually(lambda: proxy.get("/api/v1/ready").status_code == 200)
        yield proxy
    finally:
        follower.terminate()
        follower.wait()
        if nginx is not None:
            nginx.terminate()
            nginx.wait()


class Always:
    """Does one thing again and again on a thread of its own until it is told to stop; what fails is tried again."""

    def __init__(self, act: Callable[[], bool]) -> None:
        self.successes, self.failures = 0, 0
        self._act = act
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                succeeded = self._act()
            except (requests.RequestException, AssertionError, OSError):
                succeeded = False
            if succeeded:
                self.successes += 1
            else:
                self.failures += 1
                self._stop.wait(0.2)

    def goes_on(self, times: int = 3) -> None:
        """Wait until it has succeeded that often from now on."""
        before = self.successes
        eventually(lambda: self.successes >= before + times)

    def __enter__(self) -> Always:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
