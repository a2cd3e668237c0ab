"""`/tools/find` as the DICOMweb plugin asks it, narrowed to what the caller's token covers.

Every QIDO-RS query and every WADO-RS or WADO-URI look-up of the DICOMweb plugin becomes one `POST /tools/find` with the
caller's own headers, already parsed (ORTHANC-FACTS L21). Narrowing it here holds for every spelling of the query. The
gate keeps outsiders from calling this route themselves.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from typing import Any

from ehr_bridge.auth.authenticator import Authenticator

STUDY_UID_NAMES = frozenset({"studyinstanceuid", "0020000d", "0020,000d", "0020-000d"})


class ScopedFind:
    """Orthanc's REST callback for /tools/find."""

    def __init__(self, orthanc: Any, authenticator: Authenticator) -> None:
        self._orthanc = orthanc
        self._authenticator = authenticator

    def __call__(self, output: Any, uri: str, **request: Any) -> None:
        if request["method"] != "POST":
            output.SendMethodNotAllowed("POST")
            return
        body: bytes = request["body"]
        authorization = request["headers"].get("authorization")
        if authorization is not None:  # none: Orthanc itself or one of our own threads asks
            caller = self._authenticator.authenticate(authorization)
            if caller.studies is not None:
                narrowed = narrow(json.loads(body), caller.studies)
                if narrowed is None:
                    output.AnswerBuffer("[]", "application/json")
                    return
                body = json.dumps(narrowed).encode()
        output.AnswerBuffer(self._orthanc.RestApiPost("/tools/find", body), "application/json")


def narrow(question: dict[str, Any], studies: frozenset[str]) -> dict[str, Any] | None:
    """The same question, about these studies only; None when nothing of it is left."""
    if question.get("Level", "").lower() == "patient":
        return None
    query: Mapping[str, Any] = question.get("Query", {})
    allowed = set(studies)
    rest = {}
    for name, value in query.items():
        if name.lower() in STUDY_UID_NAMES:
            allowed &= {uid for uid in studies if _matches(uid, str(value))}
        else:
            rest[name] = value
    if not allowed:
        return None
    return question | {"Query": rest | {"StudyInstanceUID": "\\".join(sorted(allowed))}}


def _matches(uid: str, asked: str) -> bool:
    """Whether a UID answers a DICOM query value: empty, one, a list, or with wildcards (PS3.4 section C.2.2.2)."""
    if not asked.strip():
        return True
    return any(fnmatch.fnmatchcase(uid, one.strip()) for one in asked.replace(",", "\\").split("\\"))
