"""The WSGI application under /fhir, built for given services."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge
from werkzeug.http import http_date

from ehr_bridge.api.fhir import errors, subscriptions
from ehr_bridge.api.fhir.answers import Answer
from ehr_bridge.api.fhir.reading import kind_of, read, search
from ehr_bridge.api.fhir.smart import smart_configuration
from ehr_bridge.api.fhir.transactions import Wishes, perform_bundle
from ehr_bridge.api.fhir.writing import create, update, update_where
from ehr_bridge.api.http import context
from ehr_bridge.api.http.context import services
from ehr_bridge.api.http.request_ids import RequestIds
from ehr_bridge.api.metrics.counting import ROUTE, Counting
from ehr_bridge.errors import InvalidInput
from ehr_bridge.fhir.capability import capability_statement
from ehr_bridge.fhir.searching import FORMATS, Pairs
from ehr_bridge.fhir.table import RESOURCES
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.visibility.asker import asks
from ehr_bridge.services.visibility.restrictions import NOTHING
from ehr_bridge.shallow_json import DEEPEST, TooDeep, loads
from ehr_bridge.version import VERSION

MEDIA_TYPE = "application/fhir+json"
JSON = ("application/fhir+json", "application/json", "application/json+fhir")
FORM = "application/x-www-form-urlencoded"
LARGEST = 5_000_000
"""Bytes of a body; a transaction of 500 entries has less than one million."""
PUBLIC = frozenset({"/fhir/metadata", "/fhir/.well-known/smart-configuration"})
EXPOSED = "ETag, Location, Last-Modified, Retry-After, WWW-Authenticate, X-Request-Id"
SENT = "Authorization, Content-Type, Accept, Prefer, If-Match, If-None-Match, If-None-Exist, X-Request-Id"


def create_fhir_app(services: Services) -> Flask:
    app = Flask("ehr_bridge.fhir", static_folder=None)
    app.url_map.strict_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST
    app.extensions[context.EXTENSION] = services
    began = services.clock().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    app.before_request(_say_route)
    app.before_request(_preflight)
    app.before_request(_admit)
    app.after_request(_across_origins)
    app.teardown_request(lambda _error: asks(NOTHING))
    app.register_error_handler(Exception, errors.answered)
    app.register_error_handler(HTTPException, _from_http)
    app.add_url_rule("/fhir/metadata", "metadata", lambda: _metadata(began), methods=["GET"])
    app.add_url_rule("/fhir/.well-known/smart-configuration", "smart", _smart, methods=["GET"])
    app.add_url_rule("/fhir", "bundle", _bundle, methods=["POST"])
    for name, kind in RESOURCES.items():
        written = ["POST", "PUT"] if kind.is_written else []
        routes: list[tuple[str, Callable[..., Response], list[str]]] = [
            (f"/fhir/{name}", _of_type, ["GET", *written]),
            (f"/fhir/{name}/_search", _search, ["GET", "POST"]),
            (f"/fhir/{name}/<key>", _of_id, ["GET", *(["PUT"] if kind.is_written else [])]),
        ]
        for rule, view, methods in routes:
            app.add_url_rule(rule, f"{name} {rule}", view, defaults={"name": name}, methods=methods)
    app.add_url_rule("/fhir/Subscription", "subscriptions", _subscriptions, methods=["GET", "POST"])
    app.add_url_rule("/fhir/Subscription/_search", "subscription search", _found_subscriptions, methods=["GET", "POST"])
    app.add_url_rule("/fhir/Subscription/<key>", "subscription", _subscription, methods=["GET", "PUT", "DELETE"])
    app.add_url_rule("/fhir/Subscription/<key>/$status", "subscription status", _subscription_status, methods=["GET"])
    app.wsgi_app = Counting(RequestIds(app.wsgi_app))  # type: ignore[method-assign]
    return app


def _say_route() -> None:
    if request.url_rule is not None:
        request.environ[ROUTE] = context.plain_path(request.url_rule.rule)


def _preflight() -> Response | None:
    """What a browser asks before it sends a request to another origin; needs no token, and says nothing."""
    if request.method != "OPTIONS":
        return None
    response = Response(status=204)
    if _is_listed():
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PUT, DELETE"
        response.headers["Access-Control-Allow-Headers"] = SENT
        response.headers["Access-Control-Max-Age"] = "600"
    return response


def _admit() -> None:
    """Who is calling; what they may do is asked where it is done, since a Bundle does several things."""
    if request.path in PUBLIC:
        return
    g.caller = services().authenticator.authenticate(request.headers.get("Authorization"))
    asks(services().restrictions.closed_to(g.caller))
    _require_json_wanted()


def _across_origins(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.add("Vary", "Origin")
    if _is_listed():
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
    return response


def _is_listed() -> bool:
    return request.headers.get("Origin") in (services().settings.fhir_origins or "").split()


def _metadata(began: str) -> Response:
    _require_json_wanted()
    settings = services().settings
    statement = capability_statement(settings.fhir_base_url, VERSION, began, has_cors=bool(settings.fhir_origins))
    return _json(statement)


def _smart() -> Response:
    return Response(json.dumps(smart_configuration(services().settings)), content_type="application/json")


def _bundle() -> Response:
    return _respond(perform_bundle(_body(), _wishes()))


def _of_type(name: str) -> Response:
    if request.method == "POST":
        condition = request.headers.get("If-None-Exist")
        pairs = None if condition is None else _parsed(condition)
        return _respond(create(name, _body(), pairs))
    if request.method == "PUT":
        return _respond(update_where(name, _pairs(), _body(), request.headers.get("If-Match")))
    return _respond(search(name, _pairs(), is_strict=not _wishes().is_lenient))


def _subscriptions() -> Response:
    if request.method == "POST":
        return _respond(subscriptions.create_subscription(_body(), request.headers.get("If-None-Exist")))
    return _found_subscriptions()


def _found_subscriptions() -> Response:
    return _respond(subscriptions.search_subscriptions(_asked(), is_strict=not _wishes().is_lenient))


def _subscription(key: str) -> Response:
    if request.method == "DELETE":
        subscriptions.delete_subscription(key, request.headers.get("If-Match"))
        return Response(status=204)
    if request.method == "PUT":
        return _respond(subscriptions.update_subscription(key, _body(), request.headers.get("If-Match")))
    return _unless_known(subscriptions.read_one(key))


def _subscription_status(key: str) -> Response:
    return _respond(subscriptions.status_of(key))


def _search(name: str) -> Response:
    return _respond(search(name, _asked(), is_strict=not _wishes().is_lenient))


def _asked() -> Pairs:
    """A search, in the address, the body, or both. Raises InvalidInput."""
    if request.method == "POST" and request.content_length and request.mimetype != FORM:
        raise InvalidInput("unsupported_media_type", f"Send the search as {FORM}, or in the address.")
    return [*_pairs(), *(request.form.items(multi=True) if request.method == "POST" else ())]


def _of_id(name: str, key: str) -> Response:
    if request.method == "PUT":
        return _respond(update(name, key, _body(), request.headers.get("If-Match")))
    return _unless_known(read(name, key))


def _unless_known(answer: Answer) -> Response:
    if answer.etag is not None and request.if_none_match.contains_weak(answer.etag.removeprefix("W/").strip('"')):
        return _with_headers(Response(status=304), answer)
    return _respond(answer)


def _respond(answer: Answer) -> Response:
    is_minimal = _wishes().is_minimal and request.method in ("POST", "PUT") and answer.etag is not None
    response = Response(status=answer.status) if is_minimal else _json(answer.resource or {}, answer.status)
    return _with_headers(response, answer)


def _with_headers(response: Response, answer: Answer) -> Response:
    if answer.etag is not None:
        response.headers["ETag"] = answer.etag
    if answer.last_modified is not None:
        response.headers["Last-Modified"] = http_date(datetime.fromisoformat(answer.last_modified))
    if answer.name is not None and answer.etag is not None:
        version = answer.etag.removeprefix("W/").strip('"')
        response.headers["Location"] = f"{services().settings.fhir_base_url}/{answer.name}/_history/{version}"
    return response


def _json(document: dict[str, Any], status: int = 200) -> Response:
    return Response(
        json.dumps(document, ensure_ascii=False), status=status, content_type=f"{MEDIA_TYPE}; charset=utf-8"
    )


def _body() -> Any:
    """The JSON of a body. Raises InvalidInput."""
    if request.mimetype not in JSON:
        raise InvalidInput("unsupported_media_type", f"Send the body as {MEDIA_TYPE}.")
    try:
        return loads(request.get_data())
    except TooDeep:
        raise InvalidInput("json_too_deep", f"The JSON nests more than {DEEPEST} levels.") from None
    except ValueError:
        raise InvalidInput("malformed_json", "The body is not JSON.") from None


def _pairs() -> Pairs:
    return list(request.args.items(multi=True))


def _parsed(condition: str) -> Pairs:
    return parse_qsl(condition.removeprefix("?"), keep_blank_values=True, max_num_fields=100)


def _wishes() -> Wishes:
    said = {one.strip().replace(" ", "").lower() for line in request.headers.getlist("Prefer") for one in _split(line)}
    return Wishes("handling=lenient" in said, "return=minimal" in said)


def _split(line: str) -> list[str]:
    return line.replace(";", ",").split(",")


def _require_json_wanted() -> None:
    """Raises InvalidInput when only another form than JSON is wanted."""
    wanted = request.args.get("_format")
    if wanted is not None and wanted not in FORMATS:
        raise InvalidInput("not_acceptable", "This server writes JSON only.")
    accepts = request.accept_mimetypes
    if wanted is None and accepts and not any(accepts.quality(one) for one in JSON):
        raise InvalidInput("not_acceptable", "This server writes JSON only.")


def _from_http(error: HTTPException) -> Response:
    if isinstance(error, RequestEntityTooLarge):
        return errors.answered(InvalidInput("too_large", f"A body has at most {LARGEST} bytes."))
    if isinstance(error, MethodNotAllowed):
        return errors.answered(
            InvalidInput("interaction_not_supported", "This cannot be done here; see /fhir/metadata.")
        )
    if isinstance(error, NotFound):
        parts = request.path.strip("/").split("/")
        try:
            kind_of(parts[1] if len(parts) > 1 else "")
        except Exception as refusal:
            return errors.answered(refusal)
        return errors.answered(
            InvalidInput("interaction_not_supported", "There is no such address; see /fhir/metadata.")
        )
    return errors.answered(InvalidInput("malformed_json", "The request cannot be read."))
