"""`/tools/find` as the DICOMweb plugin calls it, limited to what the caller may see.

Every QIDO-RS query and every WADO-RS or WADO-URI look-up of the DICOMweb plugin becomes one `POST /tools/find` with the
caller's own headers, already parsed (docs/orthanc-facts.md, DICOMweb). Limiting it here covers every spelling of the
query. The gate keeps others from calling this route directly.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from pydicom.datadict import dictionary_has_tag, dictionary_VR

from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.services.visibility.sight import Sight
from ehr_bridge.shallow_json import loads
from plugin.serving.lookups import InstanceLookups
from plugin.storing.twins import Twins

NO_SUCH_VALUE = 3
"""Orthanc's error for a key with an impossible value: a wildcard in a UID, a date or a number."""
STUDY_UID_NAMES = frozenset({"studyinstanceuid", "0020000d", "0020,000d", "0020-000d"})
OF_AN_INSTANCE = {
    "sopinstanceuid": "00080018",
    "instancecreationdate": "00080012",
    "instancecreationtime": "00080013",
    "acquisitionnumber": "00200012",
    "instancenumber": "00200013",
    "imagepositionpatient": "00200032",
    "temporalpositionidentifier": "00200100",
    "imagecomments": "00204000",
    "numberofframes": "00280008",
    "imageindex": "00541330",
}
"""Keys that Orthanc indexes for instances only; keyword and tag."""
INSTANCE_KEYS = frozenset({*OF_AN_INSTANCE, *OF_AN_INSTANCE.values()})
WITHOUT_MARKS = str.maketrans("", "", ",-")
SEPARATORS = re.compile(r"[\\,]")
SEQUENCE = b'"Sequence"'
SHOWN = ("MainDicomTags", "PatientMainDicomTags", "RequestedTags")
UNIVERSAL = re.compile(r"\s*\*+\s*")
PLAIN_UIDS = re.compile(r"[0-9.]+([\\,][0-9.]+)*")


class ScopedFind:
    """Orthanc's REST callback for /tools/find."""

    def __init__(
        self,
        orthanc: Any,
        authenticator: Authenticator,
        sight: Sight,
        series_of: Callable[[str], tuple[str, str] | None],
        is_decoded: Callable[[], bool] = lambda: True,
        home_of: Callable[[str], str | None] = lambda _: None,
        report_files: Callable[[Iterable[str]], frozenset[str]] = lambda _: frozenset(),
    ) -> None:
        self._orthanc = orthanc
        self._authenticator = authenticator
        self._sight = sight
        self._is_decoded = is_decoded
        self._report_files = report_files
        self._twins = Twins(orthanc, home_of)
        self._lookups = InstanceLookups(self._ask, series_of)

    def __call__(self, output: Any, uri: str, **request: Any) -> None:
        if request["method"] != "POST":
            output.SendMethodNotAllowed("POST")
            return
        authorization = request["headers"].get("authorization")
        if authorization is None:  # Orthanc itself or one of our own threads is asking
            answer: bytes | None = self._orthanc.RestApiPost("/tools/find", request["body"])
        else:
            answer = self._answer(authorization, request["body"])
            answer = without_odd_sequences(answer) if answer and SEQUENCE in answer else answer
        output.AnswerBuffer(answer or "[]", "application/json")

    def _answer(self, authorization: str, body: bytes) -> bytes | None:
        """The answer for this caller; None when it is empty."""
        caller = self._authenticator.authenticate(authorization)
        question: dict[str, Any] = loads(body)
        if not self._is_decoded() and (b"%" in body or b"+" in body):
            question = decoded(question)
        if b"*" in body:
            question = without_universal(question)
        if asks_studies_for_an_instance(question):
            return None
        if (seen := self._sight.seen(caller)) is not None:
            return self._within(question, seen, self._report_files(seen) if caller.is_share else frozenset())
        hidden = self._sight.unseen(caller)
        if hidden and names_plain_studies(question):
            return self._within(question, plain_studies(question) - hidden)
        if not hidden:
            return self._ask_for(question)
        unwanted = {"StudyInstanceUID": "\\".join(sorted(hidden))}
        return json.dumps(self._without(question, unwanted)).encode()

    def _within(
        self, question: dict[str, Any], studies: frozenset[str], but: frozenset[str] = frozenset()
    ) -> bytes | None:
        """The answer limited to these studies, without these series; None when none of them is asked for."""
        narrowed = question if is_within(question, studies) else narrow(question, studies)
        if narrowed is None:
            return None
        if not but or narrowed["Level"].lower() == "study":
            return self._ask_for(narrowed)
        return json.dumps(self._without(narrowed, {"SeriesInstanceUID": "\\".join(sorted(but))})).encode()

    def _without(self, question: dict[str, Any], hidden: Mapping[str, str]) -> list[Any]:
        """The answer without what the query `hidden` finds. Orthanc's search has no "not", so the ids of hidden
        resources are queried, and as many more answers, and the rest is paged again."""
        ids = {"Level": question["Level"], "Query": hidden}
        unwanted = frozenset(json.loads(self._ask_for(ids)))
        if not unwanted:
            found: list[Any] = json.loads(self._ask_for(question))
            return found
        since, limit = int(question.get("Since", 0)), int(question.get("Limit", 0))
        wider = question | {"Since": 0, "Limit": since + limit + len(unwanted) if limit else 0}
        found = json.loads(self._ask_for(wider))
        wanted = [one for one in found if resource_id(one) not in unwanted]
        return wanted[since : since + limit] if limit else wanted[since:]

    def _ask_for(self, question: Mapping[str, Any]) -> bytes:
        answer = self._lookups.answer(question) or self._ask(json.dumps(question).encode())
        return self._twins.only_own(question, answer)

    def _ask(self, body: bytes) -> bytes:
        """Orthanc's answer; empty for a key whose value no resource can have. An error would reach the client as 500,
        since the DICOMweb plugin knows no other."""
        try:
            answer: bytes = self._orthanc.RestApiPost("/tools/find", body)
        except self._orthanc.OrthancException as error:
            if error.args[0] != NO_SUCH_VALUE:
                raise
            return b"[]"
        return answer


def without_odd_sequences(answer: bytes) -> bytes:
    """The answer without attributes that a file has written as a sequence and that are none, such as an accession
    number. The DICOMweb plugin ends with 400 at the first of them, so one such file would take the whole list away."""
    found = json.loads(answer)
    for tags in (one[name] for one in found if isinstance(one, dict) for name in SHOWN if name in one):
        for tag in [tag for tag, value in tags.items() if value["Type"] == "Sequence" and not _is_sequence(tag)]:
            del tags[tag]
    return json.dumps(found).encode()


def _is_sequence(tag: str) -> bool:
    """Whether it may be one: by the data dictionary (PS3.6), or because that does not know it."""
    number = int(tag.replace(",", ""), 16)
    return not dictionary_has_tag(number) or dictionary_VR(number) == "SQ"


def decoded(question: dict[str, Any]) -> dict[str, Any]:
    """The query with percent-decoded values. All clients encode them, but Orthanc 1.12.7 does not decode them
    (docs/orthanc-facts.md, DICOMweb), so nothing would match."""
    query: Mapping[str, Any] = question.get("Query", {})
    values = {name: unquote_plus(value) if isinstance(value, str) else value for name, value in query.items()}
    return question | {"Query": values}


def asks_studies_for_an_instance(question: Mapping[str, Any]) -> bool:
    """Whether studies are searched by an attribute of instances, which is no key of a study (PS3.18 table 10.6.1-5):
    Orthanc 1.12.7 answers that with a database error."""
    if question.get("Level", "").lower() != "study":
        return False
    query: Mapping[str, Any] = question.get("Query", {})
    asked = (name for name, value in query.items() if str(value).strip())
    return any(name.lower().translate(WITHOUT_MARKS) in INSTANCE_KEYS for name in asked)


def resource_id(answer: Any) -> str:
    """Orthanc's id of one answer, expanded or not."""
    return str(answer["ID"] if isinstance(answer, dict) else answer)


def without_universal(question: dict[str, Any]) -> dict[str, Any]:
    """The query without keys whose value is `*` alone: those match everything (PS3.4 section C.2.2.2.4)."""
    query: Mapping[str, Any] = question.get("Query", {})
    return question | {"Query": {name: value for name, value in query.items() if not UNIVERSAL.fullmatch(str(value))}}


def names_plain_studies(question: Mapping[str, Any]) -> bool:
    """Whether a query names its studies one by one, without wildcards."""
    values = _study_values(question)
    return bool(values) and all(PLAIN_UIDS.fullmatch(value) for value in values)


def plain_studies(question: Mapping[str, Any]) -> frozenset[str]:
    """The studies that a query names."""
    return frozenset(uid for value in _study_values(question) for uid in SEPARATORS.split(value))


def _study_values(question: Mapping[str, Any]) -> list[str]:
    query: Mapping[str, Any] = question.get("Query", {})
    return [str(value).strip() for name, value in query.items() if name.lower() in STUDY_UID_NAMES]


def is_within(question: Mapping[str, Any], studies: frozenset[str]) -> bool:
    """Whether a query cannot leave these studies, whichever of its keys Orthanc uses. Every look-up of WADO-RS is one,
    and can be passed on unchanged."""
    if question.get("Level", "").lower() == "patient" or not names_plain_studies(question):
        return False
    return plain_studies(question) <= studies


def narrow(question: dict[str, Any], studies: frozenset[str]) -> dict[str, Any] | None:
    """The query limited to these studies; None when none of them is asked for."""
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
    """Whether a UID matches a DICOM query value: empty, one, a list, or with wildcards (PS3.4 section C.2.2.2)."""
    if not asked.strip():
        return True
    return any(fnmatch.fnmatchcase(uid, one.strip()) for one in SEPARATORS.split(asked))
