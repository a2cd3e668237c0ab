"""What this process, the servers and browsers it has started, and its PostgreSQL have used of the processor so far."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")

_last = [0.0]
_lost = [0.0]
"""What processes had used that ended without anybody waiting for them, as Chromium's do."""
_pid_files: list[Path] = []
_others: dict[str, float] = {}
"""Seconds at the last look, by process id: what has ended is not forgotten."""


def also(pid_file: Path) -> None:
    """Count a process too that is not below this one, with its own children: the server of a cluster."""
    _pid_files.append(pid_file)


def seconds() -> float:
    """Of this process and all below it, those that still run and those that have ended, and of the others."""
    for pid_file in _pid_files:
        if pid_file.exists():
            pid = pid_file.read_text().split(maxsplit=1)[0]
            _others[pid] = max(_of_tree(pid), _others.get(pid, 0.0))
    found = sum(os.times()[:4]) + sum(map(_of_tree, _children(os.getpid()))) + sum(_others.values())
    _lost[0] += max(0.0, _last[0] - found)
    _last[0] = found
    return found + _lost[0]


def _of_tree(pid: str) -> float:
    """A process, its children that were waited for, and its children that run."""
    if not (stat := _read(f"/proc/{pid}/stat")):
        return 0.0
    times = stat.rsplit(b")", 1)[1].split()[11:15]
    return sum(map(int, times)) / TICKS + sum(map(_of_tree, _children(pid)))


def _children(pid: int | str) -> list[str]:
    """Of all threads of the process."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208  (pathlib takes longer than the kernel)
    except OSError:
        return []
    return [child.decode() for thread in threads for child in _read(f"/proc/{pid}/task/{thread}/children").split()]


def _read(path: str) -> bytes:
    """What the kernel says; nothing of what has ended meanwhile."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(file, 65_536)
    except OSError:
        return b""
    finally:
        os.close(file)
