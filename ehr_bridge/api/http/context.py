"""The context of one request: who is calling, from where, and the services that answer."""

from __future__ import annotations

import re
from typing import cast

from flask import Flask, Response, current_app, g, request
from pydantic import BaseModel
from werkzeug.exceptions import MethodNotAllowed

from ehr_bridge.api.away.columns import COLUMNS
from ehr_bridge.api.http.access import METRICS, admit
from ehr_bridge.api.http.limits import count_upload, is_upload
from ehr_bridge.api.http.restricted import closed_on, require_open
from ehr_bridge.api.http.schemas import Versioned, etag_of
from ehr_bridge.api.metrics.addresses import is_listed
from ehr_bridge.api.metrics.counting import ROUTE
from ehr_bridge.auth.caller import Caller
from ehr_bridge.errors import InvalidInput
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.visibility.asker import asks
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed

EXTENSION = "ehr_bridge"
DOCS_PREFIX = "/api/v1/swagger"


def services() -> Services:
    return cast(Services, current_app.extensions[EXTENSION])


def caller() -> Caller:
    """The verified caller of this request; only for routes whose entry in the access table requires one."""
    return cast(Caller, g.caller)


def closed() -> Closed:
    """What this caller may not see; lists omit it. A table shows no restricted patient to anybody."""
    if takes_away():
        return services().restrictions.closed_to_all()
    return services().restrictions.closed_to(caller())


def takes_away() -> bool:
    """Whether this request asks for a list as a table to keep (`api.away.tables`)."""
    rule = request.url_rule
    return rule is not None and request.args.get("format") == "csv" and plain_path(rule.rule) in COLUMNS


def address() -> str | None:
    """The peer's network address."""
    return request.remote_addr


def origin() -> Origin:
    return Origin(caller().subject, address())


def answer(model: BaseModel, status: int = 200) -> Response:
    """JSON in the model's own form, with its `ETag` where it has one."""
    body = model.model_dump_json()
    response = Response(body, status=status, content_type="application/json")
    if isinstance(model, Versioned):
        response.headers["ETag"] = etag_of(body)
    return response


def guard(app: Flask) -> None:
    """Before every route: authenticate, check the permission in the access table, then the form of the body and the
    patients that the request names."""
    app.before_request(_admit)
    app.before_request(_require_json)
    app.before_request(_require_open)
    app.teardown_request(lambda _error: asks(NOTHING))


def _admit() -> None:
    if request.url_rule is None:
        if isinstance(request.routing_exception, MethodNotAllowed):
            return  # a 405 reveals nothing that is not documented
        g.caller = services().authenticator.authenticate(request.headers.get("Authorization"))
        return
    rule = request.url_rule.rule
    if not rule.startswith((DOCS_PREFIX, "/api/v1/static")):
        authorization = request.headers.get("Authorization")
        path = request.environ[ROUTE] = plain_path(rule)
        if (request.method, path) == METRICS and is_listed(request.environ, services().settings.metrics_from):
            return
        g.caller = admit(services().authenticator, request.method, path, authorization)
        if g.caller is not None and is_upload(request.method, path):
            count_upload(services().rate_limits, request.environ, g.caller)


def _require_open() -> None:
    """Refuse requests that name a patient who is restricted to others."""
    found: Caller | None = g.get("caller")
    if found is None or request.url_rule is None:
        return
    shut = closed() if takes_away() else closed_on(services(), found, request.path)
    asks(shut)
    body = request.get_json(silent=True) if request.mimetype == "application/json" else None
    named = {"compare": request.args.get("compare"), **(body if isinstance(body, dict) else {})}
    named |= request.view_args or {}
    issuer = request.args.get("issuer") or named.get("issuer")
    require_open(services(), shut, named, issuer.strip() if isinstance(issuer, str) else None)


def plain_path(rule: str) -> str:
    """A route as the access table writes it, from Flask's form."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def _require_json() -> None:
    """Routes with a JSON body answer 415 for another media type and 400 for malformed JSON."""
    if request.method not in {"POST", "PUT"} or request.url_rule is None:
        return
    view = current_app.view_functions[request.endpoint or ""]
    if "body" not in getattr(view, "__annotations__", {}):
        return
    if request.mimetype != "application/json":
        raise InvalidInput("unsupported_media_type", "Send the body as application/json.")
    if request.get_json(silent=True) is None:
        raise InvalidInput("malformed_json", "The body is not JSON.")
