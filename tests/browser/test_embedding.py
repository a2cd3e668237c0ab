"""A page of another origin shows the viewer in a frame, if it is listed: images, a new token in time, and nothing else.

The page is the example of docs/embedding.md. It is served from `localhost`, the product from `127.0.0.1`: for the
browser these are two sites, so that its rules for third parties hold.
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from tests.browser.conftest import EVERYBODY_AT_ONE_DESK
from tests.browser.reading_steps import TOKENS, a_study
from tests.browser.steps import has_picture
from tests.support.chromium import PATIENCE_MS
from tests.support.running import running
from tests.support.server import ROOT, Server, user_token
from tests.support.steps import eventually

EXAMPLE = (ROOT / "docs" / "examples" / "embed.html").read_text()
REMEMBER = "<script>window.heard = []; addEventListener('message', ({data}) => heard.push(data.type));</script>"


class Ehr:
    """An EHR: one page, and a route that asks the PACS for a token, on an origin of its own."""

    def __init__(self) -> None:
        self.pacs: Server
        self.wishes: list[dict[str, Any]] = [{}]
        """For the tokens to come; the last one for all that follow."""
        self.minted: list[str] = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.origin = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def mint(self) -> dict[str, Any]:
        wish = self.wishes.pop(0) if len(self.wishes) > 1 else self.wishes[0]
        body = {"study_instance_uids": [a_study(self.pacs)], "on_behalf_of": "rosa"} | wish
        answer = self.pacs.request("POST", TOKENS, user_token("service"), json=body).json()
        self.minted.append(answer["token"])
        return dict(answer)

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        ehr = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(REMEMBER + EXAMPLE.replace("https://pacs.example.org", ehr.pacs.url), "text/html")

            def do_POST(self) -> None:
                self._send(json.dumps(ehr.mint()), "application/json")

            def _send(self, text: str, media_type: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", media_type)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture(scope="module")
def ehrs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ehr, Ehr]]:
    """One that is listed and one that is not, at one server with the demo's studies."""
    listed, other = Ehr(), Ehr()
    environ = EVERYBODY_AT_ONE_DESK | {"EHR_BRIDGE_FRAME_ANCESTORS": f"https://ehr.example {listed.origin}"}
    with running(tmp_path_factory.mktemp("embedded"), "--demo", **environ) as server:
        listed.pacs = other.pacs = server
        yield listed, other
    for ehr in (listed, other):
        ehr.server.shutdown()
        ehr.server.server_close()


@pytest.fixture
def desk(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def viewer_in(page: Page) -> Frame:
    return next(frame for frame in page.frames if "/ohif/" in frame.url)


def shows_images(page: Page) -> None:
    canvas = page.frame_locator("#images").locator("canvas").first
    expect(canvas).to_be_visible()
    eventually(lambda: has_picture(canvas))


def seen(page: Page, condition: Callable[[], Any]) -> None:
    """Wait for what the page's events tell: they come while the page is asked something."""
    eventually(lambda: page.evaluate("true") and condition())


def hears(page: Page, what: str) -> None:
    page.wait_for_function("(what) => heard.includes(what)", arg=f"ehr-bridge:{what}")


def test_a_listed_page_shows_images_and_gives_a_new_token_before_the_old_one_ends(
    desk: Page, ehrs: tuple[Ehr, Ehr]
) -> None:
    """The first token has less than five minutes to live, so the viewer asks at once; the second is used from then on,
    and nobody is asked again."""
    listed, _ = ehrs
    listed.wishes = [{"ttl_seconds": 240}, {"session_seconds": 28_800}]
    before = len(listed.minted)
    exchanged: list[str] = []
    desk.on(
        "request",
        lambda r: exchanged.append(r.headers.get("authorization", "")) if r.url.endswith("/exchange") else None,
    )
    desk.goto(listed.origin)
    shows_images(desk)
    hears(desk, "opened")
    hears(desk, "token-needed")
    seen(desk, lambda: len(listed.minted) == before + 2 and f"Bearer {listed.minted[-1]}" in exchanged)
    viewer = viewer_in(desk)
    ask = """async (uid) => (await fetch(`/dicom-web/studies/${uid}/metadata`,
      {headers: {Authorization: `Bearer ${sessionStorage.getItem('ehr-bridge-viewer-token')}`}})).status"""
    eventually(lambda: viewer.evaluate(ask, a_study(listed.pacs)) == 200)
    desk.evaluate("document.getElementById('images').src = 'about:blank'")
    hears(desk, "closed")
    assert "ehr-bridge:ended" not in desk.evaluate("heard")
    assert len(listed.minted) == before + 2


def test_a_page_that_is_not_listed_shows_nothing(desk: Page, ehrs: tuple[Ehr, Ehr]) -> None:
    """The browser refuses the frame, whatever token is in its address; our own pages too."""
    _, other = ehrs
    refused: list[str] = []
    desk.on("console", lambda message: refused.append(message.text) if "frame-ancestors" in message.text else None)
    desk.goto(other.origin)
    seen(desk, lambda: refused)
    assert desk.frame_locator("#images").locator("canvas").count() == 0
    desk.evaluate(f"document.getElementById('images').src = '{other.pacs.url}/ehr/'")
    seen(desk, lambda: len(refused) > 1)
    assert desk.evaluate("heard") == []


def test_messages_of_others_are_not_listened_to(desk: Page, ehrs: tuple[Ehr, Ehr]) -> None:
    """Neither from a window that is not around the viewer, nor a token that opens something else."""
    listed, other = ehrs
    listed.wishes = [{"session_seconds": 28_800}]
    desk.goto(listed.origin)
    shows_images(desk)
    hears(desk, "opened")
    exchanged: list[str] = []
    desk.on(
        "request",
        lambda r: exchanged.append(r.headers.get("authorization", "")) if r.url.endswith("/exchange") else None,
    )
    foreign = other.mint()["token"]
    stranger = """([token, pacs]) => {
      const inside = document.createElement('iframe');
      inside.srcdoc = `<script>parent.frames[0].postMessage({type: 'ehr-bridge:token', token: '${token}'}, '${pacs}');
        parent.postMessage({type: 'sent'}, '*')</` + 'script>';
      document.body.append(inside);
    }"""
    desk.evaluate(stranger, [foreign, listed.pacs.url])
    desk.wait_for_function("heard.includes('sent')")
    elsewhere = listed.pacs.request(
        "POST",
        TOKENS,
        user_token("service"),
        json={"study_instance_uids": [a_study(listed.pacs, "MRN-1002")], "on_behalf_of": "rosa"},
    ).json()["token"]
    push = "([token, pacs]) => frames[0].postMessage({type: 'ehr-bridge:token', token}, pacs)"
    said: list[str] = []
    desk.on("console", lambda message: said.append(message.text))
    desk.evaluate(push, [elsewhere, listed.pacs.url])
    seen(desk, lambda: any("was not taken" in line for line in said))
    assert exchanged == [f"Bearer {elsewhere}"]


@pytest.mark.parametrize("width", [1280, 390])
def test_close_in_the_viewer_tells_the_page_which_removes_the_frame(
    desk: Page, ehrs: tuple[Ehr, Ehr], width: int
) -> None:
    """By the keyboard; nothing of the header lies over it."""
    listed, _ = ehrs
    listed.wishes = [{"session_seconds": 28_800}]
    desk.set_viewport_size({"width": width, "height": 900})
    desk.goto(listed.origin)
    shows_images(desk)
    close = desk.frame_locator("#images").locator("#ehr-bridge-close")
    expect(close).to_have_text("Close")
    lies_on_top = """button => { const box = button.getBoundingClientRect();
      return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2) === button; }"""
    assert close.evaluate(lies_on_top)
    close.press("Enter")
    hears(desk, "close")
    expect(desk.locator("#images")).to_have_count(0)


def test_a_viewer_that_no_page_frames_has_no_close(desk: Page, ehrs: tuple[Ehr, Ehr]) -> None:
    """A tab has one of its own."""
    listed, _ = ehrs
    link = listed.mint()
    desk.goto(f"{listed.pacs.url}/ohif/viewer?StudyInstanceUIDs={link['studies'][0]}#token={link['token']}")
    canvas = desk.locator("canvas").first
    expect(canvas).to_be_visible()
    eventually(lambda: has_picture(canvas))
    expect(desk.locator("#ehr-bridge-close")).to_have_count(0)


def test_a_viewer_without_a_token_asks_the_page_around_it(desk: Page, ehrs: tuple[Ehr, Ehr]) -> None:
    """And shows the images with the first one it gets, also where that opens once only."""
    listed, _ = ehrs
    listed.wishes = [{"session_seconds": 28_800, "max_uses": 1}]
    desk.goto(listed.origin + "/nothing")
    shows_images(desk)  # the page's own; from here on the frame begins anew
    desk.evaluate("sessionStorage.clear()")
    viewer_in(desk).evaluate("sessionStorage.clear()")
    before = len(listed.minted)
    bare = f"{listed.pacs.url}/ohif/viewer?StudyInstanceUIDs={a_study(listed.pacs)}"
    desk.evaluate("source => { document.getElementById('images').src = source; }", bare)
    seen(desk, lambda: len(listed.minted) == before + 1)
    shows_images(desk)
    expect(desk.frame_locator("#images").get_by_text("expired or does not cover")).to_have_count(0)
    seen(desk, lambda: "token=" not in viewer_in(desk).url)
    assert len(listed.minted) == before + 1


@pytest.mark.parametrize(("sandbox", "works"), [("allow-scripts allow-same-origin", True), ("allow-scripts", False)])
def test_a_sandbox_must_leave_the_viewer_its_origin(
    desk: Page, ehrs: tuple[Ehr, Ehr], sandbox: str, works: bool
) -> None:
    """As docs/embedding.md says: without it the viewer is a stranger to its own server."""
    listed, _ = ehrs
    listed.wishes = [{"session_seconds": 28_800}]
    link = listed.mint()
    desk.goto(listed.origin + "/nothing")
    make = """([rules, source]) => {
      const old = document.getElementById('images'), frame = old.cloneNode();
      frame.setAttribute('sandbox', rules);
      frame.src = source;
      old.replaceWith(frame);
    }"""
    failed: list[str] = []
    desk.on("requestfailed", lambda request: failed.append(request.url))
    desk.on("pageerror", lambda error: failed.append(str(error)))
    desk.on("console", lambda message: failed.append(message.text) if message.type == "error" else None)
    source = f"{listed.pacs.url}/ohif/viewer?StudyInstanceUIDs={link['studies'][0]}#token={link['token']}"
    desk.evaluate(make, [sandbox, source])
    if works:
        shows_images(desk)
    else:
        seen(desk, lambda: failed)
        assert desk.frame_locator("#images").locator("canvas").count() == 0
