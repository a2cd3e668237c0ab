"""The gate: every HTTP request passes it before Orthanc, any plugin or our own application sees it.

It denies by default. The filter can only answer yes or 403 (docs/orthanc-facts.md), so on our own routes it lets the
WSGI application answer 401 or 403 with an explanation, as long as the body is small.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ehr_bridge import request_id
from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import LOOKING, Permission
from ehr_bridge.dicom import is_storable_uid
from ehr_bridge.errors import NotAuthenticated, Unavailable
from ehr_bridge.services.audit.refusals import Refusal
from ehr_bridge.services.viewing.viewings import Whole
from plugin.running.per_thread import PerThread
from plugin.serving.bodies import ANNOTATION_BODY, LISTS, SMALL_BODY, Bodies
from plugin.serving.routes import GET, Found, Need, find_route

LOGGER = logging.getLogger(__name__)
REFUSED_HEADERS = frozenset({"content-encoding", "transfer-encoding", "x-http-method-override"})
"""Bodies that decompress or never end, and overridden methods (docs/orthanc-facts.md, Bodies; The HTTP filter)."""


class Sight(Protocol):
    """Who may see the images of which study (`ehr_bridge.services.visibility.sight`)."""

    @property
    def is_loaded(self) -> bool: ...

    def shows(self, caller: Caller, study_instance_uid: str, /) -> bool: ...


class Gate:
    """Admits or refuses requests. Closed until `open` is called, after the self-test has passed."""

    def __init__(
        self,
        authenticator: Authenticator,
        sight: Sight,
        study_of: Callable[[str], str | None],
        bodies: Bodies,
        on_refusal: Callable[[Refusal], None] | None = None,
        on_view: Callable[[Caller, str, str | Whole | None, str], None] | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._on_refusal = on_refusal
        self._on_view = on_view
        self._sight = sight
        self._study_of = study_of
        self._bodies = bodies
        self._is_open = False
        self._nonce: str | None = None
        self._nonce_seen = False
        self._peers = PerThread[str]()

    def allow(self, uri: str, **request: Any) -> bool:
        """Orthanc's IncomingHttpRequestFilter: True lets the request through, False answers 403."""
        try:
            request_id.begin(request["headers"].get("x-request-id"))
            self._bodies.done()
            self._peers.put(request["ip"])
            if not self._is_open:
                return self._is_self_test(request)
            code = self._why_not(uri, request)
            if code is not None:
                self._tell(code, uri, request)
            return code is None
        except Exception:
            LOGGER.exception("the gate refused a request it could not look at")
            return False

    def peer(self) -> str | None:
        """The network address of the request that this thread is answering (docs/orthanc-facts.md)."""
        return self._peers.peek()

    def expect(self, nonce: str) -> None:
        """Let one self-test request, recognised by its argument, pass while the gate is closed."""
        self._nonce, self._nonce_seen = nonce, False

    @property
    def saw_self_test(self) -> bool:
        return self._nonce_seen

    @property
    def is_open(self) -> bool:
        return self._is_open

    def open(self) -> None:
        """Start to serve."""
        self._is_open = True

    def _is_self_test(self, request: Mapping[str, Any]) -> bool:
        if self._nonce is None or request.get("get", {}).get("selftest") != self._nonce:
            return False
        self._nonce_seen = True
        return True

    def _why_not(self, uri: str, request: Mapping[str, Any]) -> str | None:
        """None lets the request through; anything else is the reason for refusing, for the audit trail."""
        headers: Mapping[str, str] = request["headers"]
        if not REFUSED_HEADERS.isdisjoint(headers):
            return "header_refused"
        method: int = request["method"]
        found = find_route(method, uri)
        if found is None:
            return "route_closed"
        need = found.need
        if need is Need.NO_TOKEN:
            return None
        caller = self._caller(headers)
        if need is Need.APPLICATION:
            passes = method == GET or self._body_is_bearable(uri, headers, caller)
            return None if passes else "body_refused"
        if caller is None or not self._sight.is_loaded:
            passes = False
        elif need is Need.VIEW_STUDY:
            passes = found.study is not None and self._may_view(caller, found.study)
            if passes and found.study is not None and self._on_view is not None:
                what = found.instance if found.whole is None else Whole(found.series)
                self._on_view(caller, found.study, what, request["ip"])
        elif need is Need.VIEW_RESOURCE:
            passes = self._may_view_resource(caller, found, request)
        elif need is Need.VIEW_ARGUMENT:
            passes = self._may_view_argument(caller, request)
        elif need is Need.AUDIT:
            passes = caller.may(Permission.AUDIT)
        else:
            passes = not LOOKING.isdisjoint(caller.permissions)
        return None if passes else "permission_missing"

    def _tell(self, code: str, uri: str, request: Mapping[str, Any]) -> None:
        """Report a refusal to the audit trail; the caller is determined there, not on this thread."""
        authorization = request["headers"].get("authorization")
        if authorization is None or self._on_refusal is None:
            return
        found = find_route(request["method"], uri)
        study = found.study if found is not None else None
        if found is not None and found.need is Need.VIEW_ARGUMENT:
            study = request.get("get", {}).get("studyUID")
        if study is not None and not is_storable_uid(study):
            study = None
        route = f"gate {found.need.name.lower() if found else 'closed'}"
        self._on_refusal(Refusal(authorization, request["ip"], code, route, study))

    def _may_view(self, caller: Caller, study: str) -> bool:
        return is_storable_uid(study) and self._sight.shows(caller, study)

    def _may_view_resource(self, caller: Caller, found: Found, request: Mapping[str, Any]) -> bool:
        """By Orthanc's id. File names are refused: Orthanc 1.12.7 copies them unchecked into a header
        (orthanc-facts.md)."""
        resource = found.resource
        if resource is None or "filename" in request.get("get", {}) or LOOKING.isdisjoint(caller.permissions):
            return False
        study = self._study_of(resource)
        if study is None or not self._may_view(caller, study):
            return False
        if self._on_view is not None:
            self._on_view(caller, study, found.instance, request["ip"])
        return True

    def _may_view_argument(self, caller: Caller, request: Mapping[str, Any]) -> bool:
        """WADO-URI: the study must be named (PS3.18 section 9.1.2.1), without wildcards in any UID."""
        arguments: Mapping[str, str] = request.get("get", {})
        uids = [arguments[name] for name in ("seriesUID", "objectUID") if name in arguments]
        if not all(map(is_storable_uid, uids)):
            return False
        study = arguments.get("studyUID", "")
        if not self._may_view(caller, study):
            return False
        if self._on_view is not None:
            self._on_view(caller, study, arguments.get("objectUID"), request["ip"])
        return True

    def _caller(self, headers: Mapping[str, str]) -> Caller | None:
        try:
            return self._authenticator.authenticate(headers.get("authorization"))
        except (NotAuthenticated, Unavailable):
            return None

    def _body_is_bearable(self, path: str, headers: Mapping[str, str], caller: Caller | None) -> bool:
        """Orthanc reads a whole body before anyone can check it, so its announced size decides here."""
        media_type = headers.get("content-type", "")
        if media_type.lower().lstrip().startswith("multipart/form-data"):
            return False  # Orthanc would answer 200, whatever we do (docs/orthanc-facts.md)
        length = headers.get("content-length", "0")  # without it Orthanc reads no body (seen on 1.12.7)
        if not (length.isascii() and length.isdigit()):
            return False
        return int(length) <= self._most_bytes(path, media_type, caller) and self._bodies.admit(int(length))

    def _most_bytes(self, path: str, media_type: str, caller: Caller | None) -> int:
        if caller is None:
            return SMALL_BODY
        most = self._bodies.most(path, media_type)
        if caller.may_only_annotate:
            return min(most, ANNOTATION_BODY)
        return most if path in LISTS or caller.may(Permission.UPLOAD) else SMALL_BODY
