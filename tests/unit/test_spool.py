"""The folder of files that survive a power cut."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ehr_bridge.services.jobs.spool import Spool


def test_all_who_ask_at_a_first_start_hear_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a job or a lease would be of a node that does not exist after kill -9, and wait for it."""
    write = Spool._write

    def slowly(self: Spool, path: Path, data: bytes) -> None:
        time.sleep(0.01)  # whoever else is on the way sees that there is no name yet
        write(self, path, data)

    monkeypatch.setattr(Spool, "_write", slowly)
    heard: list[Any] = []
    start = threading.Barrier(4)

    def ask() -> None:
        start.wait()
        heard.append(Spool(tmp_path / "modifying").node)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert heard == [Spool(tmp_path / "modifying").node] * 4
