"""Notes what the API refuses, on any route, by inspecting the answers.

That is 401, 403 and exceeded rate limits of all routes, and refused files of uploads, by the `code` of the answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ehr_bridge.api.http.access import ACCESS
from ehr_bridge.api.http.request_ids import Wsgi
from ehr_bridge.services.audit.refusals import Refusal, Refusals
from ehr_bridge.shallow_json import loads

SIGN_IN = "/api/v1/auth/login"
"""Failed sign-ins write their own event."""
UPLOADS = ("/api/v1/dicom/upload", "/api/v1/dicom-web/studies", "/instances")
NOT_A_REFUSED_FILE = frozenset(
    {
        "database_unavailable",
        "archive_unavailable",
        "storage_full",
        "record_pending",
        "not_tried",
        "internal_error",
        "failure_reason_0110",
    }
)
RATE_LIMITED = "rate_limited"
UID = re.compile(r"[0-9]+(\.[0-9]+)*")
FAILED_SEQUENCE, FAILURE_REASON = "00081198", "00081197"


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", path)
    return re.compile("".join(f"(?P<{p}>[^/]+)" if i % 2 else re.escape(p) for i, p in enumerate(parts)))


ROUTES = [(method, path, _pattern(path)) for method, path in ACCESS]


class Watch:
    """WSGI middleware: passes everything on and reports what was refused."""

    def __init__(self, app: Wsgi, refusals: Refusals) -> None:
        self._app = app
        self._refusals = refusals

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started: list[int] = []

        def started_with(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., Any]:
            started[:] = [int(status[:3])]
            write: Callable[..., Any] = start_response(status, headers, *filter(None, [exc_info]))
            return write

        result = self._app(environ, started_with)
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if not started or started[0] == 201 or (path == SIGN_IN and started[0] != 503):
            return result
        is_upload = ("POST", path) in ACCESS and method == "POST" and path.startswith(UPLOADS)
        if started[0] not in (401, 403, 503) and not is_upload:
            return result
        body = b"".join(result)
        if (close := getattr(result, "close", None)) is not None:
            close()
        self._note(environ, started[0], body, is_upload)
        return [body]

    def _note(self, environ: dict[str, Any], status: int, body: bytes, is_upload: bool) -> None:
        route, study = route_of(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        address = environ.get("REMOTE_ADDR") or None
        authorization = environ.get("HTTP_AUTHORIZATION")
        answer = _json(body)
        code = str(answer.get("code", status))
        if status in (401, 403) or (status == 503 and code == RATE_LIMITED):
            self._refusals.hand_over(Refusal(authorization, address, code, route, study))
        elif is_upload and status < 500:
            for code, files in refused_files(answer).items():
                self._refusals.hand_over(Refusal(authorization, address, code, route, files=files))


def route_of(method: str, path: str) -> tuple[str, str | None]:
    """The route as documented, without identifiers, and the study named in the path."""
    path = path.rstrip("/")
    for known, template, pattern in ROUTES:
        if known == method and (match := pattern.fullmatch(path)) is not None:
            study = match.groupdict().get("study_uid")
            is_uid = study is not None and len(study) <= 64 and UID.fullmatch(study) is not None
            return f"{method} {template}", study if is_uid else None
    return f"{method} unknown", None


def refused_files(answer: dict[str, Any]) -> Counter[str]:
    """How many files the answer to an upload refuses, by code: ours, a problem's, or STOW-RS's (PS3.18 annex I)."""
    found: Counter[str] = Counter()
    for instance in answer.get("instances") or []:
        if isinstance(instance, dict) and instance.get("status") == "failed":
            found[str((instance.get("error") or {}).get("code", "failed"))] += 1
    for item in (answer.get(FAILED_SEQUENCE) or {}).get("Value", []):
        found[f"failure_reason_{item[FAILURE_REASON]['Value'][0]:04X}"] += 1
    if not found and "code" in answer:
        found[str(answer["code"])] += 1
    for code in NOT_A_REFUSED_FILE:
        del found[code]
    return found


def _json(body: bytes) -> dict[str, Any]:
    try:
        answer = loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
