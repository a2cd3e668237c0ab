"""scripts/pictures: all pictures, or those whose names follow the command.

Each is what a person sees at 1280 by 900 (a long list is higher), in few colours so that the files stay small.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from tests.browser.people import People
from tests.support import ports
from tests.support.chromium import PAINTED_BY_PROCESSOR, PATIENCE_MS, WITHOUT_WINDOW
from tests.support.pictures.makers import IMAGES, PICTURES
from tests.support.pictures.world import prepare
from tests.support.running import running

SMALL = 70_000
"""Bytes."""
WINDOW = ViewportSize(width=1280, height=900)
SETTINGS = {
    "EHR_BRIDGE_SHARING": "1",
    "EHR_BRIDGE_PUBLIC_URL": "https://pacs.example.org",
    "EHR_BRIDGE_STABLE_AGE": "2",
    "EHR_BRIDGE_SIGN_INS_PER_MINUTE": "1000",
}


def keep(page: Page, path: Path) -> None:
    """What the window shows now, as a small file."""
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready.then(() => null)")
    expect(page.locator('[aria-busy="true"]')).to_have_count(0)
    seen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for colours in (64, 32, 16):
        seen.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= SMALL:
            break
    page.set_viewport_size(WINDOW)
    print(path.name, path.stat().st_size // 1024, "kB", flush=True)


def main(names: Sequence[str]) -> int:
    """Make the pictures of these names, or all of them; in their own order, because some leave things behind."""
    if unknown := set(names) - PICTURES.keys():
        print(f"pictures: no picture is called {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    expect.set_options(timeout=PATIENCE_MS)
    with (
        tempfile.TemporaryDirectory(prefix="ehr-bridge-pictures-") as folder,
        running(Path(folder), "--demo", EHR_BRIDGE_MPPS_PORT=str(ports.free()), **SETTINGS) as server,
        sync_playwright() as playwright,
    ):
        prepare(server)
        browser = playwright.chromium.launch(executable_path=WITHOUT_WINDOW, args=PAINTED_BY_PROCESSOR)
        people = People(browser, server)
        for name, maker in PICTURES.items():
            if not names or name in names:
                keep(maker(people, server), IMAGES / f"{name}.png")
        people.leave()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
