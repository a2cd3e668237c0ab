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
