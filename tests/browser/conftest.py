"""Real Chromium in front of the real server with its demo data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.running import running
from tests.support.server import Server

FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server as `scripts/run` starts it, demo accounts and studies included."""
    with running(tmp_path_factory.mktemp("demo"), "--demo") as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    """A fresh window of either size; a violation of the content security policy or a foreign host fails the test."""
    yield from watched(chromium, *request.param)


@pytest.fixture
def wide_page(chromium: Browser) -> Iterator[Page]:
    """The same for a workstation only: what somebody reads with."""
    yield from watched(chromium, 1280, 900)


def watched(chromium: Browser, width: int, height: int) -> Iterator[Page]:
    """A window in which nothing may violate the policy or ask another host."""
    context = chromium.new_context(viewport={"width": width, "height": height})
    trouble: list[str] = []
    context.on("console", lambda m: trouble.append(m.text) if "Content Security Policy" in m.text else None)
    context.on(
        "request",
        lambda r: trouble.append(r.url) if not r.url.startswith(("http://127.0.0.1", "data:", "blob:")) else None,
    )
    page = context.new_page()
    yield page
    context.close()
    assert trouble == []
