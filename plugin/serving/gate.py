"""The gate: every HTTP request passes it before Orthanc, any plugin or our own application sees it.

It denies by default. The filter can only answer yes or 403 (docs/orthanc-facts.md), so on our own routes it lets the
WSGI application answer 401 or 403 with an explanation, as long as the body is small.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import Any, NamedTuple

from ehr_bridge import request_id
from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import LOOKING, Permission
from ehr_bridge.dicom import is_storable_uid
from ehr_bridge.errors import NotAuthenticated, Unavailable
from ehr_bridge.meters import GATE
from ehr_bridge.services.audit.refusals import Refusal
from ehr_bridge.services.viewing.viewings import Whole
from ehr_bridge.services.visibility.sight import Sight
from plugin.running.per_thread import PerThread
from plugin.serving.bodies import ANNOTATION_BODY, DOCUMENTS, LISTS, MESSAGES, SMALL_BODY, Bodies
from plugin.serving.routes import GET, Found, Need, find_route

LOGGER = logging.getLogger(__name__)
REFUSED_HEADERS = frozenset({"content-encoding", "transfer-encoding", "x-http-method-override"})
"""Bodies that decompress or never end, and overridden methods (docs/orthanc-facts.md, Bodies; The HTTP filter)."""
PASSED, CLOSED = "passed", "closed"
"""What is counted besides the reasons of refusals and the needs of routes."""
MESSENGERS = frozenset({Permission.WRITE_ORDERS, Permission.BRING_REPORTS, Permission.INTERFACES})
"""Who may send HL7 messages, or try them."""


class Refused(NamedTuple):
    """Why a request does not pass. `reason` says of a header which, and of a body what about it (docs/audit.md)."""

    code: str
    reason: str | None = None


class Gate:
    """Admits or refuses requests. Closed until the self-test has passed and sets `is_open`."""

    def __init__(
        self,
        authenticator: Authenticator,
        sight: Sight,
        study_of: Callable[[str], str | None],
        bodies: Bodies,
        on_refusal: Callable[[Refusal], None],
        on_view: Callable[[Caller, str, str | Whole | None, str], None],
        report_files: Callable[[Iterable[str]], frozenset[str]] = lambda _: frozenset(),
    ) -> None:
        self._authenticator = authenticator
        self._on_refusal = on_refusal
        self._on_view = on_view
        self._sight = sight
        self._study_of = study_of
        self._bodies = bodies
        self._report_files = report_files
        self.is_open = False
        self.saw_self_test = False
        self._nonce: str | None = None
        self._peers = PerThread[str]()

    def allow(self, uri: str, **request: Any) -> bool:
        """Orthanc's IncomingHttpRequestFilter: True lets the request through, False answers 403."""
        began = perf_counter()
        try:
            request_id.begin(request["headers"].get("x-request-id"))
            self._bodies.done()
            self._peers.put(request["ip"])
            if not self.is_open:
                return self._is_self_test(request)
            found = find_route(request["method"], uri)
            refused = self._why_not(found, uri, request)
            if refused is not None:
                self._tell(refused, found, request)
            outcome = PASSED if refused is None else refused.code
            GATE.note(perf_counter() - began, CLOSED if found is None else found.need, outcome)
            return refused is None
        except Exception:
            LOGGER.exception("the gate refused a request it could not look at")
            return False

    def peer(self) -> str | None:
        """The network address of the request that this thread is answering (docs/orthanc-facts.md)."""
        return self._peers.peek()

    def expect(self, nonce: str) -> None:
        """Let one self-test request, recognised by its argument, pass while the gate is closed."""
        self._nonce, self.saw_self_test = nonce, False

    def _is_self_test(self, request: Mapping[str, Any]) -> bool:
        if self._nonce is None or request.get("get", {}).get("selftest") != self._nonce:
            return False
        self.saw_self_test = True
        return True

    def _why_not(self, found: Found | None, uri: str, request: Mapping[str, Any]) -> Refused | None:
        """None lets the request through; anything else is why not, for the audit trail and the log."""
        headers: Mapping[str, str] = request["headers"]
        if not REFUSED_HEADERS.isdisjoint(headers):
            return Refused("header_refused", ", ".join(sorted(REFUSED_HEADERS.intersection(headers))))
        if found is None:
            return Refused("route_closed")
        need = found.need
        if need is Need.NO_TOKEN:
            return None
        caller = self._caller(headers)
        if need is Need.APPLICATION:
            reason = None if request["method"] == GET else self._why_no_body(uri, headers, caller)
            return None if reason is None else Refused("body_refused", reason)
        if caller is None or not self._sight.is_loaded or (caller.is_share and not self._is_for_outside(found)):
            passes = False
        elif need is Need.AUDIT:
            passes = caller.may(Permission.AUDIT)
        elif need is Need.VIEW:
            passes = not LOOKING.isdisjoint(caller.permissions)
        else:
            passes = self._may_view(caller, found, request)
        return None if passes else Refused("permission_missing")

    def _tell(self, refused: Refused, found: Found | None, request: Mapping[str, Any]) -> None:
        """Report a refusal to the audit trail; the caller is determined there, not on this thread."""
        authorization = request["headers"].get("authorization")
        if authorization is None:
            return
        study = found.study if found is not None else None
        if found is not None and found.need is Need.VIEW_ARGUMENT:
            study = request.get("get", {}).get("studyUID")
        if study is not None and not is_storable_uid(study):
            study = None
        route = f"gate {found.need if found else CLOSED}"
        self._on_refusal(Refusal(authorization, request["ip"], refused.code, route, study, reason=refused.reason))

    def _may_view(self, caller: Caller, found: Found, request: Mapping[str, Any]) -> bool:
        """Whether the caller may see the study that path or arguments name; what they see then is noted."""
        what = found.instance if found.whole is None else Whole(found.series)
        if found.need is Need.VIEW_STUDY:
            study = found.study
        elif found.need is Need.VIEW_RESOURCE:
            study = self._study_of_resource(caller, found, request)
        else:
            study, what = self._named_in(request.get("get", {}))
        if study is None or not is_storable_uid(study) or not self._sight.shows(caller, study):
            return False
        self._on_view(caller, study, what, request["ip"])
        return True

    def _study_of_resource(self, caller: Caller, found: Found, request: Mapping[str, Any]) -> str | None:
        """By Orthanc's id. File names are refused: Orthanc 1.12.7 copies them unchecked into a header
        (orthanc-facts.md)."""
        if found.resource is None or "filename" in request.get("get", {}) or LOOKING.isdisjoint(caller.permissions):
            return None
        return self._study_of(found.resource)

    def _is_for_outside(self, found: Found) -> bool:
        """Whether people outside may use the route: what the viewer asks of DICOMweb, without whole series and studies,
        what is made of all of a study, and series that are files of reports."""
        if found.need is not Need.VIEW_STUDY:
            return found.need is Need.VIEW
        if found.study is None or found.whole is not None or found.every is not None:
            return False
        try:
            return found.series is None or found.series not in self._report_files([found.study])
        except Unavailable:
            return False

    @staticmethod
    def _named_in(arguments: Mapping[str, str]) -> tuple[str | None, str | None]:
        """Study and instance of WADO-URI; the study must be named (PS3.18 section 9.1.2.1), without wildcards in any
        UID."""
        uids = (arguments[name] for name in ("seriesUID", "objectUID") if name in arguments)
        study = arguments.get("studyUID") if all(map(is_storable_uid, uids)) else None
        return study, arguments.get("objectUID")

    def _caller(self, headers: Mapping[str, str]) -> Caller | None:
        try:
            return self._authenticator.authenticate(headers.get("authorization"))
        except (NotAuthenticated, Unavailable):
            return None

    def _why_no_body(self, path: str, headers: Mapping[str, str], caller: Caller | None) -> str | None:
        """Why this body may not come. Orthanc reads it whole before anyone can check it, so its announced size decides
        here."""
        media_type = headers.get("content-type", "")
        if media_type.lower().lstrip().startswith("multipart/form-data"):
            return "form_data"  # Orthanc would answer 200, whatever we do (docs/orthanc-facts.md)
        length = headers.get("content-length", "0")  # without it Orthanc reads no body (seen on 1.12.7)
        if not (length.isascii() and length.isdigit()):
            return "length"
        if int(length) > self._most_bytes(path, media_type, caller):
            return "too_large"
        return None if self._bodies.admit(int(length)) else "no_memory"

    def _most_bytes(self, path: str, media_type: str, caller: Caller | None) -> int:
        if caller is None:
            return SMALL_BODY
        most = self._bodies.most(path, media_type)
        if caller.may_only_annotate:
            return min(most, ANNOTATION_BODY)
        if path in LISTS or caller.may(Permission.UPLOAD):
            return most
        if path in MESSAGES and not caller.permissions.isdisjoint(MESSENGERS):
            return most
        return most if DOCUMENTS.fullmatch(path) and caller.may(Permission.REGISTER) else SMALL_BODY
