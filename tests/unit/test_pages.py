"""The static files: what is a file, and what is an address of the page."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from werkzeug.test import Client

from plugin.serving import pages


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    for name in ("UI", "OHIF"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "index.html").write_text(f"the page of {name}")
        (folder / "code.js").write_text("plain " * 100)
        (folder / "code.js.gz").write_bytes(gzip.compress(b"packed"))
        monkeypatch.setattr(pages, name, folder)
    return Client(pages.Pages())


@pytest.mark.parametrize(
    "path", ["/ehr", "/ehr/", "/ehr/orders/A-1", "/ehr/view/1.2.840.113619.2.55", "/ehr/studies/1.2.3/tags"]
)
def test_an_address_of_the_page_is_answered_with_the_page(client: Client, path: str) -> None:
    """Also one that ends in a UID, whose dots are no file's ending: a reload must not lose the viewer."""
    answer = client.get(path)
    assert (answer.status_code, answer.text) == (200, "the page of UI")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/ehr/assets/old-1a2b3c4d.js", "/ehr/missing.css", "/ohif/not-installed/x"])
def test_a_file_that_is_not_there_is_not_found(client: Client, path: str) -> None:
    """A page in its place would be run as a script."""
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/ehr/code.js", "/ohif/code.js"])
def test_whoever_accepts_gzip_gets_the_packed_copy(client: Client, path: str) -> None:
    """A first visit is three times as large without it; caches between keep the two apart."""
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.data) == b"packed"
    assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert client.get(path).text.startswith("plain")


@pytest.mark.parametrize("path", ["/ehr/orders", "/ohif/viewer"])
def test_who_may_frame_a_page_is_said_once_and_in_both_places(client: Client, path: str) -> None:
    """Our own pages alone, or those that the setting lists too; X-Frame-Options cannot name them."""
    alone = client.get(path).headers
    assert alone["Content-Security-Policy"].endswith("; frame-ancestors 'self'")
    assert alone["X-Frame-Options"] == "SAMEORIGIN"
    listed = Client(pages.Pages("https://ehr.example https://b.example:8443")).get(path).headers
    assert listed["Content-Security-Policy"].endswith(
        "; frame-ancestors 'self' https://ehr.example https://b.example:8443"
    )
    assert "X-Frame-Options" not in listed
