"""What belongs to one request: who calls, from where, and the services that answer."""

from __future__ import annotations

import re
from typing import cast

from flask import Flask, Response, current_app, g, request
from pydantic import BaseModel
from werkzeug.exceptions import MethodNotAllowed

from ehr_bridge.api.access import ACCESS, PUBLIC, SIGNED_IN
from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.errors import InvalidInput, NotPermitted
from ehr_bridge.services.audit import Origin
from ehr_bridge.services.bundle import Services

EXTENSION = "ehr_bridge"
DOCS_PREFIX = "/api/v1/swagger"


def services() -> Services:
    return cast(Services, current_app.extensions[EXTENSION])


def caller() -> Caller:
    """The verified caller of this request; only where the access table asks for one."""
    return cast(Caller, g.caller)


def address() -> str | None:
    """The peer's network address."""
    return request.remote_addr


def origin() -> Origin:
    return Origin(caller().subject, address())


def answer(model: BaseModel, status: int = 200) -> Response:
    """JSON in the model's own form."""
    return Response(model.model_dump_json(), status=status, content_type="application/json")


def guard(app: Flask) -> None:
    """Before any route: authenticate, then permit by the access table, then look at the body's form."""
    app.before_request(_admit)
    app.before_request(_require_json)


def _admit() -> None:
    if request.url_rule is None:
        if isinstance(request.routing_exception, MethodNotAllowed):
            return  # 405 says nothing that the documentation does not
        g.caller = services().authenticator.authenticate(request.headers.get("Authorization"))
        return
    need = access_to(request.method, request.url_rule.rule)
    if need == PUBLIC:
        return
    g.caller = services().authenticator.authenticate(request.headers.get("Authorization"))
    if need is None:
        raise NotPermitted("permission_missing", "This route is closed.")
    if caller().is_bound:
        raise NotPermitted("permission_missing", "A viewer token opens images in the viewer and nothing else.")
    if need != SIGNED_IN:
        caller().require(Permission(need))


def access_to(method: str, rule: str) -> Permission | str | None:
    """What a route needs; None when the table does not list it. `rule` may be in Flask's form."""
    if rule.startswith((DOCS_PREFIX, "/api/v1/static")):
        return PUBLIC
    return ACCESS.get((method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)))


def _require_json() -> None:
    """Routes with a JSON body say 415 for another type and 400 for what is not JSON."""
    if request.method not in {"POST", "PUT"} or request.url_rule is None:
        return
    view = current_app.view_functions[request.endpoint or ""]
    if "body" not in getattr(view, "__annotations__", {}):
        return
    if request.mimetype != "application/json":
        raise InvalidInput("unsupported_media_type", "Send the body as application/json.")
    if request.get_json(silent=True) is None:
        raise InvalidInput("malformed_json", "The body is not JSON.")
