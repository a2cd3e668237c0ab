"""Conditions of a request (RFC 9110 section 13): nobody overwrites what they have not seen.

Every answer that shows one thing which can change carries its `ETag` (`schemas.Versioned`). A route that writes says
with `honours` what its conditions are compared with; every other write route refuses a request that has one, because a
condition that is ignored is a promise that is broken. Comparison and write are one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.http import parse_etags

from ehr_bridge.api.http.context import services
from ehr_bridge.api.http.problems import problem
from ehr_bridge.errors import InvalidInput

IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE = "If-Match", "If-None-Match", "If-Unmodified-Since"
CONDITIONS = (IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE)
WRITING = frozenset({"POST", "PUT", "DELETE"})
HONOURS = "honours_conditions"

type View = Callable[..., Response]
type Tags = Callable[..., Iterable[str]]
"""From the arguments of a view to the entity tags of what it is about to change; none when there is no such thing."""


def honours(tags: Tags) -> Callable[[View], View]:
    """The view compares `If-Match` and `If-None-Match` with these tags, and writes only when they hold."""

    def decorate(view: View) -> View:
        @wraps(view)
        def conditional(**arguments: Any) -> Response:
            if not any(name in request.headers for name in CONDITIONS):
                return view(**arguments)
            with services().fresh.together():
                return _refusal([*tags(**arguments)]) or view(**arguments)

        setattr(conditional, HONOURS, True)
        return conditional

    return decorate


def requires_version(view: View) -> View:
    """Outside of `honours`: the view is only for those who say what they have read."""

    @wraps(view)
    def versioned(**arguments: Any) -> Response:
        if IF_MATCH not in request.headers:
            detail = f"Send the ETag of what you have read as {IF_MATCH}; what is shown may have changed since."
            return problem("version_required", detail)
        return view(**arguments)

    return versioned


def guard(app: Flask) -> None:
    """Refuse conditions where no route honours them, and answer 304 where a reader has what is shown already."""
    app.before_request(_require_honoured)
    app.after_request(_unless_the_same)


def honours_conditions(view: object) -> bool:
    return getattr(view, HONOURS, False)


def _require_honoured() -> None:
    if request.method not in WRITING or request.url_rule is None:
        return
    honoured = honours_conditions(current_app.view_functions[request.endpoint or ""])
    for name in CONDITIONS:
        if name in request.headers and not (honoured and name != IF_UNMODIFIED_SINCE):
            instead = f"send {IF_MATCH} with an ETag" if honoured else "send it without this header"
            detail = f"This route cannot honour {name}, and does not ignore it; {instead}. Nothing was changed."
            raise InvalidInput("condition_not_supported", detail)


def _refusal(present: list[str]) -> Response | None:
    """412 with the present tag where a condition does not hold."""
    wanted, unwanted = request.headers.get(IF_MATCH), request.headers.get(IF_NONE_MATCH)
    if wanted is not None and not _names_strongly(wanted, present):
        if not present:
            return problem("version_changed", "There is no such record (any more), so none that you have seen.")
        detail = "It has changed since you read it. Read it again, decide again, and send its present ETag as If-Match."
        return _with_tag(problem("version_changed", detail, extra={"etag": present[0]}), present[0])
    if unwanted is not None and (found := _named(unwanted, present)) is not None:
        detail = "It exists already. Read it; to change it, send its present ETag as If-Match."
        return _with_tag(problem("already_exists", detail, extra={"etag": found}), found)
    return None


def _unless_the_same(response: Response) -> Response:
    """RFC 9110 section 13.1.2. Only where the condition was not evaluated by the route itself."""
    wanted, tag = request.headers.get(IF_NONE_MATCH), response.headers.get("ETag")
    if request.method != "GET" or response.status_code != 200 or wanted is None or tag is None:
        return response
    return response if _named(wanted, [tag]) is None else _with_tag(Response(status=304), tag)


def _names_strongly(header: str, present: list[str]) -> bool:
    """RFC 9110 section 13.1.1: weak tags never match."""
    named = parse_etags(header)
    return bool(present) and (named.star_tag or any(named.is_strong(tag.strip('"')) for tag in present))


def _named(header: str, present: list[str]) -> str | None:
    named = parse_etags(header)
    return next((tag for tag in present if named.star_tag or named.contains_weak(tag.strip('"'))), None)


def _with_tag(response: Response, tag: str) -> Response:
    response.headers["ETag"] = tag
    return response
