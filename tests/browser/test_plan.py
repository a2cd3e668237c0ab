"""scripts/bench seed, quickly: the command measures every number of the plan. How good they are says the real run."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Browser

from tests.bench.seed import QUICK, Row, as_json, measure, table
from tests.support.running import running

NUMBERS = {
    *("single_file_s", "ct_500_images_s", "images_100_s", "mr_1gb_s", "progress_step_percent", "tags_right_percent"),
    *("viewer_open_s", "next_image_ms", "window_ms", "five_viewers_s"),
}


def test_every_number_is_measured(chromium: Browser, tmp_path: Path) -> None:
    """Real uploads, real OHIF, a few small images; on a server of its own, for other tests count studies and orders."""
    with running(tmp_path, "--demo") as server:
        rows = measure(server, chromium, tmp_path, QUICK)
    numbers = json.loads(as_json(rows))
    assert numbers.keys() == NUMBERS | {"missed"}
    assert all(numbers[name] > 0 for name in NUMBERS)
    assert numbers["tags_right_percent"] > 99


def test_a_missed_number_is_said() -> None:
    """In the table and in the line for programs."""
    slow = Row("viewer_open_s", "study opens in 10 s", 10.0, 10, "s", "by hand")
    good = Row("tags_right_percent", "tags read, above 99 %", 99.9, 99, "%", "by hand", above=True)
    lines = table([slow, good]).splitlines()
    assert [("MISSED" in line, " yes " in line) for line in lines[1:]] == [(True, False), (False, True)]
    assert json.loads(as_json([slow, good]))["missed"] == ["viewer_open_s"]
