"""Real Chromium in front of the real server with its demo data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.people import People
from tests.support import ports
from tests.support.chromium import PAINTED_BY_PROCESSOR, PATIENCE_MS, WITHOUT_WINDOW
from tests.support.resting import shared
from tests.support.running import running
from tests.support.server import Server

expect.set_options(timeout=PATIENCE_MS)
EVERYBODY_AT_ONE_DESK = {"EHR_BRIDGE_SIGN_INS_PER_MINUTE": "1000"}
"""All tests sign in as the same few people from one address, on a quick machine more often than any person would."""


@pytest.fixture(scope="session")
def mpps_port() -> int:
    """Where modalities report to the demo server."""
    return ports.free()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, mpps_port: int) -> Iterator[Server]:
    """A server as `scripts/run` starts it, demo accounts and studies included."""
    environ = EVERYBODY_AT_ONE_DESK | {"EHR_BRIDGE_MPPS_PORT": str(mpps_port), "EHR_BRIDGE_SHARING": "1"}
    with running(tmp_path_factory.mktemp("demo"), "--demo", **environ) as server, shared("demo", server):
        yield server


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=WITHOUT_WINDOW, args=PAINTED_BY_PROCESSOR)
        yield browser
        browser.close()


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    """A fresh window of either size."""
    with window(chromium, *request.param) as page:
        yield page


@pytest.fixture
def desktop(chromium: Browser) -> Iterator[Page]:
    """A fresh window as on a desk, where the size does not matter for what is tested."""
    with window(chromium, 1280, 900) as page:
        yield page


@contextmanager
def window(chromium: Browser, width: int, height: int, **options: Any) -> Iterator[Page]:
    """A fresh window; a breach of the content security policy, a fault of a script or a foreign host fails the test."""
    context = chromium.new_context(viewport={"width": width, "height": height}, **options)
    trouble: list[str] = []
    context.on("console", lambda m: trouble.append(m.text) if "Content Security Policy" in m.text else None)
    context.on(
        "weberror", lambda e: trouble.append(str(e.error)) if "/ehr/" in (e.page.url if e.page else "") else None
    )
    context.on(
        "request",
        lambda r: trouble.append(r.url) if not r.url.startswith(("http://127.0.0.1", "data:", "blob:")) else None,
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    try:
        yield page
    finally:
        context.close()
    assert trouble == []


@pytest.fixture(scope="module")
def people(chromium: Browser, demo: Server) -> Iterator[People]:
    """Windows of several people; whatever went wrong in any of them fails the module."""
    people = People(chromium, demo)
    yield people
    people.leave()
    assert people.trouble == []


@pytest.fixture(scope="module")
def ids(demo: Server) -> Iterator[dict[str, str]]:
    """A study of the demonstration and the upload that brought it, whatever other tests have left on the server."""
    study = demo.get("/api/v1/dicom/studies?mrn=MRN-1001&link_status=linked", "nurse").json()["items"][0]
    uid = study["study_instance_uid"]
    uploads = demo.get("/api/v1/dicom/uploads", "nurse", params={"study_instance_uid": uid}).json()["items"]
    yield {"uid": uid, "upload": uploads[0]["upload_id"]}
