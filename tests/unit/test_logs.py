"""What stands in a line of the log, and that none is lost when the file is turned over."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ehr_bridge import request_id
from plugin.running.logs import JsonHandler, OrthancHandler
from tests.support.steps import eventually

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Orthanc:
    """Remembers what it was to log."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def LogError(self, text: str) -> None:
        self.lines.append(("error", text))

    def LogWarning(self, text: str) -> None:
        self.lines.append(("warning", text))

    def LogInfo(self, text: str) -> None:
        self.lines.append(("info", text))


def say(handler: logging.Handler) -> None:
    """A warning outside a request, and a defect within one."""
    request_id.end()  # of another test on this thread
    logger = logging.Logger("ehr_bridge.somewhere")
    logger.addHandler(handler)
    logger.warning("%d images\nof Ö", 3)
    logger.info("nothing of note")
    request_id.begin("her-own")
    request_id.follow(f"00-{TRACE}-00f067aa0ba902b7-01")
    try:
        raise ZeroDivisionError("why")
    except ZeroDivisionError:
        logger.exception("defect")
    finally:
        request_id.end()


def test_each_event_is_one_json_object_on_one_line() -> None:
    """Time in UTC, level, logger, message, request, and the whole of an exception."""
    reading, writing = os.pipe()
    say(JsonHandler(writing))
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        lines = [json.loads(line) for line in pipe]
    assert [(line["level"], line["logger"], line["message"], line["request_id"]) for line in lines] == [
        ("WARNING", "ehr_bridge.somewhere", "3 images\nof Ö", None),
        ("ERROR", "ehr_bridge.somewhere", "defect", "her-own"),
    ]
    assert all(line["time"].endswith("Z") and len(line["time"]) == len("2026-01-31T09:00:00.000Z") for line in lines)
    assert [line.get("trace_id") for line in lines] == [None, TRACE]
    assert "ZeroDivisionError: why" in lines[1]["exception"] and "exception" not in lines[0]


def test_text_names_the_request_that_it_belongs_to() -> None:
    orthanc = Orthanc()
    say(OrthancHandler(orthanc))
    assert [(level, text.splitlines()[0]) for level, text in orthanc.lines[:2]] == [
        ("warning", "ehr_bridge.somewhere: 3 images"),
        ("info", "ehr_bridge.somewhere: nothing of note"),
    ]
    level, text = orthanc.lines[2]
    assert (
        level == "error"
        and text.splitlines()[0].endswith("defect")
        and text.endswith(f"[request her-own] [trace {TRACE}]")
    )


WRITER = """
import itertools, os, sys, threading
from pathlib import Path
from plugin.running.logs import Rotation

rotation = Rotation(Path(sys.argv[1]), 20_000, 1000)

def write():
    for number in itertools.count():
        os.write(1 + number % 2, b"line %d\\n" % number)

threading.Thread(target=write, daemon=True).start()
while True:
    rotation.run()
"""


def start_writer(file: Path) -> subprocess.Popen[Any]:
    with file.open("ab") as output:
        return subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=output, stderr=output)


@pytest.mark.parametrize("moment", [0.0, 0.01, 0.02, 0.05])
def test_no_line_is_lost_when_the_process_is_killed_while_it_turns_the_file_over(tmp_path: Path, moment: float) -> None:
    """Both outputs of the process go to the new file; each line is in one of them, once.

    The kernel may stop the last write of a killed process at the end of a memory page: that line was never written.
    """
    file = tmp_path / "orthanc.log"
    writer = start_writer(file)
    try:
        eventually(lambda: (tmp_path / "orthanc.log.3").exists())
        time.sleep(moment)
    finally:
        writer.kill()
        writer.wait()
    former = sorted(tmp_path.glob("orthanc.log.*"), key=lambda each: -int(each.suffix[1:]))
    text = "".join(each.read_text() for each in [*former, file] if each.exists())
    *whole, _unfinished = text.split("\n")
    numbers = [int(line.split()[1]) for line in whole]
    assert numbers and sorted(numbers) == list(range(len(numbers)))


def test_only_so_many_former_files_are_kept(tmp_path: Path) -> None:
    """The newest ones, in order."""
    file = tmp_path / "orthanc.log"
    script = """
import os, sys
from pathlib import Path
from plugin.running.logs import Rotation

rotation = Rotation(Path(sys.argv[1]), 1_000, 2)
for number in range(6):
    os.write(2, b"%d" % number * 1_000)
    rotation.run()
os.write(1, b"last")
"""
    with file.open("ab") as output:
        subprocess.run([sys.executable, "-c", script, str(file)], stdout=output, stderr=output, check=True)
    assert {each.name: each.read_text()[:4] for each in tmp_path.iterdir()} == {
        "orthanc.log": "last",
        "orthanc.log.1": "5555",
        "orthanc.log.2": "4444",
    }


def test_another_output_than_the_file_is_left_alone(tmp_path: Path) -> None:
    """Somebody has sent the server's output elsewhere, which is theirs to turn over."""
    file = tmp_path / "orthanc.log"
    file.write_bytes(b"x" * 30_000)
    script = WRITER.replace("threading.Thread(target=write, daemon=True).start()\nwhile True:\n    ", "")
    subprocess.run([sys.executable, "-c", script, str(file)], check=True, capture_output=True)
    assert [each.name for each in tmp_path.iterdir()] == ["orthanc.log"]
