"""How Chromium is started here: without a screen or a graphics card, and without calls to other hosts."""

from __future__ import annotations

EXECUTABLE = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
]
PATIENCE_MS = 90_000
"""For whatever a page is to show or do: how long it takes says nothing on a machine that does other things too."""

WITHOUT_WINDOW = "/usr/bin/chromium-headless-shell"
"""The same engine without the browser's own window around the page; benchmarks use the one that people have."""
PAINTED_BY_PROCESSOR = [*FLAGS, "--disable-gpu-rasterization", "--disable-gpu-compositing"]
"""A graphics card that is played by the processor paints at twice the price; WebGL, which OHIF needs, stays with it."""
