"""What node A takes while it runs: memory, files and threads of Orthanc and of the processes beside it; and who has the
processors."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.support import processor
from tests.support.server import Server, children_of

EVERY_SECONDS = 5.0
ORTHANC, BESIDE = "Orthanc", "beside it"


class Sample(NamedTuple):
    at: float
    megabytes: float
    files: int
    threads: int


class Watch(threading.Thread):
    """A sample of each every few seconds until `stop`."""

    def __init__(self, node: Server) -> None:
        super().__init__(daemon=True)
        assert node.process is not None
        self._launcher = node.process.pid
        self._ending = threading.Event()
        self._begun, self._ours_before, self._busy_before = time.monotonic(), processor.seconds(), _processor()
        self.samples: dict[str, list[Sample]] = {ORTHANC: [], BESIDE: []}
        self.orthancs: set[int] = set()
        """Every process of that name that was seen: one, unless it was started again."""

    def run(self) -> None:
        while not self._ending.wait(EVERY_SECONDS):
            self.look()

    def look(self) -> None:
        processor.seconds()  # it forgets nobody whom it has seen once: a node that is killed, PostgreSQL
        tree = list(_below(self._launcher))
        orthancs = {pid for pid in tree if _name(pid) == "Orthanc"}
        self.orthancs |= orthancs
        for label, pids in ((ORTHANC, orthancs), (BESIDE, set(tree) - orthancs)):
            found = [one for pid in pids if (one := _sample(pid)) is not None]
            if found:
                columns = [sum(column) for column in zip(*found, strict=True)]
                self.samples[label].append(Sample(time.monotonic(), columns[0], int(columns[1]), int(columns[2])))

    def stop(self) -> tuple[float, float]:
        """The share of all processors that was in use since the beginning: by anybody, and by this run with its nodes
        and its PostgreSQL."""
        self._ending.set()
        self.join()
        self.look()
        ours = (processor.seconds() - self._ours_before) / (time.monotonic() - self._begun) / (os.cpu_count() or 1)
        busy, total = (now - before for now, before in zip(_processor(), self._busy_before, strict=True))
        return (busy / total if total else 0.0), ours


def growth(samples: list[Sample], column: str) -> tuple[float, float]:
    """What a line through the last two thirds begins with, and the share by which it rises until their end."""
    late = samples[len(samples) // 3 :]
    values = [float(getattr(one, column)) for one in late]
    if len(late) < 3:
        return (values[0] if values else 0.0), 0.0
    slope, start = statistics.linear_regression([one.at - late[0].at for one in late], values)
    return start, slope * (late[-1].at - late[0].at) / start if start else 0.0


def course(samples: list[Sample]) -> list[int]:
    """Megabytes at the beginning, after each tenth of the time and at the end."""
    return [round(samples[(len(samples) - 1) * tenth // 10].megabytes) for tenth in range(11)] if samples else []


def _below(pid: int) -> Iterator[int]:
    for child in children_of(pid):
        yield child
        yield from _below(child)


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _sample(pid: int) -> tuple[float, int, int] | None:
    """Megabytes, open files, threads; None of a process that has ended."""
    folder = Path(f"/proc/{pid}")
    with suppress(OSError, ValueError, StopIteration):
        said = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
        if "VmRSS" in said:
            return int(said["VmRSS"].split()[0]) / 1000, len(list((folder / "fd").iterdir())), int(said["Threads"])
    return None


def _processor() -> tuple[float, float]:
    """Ticks of all processors that were in use, and all (proc_stat(5))."""
    ticks = [float(one) for one in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
