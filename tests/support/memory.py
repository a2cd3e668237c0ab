"""How much memory a running server takes at most while something happens to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.server import Server


class Peak:
    """Megabytes above what the server had at the beginning; known when the block has ended."""

    megabytes = 0


@contextmanager
def peak_of(server: Server) -> Iterator[Peak]:
    """Watches Orthanc's own process, by the high-water mark that Linux keeps (proc_pid_status(5))."""
    (pid,) = server.children()
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # from here on (proc_pid_clear_refs(5))
    before = _kilobytes(pid, "VmRSS")
    peak = Peak()
    yield peak
    peak.megabytes = (_kilobytes(pid, "VmHWM") - before) // 1000


def _kilobytes(pid: str, which: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which))
