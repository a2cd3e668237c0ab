"""What a terminal or a container's log shows of the server's log file: each byte, in order, at the reader's pace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugin.running.logs import former_log
from plugin.starting import shown_log
from plugin.starting.shown_log import ShownLog
from tests.support.steps import eventually

MORE_THAN_A_PIPE_HOLDS = 1_000_000


class Shown:
    """A log file that is shown to one end of a pipe."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "orthanc.log"
        self.reader, writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.log = ShownLog(self.path, writer)
        self.log.start()
        self.seen = b""

    def write(self, text: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(text)

    def turn_over(self) -> None:
        for number in range(8, 0, -1):
            if former_log(self.path, number).exists():
                former_log(self.path, number).rename(former_log(self.path, number + 1))
        self.path.rename(former_log(self.path, 1))

    def read(self) -> bytes:
        """All that was shown so far."""
        try:
            while read := os.read(self.reader, 65_536):
                self.seen += read
        except BlockingIOError:
            pass
        return self.seen


def test_what_is_written_from_now_on_is_shown(tmp_path: Path) -> None:
    (tmp_path / "orthanc.log").write_bytes(b"of the former start\n")
    shown = Shown(tmp_path)
    shown.write(b"first\n")
    eventually(lambda: shown.read() == b"first\n")
    shown.write(b"\xff not text, and no end of line")
    shown.log.end()
    assert shown.read() == b"first\n\xff not text, and no end of line"


def test_a_slow_reader_misses_nothing_of_files_turned_over_meanwhile(tmp_path: Path) -> None:
    """Nobody reads while three files are filled; then somebody does, and all of it comes in its order."""
    shown = Shown(tmp_path)
    written = b""
    for number in range(3):
        part = b"".join(b"%d %09d\n" % (number, line) for line in range(MORE_THAN_A_PIPE_HOLDS // 30))
        shown.write(part)
        written += part
        shown.turn_over()
    shown.write(b"last\n")
    eventually(lambda: shown.read() == written + b"last\n")
    shown.log.end()


def test_nothing_waits_for_a_reader_who_does_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who writes the file does not know of them, and the launcher ends without them."""
    monkeypatch.setattr(shown_log, "LAST_SECONDS", 0.2)
    shown = Shown(tmp_path)
    shown.write(b"x" * MORE_THAN_A_PIPE_HOLDS)
    shown.log.end()
    assert shown.path.stat().st_size == MORE_THAN_A_PIPE_HOLDS
    assert 0 < len(os.read(shown.reader, MORE_THAN_A_PIPE_HOLDS)) < MORE_THAN_A_PIPE_HOLDS
    os.close(shown.reader)


def test_a_reader_who_has_left_is_no_error(tmp_path: Path) -> None:
    shown = Shown(tmp_path)
    os.close(shown.reader)
    shown.write(b"first\n")
    shown.log.end()
    assert shown.path.read_bytes() == b"first\n"
