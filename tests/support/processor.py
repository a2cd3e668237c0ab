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
    try:
        times = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:15]
    except OSError:
        return 0.0
    return sum(map(int, times)) / TICKS + sum(map(_of_tree, _children(pid)))


def _children(pid: int | str) -> list[str]:
    """Of all threads of the process."""
    try:
        return [
            child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []
