"""The static files: our UI under /ehr/ and the published OHIF under /ohif/, with their security headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from whitenoise import WhiteNoise

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "plugin" / "web" / "dist"
OHIF = ROOT / "ohif-config" / "dist"

UI_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; frame-src 'self' blob:; base-uri 'none'; form-action 'none'"
)
"""Frames of blobs: PDFs of documents, in the browser's own viewer."""
OHIF_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; worker-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; media-src blob:; "
    "object-src 'self' blob:; frame-src blob:; base-uri 'none'; form-action 'none'"
)
"""The strictest policy with which all of OHIF 3.12 works: its codecs compile code, its PDF view is a frame."""
OHIF_LIFETIME = "public, max-age=604800"
"""A week: `ohif-config/prepare.py` may rewrite a bundle without changing its name."""
HASHED = re.compile(r"[.-][0-9A-Za-z_-]{8,}\.(js|css|wasm|woff2?|png|svg|jpg)$")

FILE = re.compile(r"\.[a-z][a-z0-9]*$")
"""A file name's extension. A page's address may hold dots too: /ehr/view/1.2.840.113619.2.55"""

NOT_INSTALLED = "/ohif/not-installed"
"""Where the prepared OHIF looks for files that it would fetch from other hosts; they do not exist."""


class Pages:
    """A WSGI application for both folders; unknown paths without a file extension get the application's page.

    `frame_ancestors`: origins whose pages may show these in a frame, with blanks between; our own always may.
    """

    def __init__(self, frame_ancestors: str = "") -> None:
        files = WhiteNoise(
            _not_found,
            max_age=300,
            allow_all_origins=False,
            index_file=True,
            add_headers_function=partial(_headers, frame_ancestors),
            immutable_file_test=lambda _path, url: url.startswith("/ehr/") and HASHED.search(url) is not None,
            mimetypes={".wasm": "application/wasm"},
        )
        files.add_files(str(UI), prefix="ehr/")
        files.add_files(str(OHIF), prefix="ohif/")
        self._files = files

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"].rstrip("/")
        if path == "":
            start_response("302 Found", [("Location", "/ehr/")])
            return []
        top = path.split("/")[1]
        if path == f"/{top}" or (not _names_a_file(path) and not path.startswith(NOT_INSTALLED)):
            path = f"/{top}/"
        environ["PATH_INFO"] = path
        return self._files(environ, start_response)  # type: ignore[no-any-return]

    @staticmethod
    def has_viewer() -> bool:
        return (OHIF / "index.html").is_file()


def _names_a_file(path: str) -> bool:
    return FILE.search(path) is not None


def _headers(frame_ancestors: str, headers: Headers, _path: str, url: str) -> None:
    policy = UI_POLICY if url.startswith("/ehr/") else OHIF_POLICY
    headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'self' {frame_ancestors}".rstrip()
    headers["Referrer-Policy"] = "no-referrer"
    if not frame_ancestors:
        headers["X-Frame-Options"] = "SAMEORIGIN"  # it can name no other origin (RFC 7034 section 2.1)
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), usb=()"
    if url.endswith(("/", "index.html", "app-config.js", "boot.js")):
        headers["Cache-Control"] = "no-cache"
    elif url.startswith("/ohif/"):
        headers["Cache-Control"] = OHIF_LIFETIME


def _not_found(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"There is no such file."]
