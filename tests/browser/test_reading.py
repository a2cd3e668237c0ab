"""Reading in OHIF under tokens that are made for it: links for one use, sessions that go on, priors side by side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.reading_steps import TOKENS, a_study, mint, open_link, renew
from tests.browser.steps import has_picture
from tests.support.server import Server, user_token
from tests.support.steps import eventually


def test_a_link_for_one_use_shows_the_study_once_and_its_address_is_worth_nothing(
    desktop: Page, demo: Server, chromium: Browser
) -> None:
    """Exchanged before OHIF starts; the token is gone from the address; a second browser sees nothing. After
    reloading, the first one goes on."""
    uid = a_study(demo)
    token = mint(demo, uid, max_uses=1, session_seconds=3600)["token"]
    assert demo.request("GET", f"/dicom-web/studies/{uid}/metadata", token).status_code == 403
    open_link(desktop, demo, uid, token)
    canvas = desktop.locator("canvas").first
    expect(canvas).to_be_visible()
    assert "token" not in desktop.url
    desktop.reload()
    expect(desktop.locator("canvas").first).to_be_visible()
    second = chromium.new_context().new_page()
    open_link(second, demo, uid, token)
    expect(second.get_by_text("expired or does not cover").first).to_be_visible()
    assert second.locator("canvas").count() == 0
    second.context.close()


def test_a_session_goes_on_with_new_tokens_until_it_is_taken_back(desktop: Page, demo: Server) -> None:
    """A quarter of an hour passes on the page's clock; what OHIF asks for then carries a token it never saw."""
    uid = a_study(demo)
    minted = mint(demo, uid, ttl_seconds=600, session_seconds=7200)
    carried: list[str] = []
    exchanged: list[str] = []

    def remember(request: Request) -> None:
        authorization = request.headers.get("authorization", "")
        if request.url.endswith("/exchange"):
            exchanged.append(authorization)
        elif "/dicom-web/" in request.url:
            carried.append(authorization)

    desktop.on("request", remember)
    desktop.clock.install()
    open_link(desktop, demo, uid, minted["token"])
    expect(desktop.locator("canvas").first).to_be_visible()
    assert exchanged == [f"Bearer {minted['token']}"]
    assert minted["token"] not in str(carried)
    first = carried[-1]
    renew(desktop)
    ask = """async ([path, token]) => {
      const request = new XMLHttpRequest();
      request.open('GET', path);
      request.setRequestHeader('Authorization', token);
      return await new Promise((done) => { request.onload = () => done(request.status); request.send(); });
    }"""
    path = f"/dicom-web/studies/{uid}/metadata"
    assert desktop.evaluate(ask, [path, first]) == 200
    assert carried[-1] != first and exchanged[-1] == first
    taken_back = demo.request("DELETE", f"{TOKENS}/{minted['token_id']}", user_token("radiologist", subject="rosa"))
    assert taken_back.status_code == 204
    assert desktop.evaluate(ask, [path, first]) == 403


@pytest.mark.parametrize("minutes", [-30, 30])
def test_a_session_goes_on_where_the_computers_clock_is_wrong(desktop: Page, demo: Server, minutes: int) -> None:
    """Half an hour slow or fast: one token at first, and the next one before it ends after a quarter of an hour."""
    uid = a_study(demo)
    exchanged: list[str] = []
    desktop.on("request", lambda request: exchanged.append(request.url) if request.url.endswith("/exchange") else None)
    desktop.clock.install(time=datetime.now(UTC) + timedelta(minutes=minutes))
    open_link(desktop, demo, uid, mint(demo, uid, session_seconds=7200)["token"])
    expect(desktop.locator("canvas").first).to_be_visible()
    desktop.clock.fast_forward("05:00")
    assert len(exchanged) == 1
    with desktop.expect_response(lambda response: response.url.endswith("/exchange")) as renewed:
        desktop.clock.fast_forward("05:00")
    assert renewed.value.status == 201


def test_two_studies_open_side_by_side(desktop: Page, demo: Server) -> None:
    """?compare= of the viewer link: two pictures, in the layout for comparing."""
    one, other = a_study(demo), a_study(demo, "MRN-1002")
    link = demo.get(f"/api/v1/dicom/viewer-url/{one}?compare={other}", "doctor").json()
    desktop.goto(demo.url + link["url"])
    pictures = desktop.locator("canvas")
    expect(pictures.nth(1)).to_be_visible()
    desktop.wait_for_function("document.querySelectorAll('canvas').length >= 2")
    for number in (0, 1):
        expect(pictures.nth(number)).to_be_visible()
    assert "hangingProtocolId" in desktop.url and "token" not in desktop.url
    eventually(lambda: has_picture(pictures.nth(0)) and has_picture(pictures.nth(1)))
    expect(desktop.locator("[data-cy=viewport-pane]")).to_have_count(2)  # none is empty


def test_a_study_opens_however_often_and_quickly_it_is_opened(desktop: Page, demo: Server) -> None:
    """With all of OHIF in the browser's cache, its modules begin in another order each time."""
    faults: list[str] = []
    desktop.on("console", lambda message: faults.append(message.text) if "ReferenceError" in message.text else None)
    for _ in range(10):
        desktop.goto(f"{demo.url}/ehr/assets/nothing")
        open_link(desktop, demo, a_study(demo), mint(demo, a_study(demo))["token"])
        expect(desktop.locator("canvas").first).to_be_visible()
    assert faults == []
    assert desktop.evaluate("window.__filename") == f"{demo.url}/ohif/app-config.js"
