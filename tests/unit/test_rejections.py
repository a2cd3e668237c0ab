"""What Orthanc's log says of devices that it has refused: lines as Orthanc 1.12.7 writes them."""

from __future__ import annotations

import os
from pathlib import Path

from ehr_bridge.services.audit.refusals import Refusal
from plugin.dimse.rejections import Rejections

SOURCE = "W1129 11:57:27.470420          DICOM-2 CommandDispatcher.cpp:839] "
LINE = SOURCE + 'Rejected {} request from remote DICOM modality with AET "{}" and hostname "{}"\n'


class Log:
    """A log file that this process writes, as far as its descriptor tells."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "orthanc.log"
        self.path.write_text(LINE.format("Store", "BEFORE", "10.0.0.1"))
        self.output = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self.told: list[Refusal] = []
        self.rejections = Rejections(self.path, self.told.append, self.output)

    def write(self, text: str) -> None:
        os.write(self.output, text.encode())

    def read(self) -> list[tuple[str | None, str | None, str]]:
        self.rejections.run()
        told, self.told[:] = list(self.told), []
        return [(one.actor, one.address, one.route) for one in told]


def test_each_refusal_is_told_once_from_now_on(tmp_path: Path) -> None:
    log = Log(tmp_path)
    assert log.read() == []
    log.write(LINE.format("FindWorklist", "CT9", "10.0.0.9") + "W1129 other line\n" + LINE.format("Store", "X", "::1"))
    assert log.read() == [("ae:CT9", "10.0.0.9", "DIMSE FindWorklist"), ("ae:X", "::1", "DIMSE Store")]
    assert log.read() == []


def test_a_line_that_is_not_whole_yet_waits(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.read()
    line = LINE.format("Move", "CT9", "10.0.0.9")
    log.write(line[:90])
    assert log.read() == []
    log.write(line[90:])
    assert log.read() == [("ae:CT9", "10.0.0.9", "DIMSE Move")]


def test_the_log_may_be_turned_over(tmp_path: Path) -> None:
    """What was written before to the old file, and after to the new one, is told."""
    log = Log(tmp_path)
    log.read()
    log.write(LINE.format("Get", "LAST", "10.0.0.1"))
    log.path.rename(tmp_path / "orthanc.log.1")
    log.path.touch()
    os.dup2(os.open(log.path, os.O_WRONLY | os.O_APPEND), log.output)
    log.write(LINE.format("Get", "FIRST", "10.0.0.1"))
    assert [actor for actor, _, _ in log.read() + log.read()] == ["ae:LAST", "ae:FIRST"]


def test_what_others_write_into_the_log_is_no_refusal(tmp_path: Path) -> None:
    """A name in another line, or a line that only looks like it."""
    log = Log(tmp_path)
    log.read()
    said = LINE.format("Store", "CT9", "10.0.0.9")
    log.write("W1129 11:57:27.470420 MAIN main.cpp:1] " + said + " " + said + said.removeprefix(SOURCE))
    assert log.read() == []


def test_a_log_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    """As in a container, where the output is the terminal and an old file may lie about."""
    log = Log(tmp_path)
    terminal = os.open(os.devnull, os.O_WRONLY)
    rejections = Rejections(log.path, log.told.append, terminal)
    rejections.run()
    log.write(LINE.format("Store", "CT9", "10.0.0.9"))
    rejections.run()
    missing = Rejections(tmp_path / "none.log", log.told.append, terminal)
    missing.run()
    assert log.told == []
