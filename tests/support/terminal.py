"""A command at a real terminal: what it shows, what is typed, what is seen of it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

LOOKS_AT_REST = 5
"""So often, a fifth of a second apart, a command has done nothing: it waits for the keyboard."""


class Terminal:
    """Runs a command under a pseudo-terminal of 100 columns; `screen` is everything it wrote so far.

    As at a real terminal it hears Ctrl-C, which what a shell starts in the background would not."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        environ = {"TERM": "xterm", "COLUMNS": "100", **environ}
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "env", "--default-signal=INT", *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environ,
        )
        os.close(theirs)
        self.screen = ""
        self._read = 0

    def wait_for(self, text: str, seconds: float = 300) -> str:
        """Until the command has written this after what was waited for before; everything up to it."""
        deadline = time.monotonic() + seconds
        while text not in self.screen[self._read :]:
            assert time.monotonic() < deadline and self._look(), f"no {text!r} in {self.screen!r}"
        start = self._read
        self._read = self.screen.index(text, start) + len(text)
        return self.screen[start : self._read]

    def type(self, line: str) -> None:
        os.write(self._ours, line.encode() + b"\n")

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.write(self._ours, b"\x03")

    def end(self, seconds: float = 300) -> int:
        """Until the command ends; its exit code."""
        deadline = time.monotonic() + seconds
        while self._look():
            assert time.monotonic() < deadline, self.screen
        os.close(self._ours)
        return self._process.wait(timeout=seconds)

    def end_by_interrupt(self, seconds: float = 300) -> int:
        """Ctrl-C, and again as long as nothing comes of it: Python may be about to read, and not see the first one.

        Not to a command that has begun to end, which would not end as it should then.
        """
        deadline = time.monotonic() + seconds
        self.interrupt()
        seen, quiet = None, 0
        while self._look():
            assert time.monotonic() < deadline, self.screen
            before, seen = seen, self._resting()
            quiet = quiet + 1 if seen and seen == before else 0
            if quiet == LOOKS_AT_REST:
                self.interrupt()
                quiet = 0
        os.close(self._ours)
        return self._process.wait(timeout=seconds)

    def _resting(self) -> tuple[str, ...] | None:
        """How long the command has run so far, and what it has written; None unless it waits for something just now."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            return None
        return (*fields[11:13], self.screen) if fields[0] == "S" else None

    def _look(self) -> bool:
        """Take what was written; False when nobody will write any more."""
        if not select.select([self._ours], [], [], 0.2)[0]:
            return self._process.poll() is None
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # Linux: the other end is closed
            return False
        self.screen += data.decode(errors="replace")
        return bool(data)
