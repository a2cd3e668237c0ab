"""The static files: our UI under /ehr/ and the published OHIF under /ohif/, with their security headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from whitenoise import WhiteNoise

ROOT = Path(__file__).resolve().parents[1]
UI = ROOT / "plugin" / "web" / "dist"
OHIF = ROOT / "ohif-config" / "dist"

UI_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
OHIF_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
HASHED = re.compile(r"[.-][0-9A-Za-z_-]{8,}\.(js|css|wasm|woff2?|png|svg|jpg)$")

type Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Pages:
    """A WSGI application for both folders; unknown paths without a file extension get the application's own page."""

    def __init__(self) -> None:
        files = WhiteNoise(
            _not_found,
            max_age=300,
            allow_all_origins=False,
            index_file=True,
            add_headers_function=_headers,
            immutable_file_test=lambda _path, url: HASHED.search(url) is not None,
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
        last = path.rsplit("/", 1)[-1]
        if path == f"/{top}" or "." not in last:
            path = f"/{top}/"
        environ["PATH_INFO"] = path
        return self._files(environ, start_response)  # type: ignore[no-any-return]

    @staticmethod
    def has_viewer() -> bool:
        """Whether OHIF is installed."""
        return (OHIF / "index.html").is_file()


def _headers(headers: Headers, _path: str, url: str) -> None:
    headers["Content-Security-Policy"] = UI_POLICY if url.startswith("/ehr/") else OHIF_POLICY
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Frame-Options"] = "SAMEORIGIN"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), usb=()"
    if url.endswith("/") or url.endswith(("index.html", "app-config.js")):
        headers["Cache-Control"] = "no-cache"


def _not_found(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"There is no such file."]
