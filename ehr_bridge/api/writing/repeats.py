"""`Idempotency-Key`: a request that is sent again after a timeout has no second effect, and hears the first answer.

The answer is written in the transaction of the fact, so that there is one exactly when there is the other, also after
kill -9. Two requests with one key at the same moment take turns, like all writers; so none is ever "in flight", and
the second hears the first answer. A refusal is not kept: it has changed nothing, and may be asked again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, request

from ehr_bridge.api.http.context import caller, services
from ehr_bridge.api.writing.conditions import View
from ehr_bridge.errors import InvalidInput
from ehr_bridge.services.accounts.given_answers import Given

IDEMPOTENCY_KEY, REPLAYED, REASON = "Idempotency-Key", "Idempotent-Replayed", "X-Reason"
KEY = re.compile(r"[!-~]{1,255}")
KEPT_HEADERS = ("Content-Type", "Location", "ETag")
REPEATABLE = "is_repeatable"


def repeatable(view: View) -> View:
    """The view may be called again under one `Idempotency-Key`. Outside of `honours`: what was done is not judged
    again."""

    @wraps(view)
    def once(**arguments: Any) -> Response:
        key = request.headers.get(IDEMPOTENCY_KEY)
        if key is None:
            return view(**arguments)
        _require_key(key)
        subject, asked = caller().subject, _asked()
        with services().fresh.together():
            given = services().given_answers.find(subject, key, asked)
            if given is not None:
                return Response(given.body, status=given.status, headers={**given.headers, REPLAYED: "true"})
            response = view(**arguments)
            if response.status_code < 300:
                headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
                given = Given(response.status_code, headers, response.get_data(as_text=True))
                services().given_answers.keep(subject, key, asked, given)
            return response

    setattr(once, REPEATABLE, True)
    return once


def repeatable_file(*said: str) -> Callable[[View], View]:
    """The same for a view that takes a file, and headers `said` about it. Its fact is not written in one transaction
    with the answer: if the process is killed in between, the view itself must recognise what it has done."""

    def mark(view: View) -> View:
        @wraps(view)
        def once(**arguments: Any) -> Response:
            key = request.headers.get(IDEMPOTENCY_KEY)
            if key is None:
                return view(**arguments)
            _require_key(key)
            of_file = [request.method, request.full_path, request.mimetype, *map(request.headers.get, said)]
            asked = json.dumps([*of_file, hashlib.sha256(request.get_data()).hexdigest()]).encode()
            given = services().given_answers.find(caller().subject, key, asked)
            if given is not None:
                return Response(given.body, status=given.status, headers={**given.headers, REPLAYED: "true"})
            response = view(**arguments)
            if response.status_code < 300:
                headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
                given = Given(response.status_code, headers, response.get_data(as_text=True))
                services().given_answers.keep(caller().subject, key, asked, given)
            return response

        setattr(once, REPEATABLE, True)
        return once

    return mark


def is_repeatable(view: object) -> bool:
    return getattr(view, REPEATABLE, False)


def _require_key(key: str) -> None:
    if KEY.fullmatch(key) is None:
        fault = "1 to 255 visible ASCII characters without blanks, for example a UUID"
        raise InvalidInput("invalid_request", f"{IDEMPOTENCY_KEY}: {fault}.", ((IDEMPOTENCY_KEY, fault),))


def _asked() -> bytes:
    """What makes it the same request: method, path, reason, and the body as JSON, however it is written."""
    body = request.get_json(silent=True) if request.mimetype == "application/json" else None
    return json.dumps([request.method, request.path, request.headers.get(REASON), body], sort_keys=True).encode()
