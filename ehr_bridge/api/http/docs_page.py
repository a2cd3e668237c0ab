"""The page to try the API: Swagger UI served from our own files, under a content security policy."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request

from ehr_bridge.api.http.context import DOCS_PREFIX

MEDIA_TYPE = "text/html; charset=utf-8"
DOCS_ROUTE = "/api/v1/docs"
SHOWN: dict[str, Any] = {"description": "The page", "content": {"text/html": {"schema": {"type": "string"}}}}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI sets styles on its elements and uses data images; it needs no scripts but its own files."""
PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Orthanc EHR bridge: API</title>
<link rel="icon" href="{DOCS_PREFIX}/images/swagger.svg">
<link rel="stylesheet" href="{DOCS_PREFIX}/css/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{DOCS_PREFIX}/js/swagger-ui-bundle.js"></script>
<script src="{DOCS_PREFIX}/start.js"></script>
</body>
</html>
"""
START = """"use strict";
window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/api/v1/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    persistAuthorization: false,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
  });
});
"""
"""The base layout only: the standalone one has a field for other addresses and calls a validator on another host."""


def register(app: Flask) -> None:
    """Replace the library's page by ours, with the policy on everything below it."""
    app.config["SWAGGER_HTML_STRING"] = PAGE
    app.add_url_rule(f"{DOCS_PREFIX}/start.js", "docs_start", _start)
    app.after_request(_protect)


def _start() -> Response:
    return Response(START, content_type="text/javascript; charset=utf-8")


def _protect(response: Response) -> Response:
    if request.path.startswith((DOCS_PREFIX, DOCS_ROUTE)):
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
    return response
