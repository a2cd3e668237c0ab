"""DiagnosticReport of another system: what it says, as a report from outside; and what it says it is a report of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ehr_bridge.errors import InvalidInput
from ehr_bridge.fhir.dates import range_of
from ehr_bridge.fhir.diagnostic_reports import IMPRESSION, REPORT
from ehr_bridge.fhir.incoming.forms import Part, forms_of, narrative_of
from ehr_bridge.fhir.systems import ACCESSION, DICOM_UID, FILLER, PLACER, of_type, oid_of
from ehr_bridge.reporting.received import Received, joined
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.reporting.wording import one_line

STATUSES = {
    "partial": ReportStatus.PRELIMINARY,
    "preliminary": ReportStatus.PRELIMINARY,
    "final": ReportStatus.FINAL,
    "amended": ReportStatus.AMENDED,
    "corrected": ReportStatus.CORRECTED,
    "appended": ReportStatus.APPENDED,
    "cancelled": ReportStatus.ENTERED_IN_ERROR,
    "entered-in-error": ReportStatus.ENTERED_IN_ERROR,
}
"""Statuses of FHIR: by our status. The others say that there is no report."""
LONGEST_NUMBER = 255
LONGEST_LANGUAGE = 35
MOST_REFERENCES = 50
_KIND = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[^/]+(?:/_history/[^/]+)?$")
"""The type in a literal reference."""
type Element = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Named:
    """An order or a study, as a report refers to it."""

    where: str
    """The element."""
    reference: str | None
    identifiers: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class ReportSaid:
    received: Received
    """Its number is '' where it has none of its own."""
    ids: tuple[str, ...]
    """Those that say which report of a server like this one it is."""
    orders: tuple[Named, ...]
    studies: tuple[Named, ...]


def report_said(resource: Element) -> ReportSaid:
    """Raises InvalidInput for what no report of ours can be."""
    status = STATUSES.get(str(resource.get("status")))
    if status is None:
        raise refused("status", f"one of {', '.join(STATUSES)}: otherwise nothing is reported yet")
    identifiers = [one for one in resource.get("identifier") or [] if one.get("value")]
    contained = {f"#{one.get('id')}": one for one in resource.get("contained") or [] if isinstance(one, dict)}
    issued = _issued(resource.get("issued"))
    parts, files = forms_of(resource.get("presentedForm") or [])
    parts += _conclusion(resource, said=_text_of(parts))
    narrative, says_more = narrative_of(resource)
    if says_more or not (parts or files):
        parts += [("report", "Report", narrative)] if " ".join(narrative.split()) not in _text_of(parts) else []
    parts += [*_results(resource, contained), *_codes(resource)]
    language = str(resource.get("language") or _language(resource) or "")
    received = Received(
        _number(identifiers),
        status,
        str(resource["status"]),
        _author(resource, contained),
        joined(parts),
        tuple(files),
        _words(resource["code"]) if isinstance(resource.get("code"), dict) else None,
        language if 0 < len(language) <= LONGEST_LANGUAGE else None,
        issued,
        issued,
    )
    orders = _named(resource, "basedOn", "ServiceRequest", contained)
    numbers = of_type(identifiers, ACCESSION)
    if numbers:
        orders += tuple(Named("identifier", None, (one,)) for one in numbers)
    ids = tuple(str(one["value"]) for one in identifiers if one.get("system") == REPORT)
    return ReportSaid(received, ids, orders, _named(resource, "imagingStudy", "ImagingStudy", contained))


def study_uid(identifiers: Iterable[Element]) -> str | None:
    """The Study Instance UID among the identifiers of a study."""
    values = (str(one["value"]) for one in identifiers if one.get("system") == DICOM_UID and one.get("value"))
    return next(filter(None, map(oid_of, values)), None)


def refused(element: str, why: str) -> InvalidInput:
    field = f"DiagnosticReport.{element}"
    return InvalidInput("resource_invalid", f"{field}: {why}.", ((field, why),))


def _number(identifiers: list[Element]) -> str:
    """By which its sender knows it: the filler's number, else the first that is no number of an order."""
    orders = [*of_type(identifiers, ACCESSION), *of_type(identifiers, PLACER)]
    own = [*of_type(identifiers, FILLER), *(one for one in identifiers if one not in orders)]
    number = one_line(str(own[0]["value"])) if own else ""
    if len(number) > LONGEST_NUMBER:
        raise refused("identifier", f"a number has at most {LONGEST_NUMBER} characters")
    return number


def _issued(said: Any) -> datetime | None:
    if said is None:
        return None
    try:
        moment: datetime = range_of(str(said), UTC).start
    except ValueError as error:
        raise refused("issued", str(error)) from None
    return moment


def _language(resource: Element) -> str | None:
    return next((one["language"] for one in resource.get("presentedForm") or [] if one.get("language")), None)


def _text_of(parts: Iterable[Part]) -> str:
    """In one line, to be compared."""
    return " ".join(" ".join(text for _, _, text in parts).split())


def _conclusion(resource: Element, said: str) -> list[Part]:
    """Unless the text says it already."""
    conclusion = str(resource.get("conclusion") or "")
    is_new = conclusion.strip() and " ".join(conclusion.split()) not in said
    return [(IMPRESSION, "Impression", conclusion)] if is_new else []


def _codes(resource: Element) -> list[Part]:
    """Of the conclusion, in words."""
    codes = [_text(one) for one in resource.get("conclusionCode") or []]
    return [("conclusion-code", "Conclusion (codes)", "\n".join(filter(None, codes)))] if any(codes) else []


def _results(resource: Element, contained: Mapping[str, Element]) -> list[Part]:
    """Observations that came with it, in a line each; of those that did not it is said that they are missing."""
    lines, missing = [], 0
    for one in resource.get("result") or []:
        observation = contained.get(str(one.get("reference")))
        if observation is None:
            missing += 1
            if one.get("display"):
                lines.append(str(one["display"]))
        else:
            lines.append(f"{_text(observation.get('code'))}: {_value(observation)}".strip(": "))
    if missing:
        lines.append(f"[{missing} results are kept by the sender, and did not come with this report.]")
    return [("results", "Results", "\n".join(lines))] if lines else []


def _value(observation: Element) -> str:
    quantity = observation.get("valueQuantity")
    if isinstance(quantity, dict):
        parts = (quantity.get("comparator"), quantity.get("value"), quantity.get("unit") or quantity.get("code"))
        return " ".join(str(one) for one in parts if one is not None)
    if "valueCodeableConcept" in observation:
        return _text(observation["valueCodeableConcept"])
    simple = ("valueString", "valueInteger", "valueBoolean", "valueDateTime", "valueTime")
    said = next((str(observation[name]) for name in simple if name in observation), None)
    if said is not None:
        return said
    return "" if not any(name.startswith("value") for name in observation) else "[a value that cannot be shown here]"


def _author(resource: Element, contained: Mapping[str, Element]) -> str:
    """Who interpreted it, else who performed it: people before organizations."""
    for name in ("resultsInterpreter", "performer"):
        said = [(_person(one, contained), _is_organization(one, contained)) for one in resource.get(name) or []]
        people = [text for text, is_organization in said if text and not is_organization]
        organizations = [text for text, is_organization in said if text and is_organization]
        if people or (organizations and name == "performer"):
            return ", ".join(people or organizations)
    return ""


def _person(reference: Element, contained: Mapping[str, Element]) -> str:
    if reference.get("display"):
        return one_line(str(reference["display"]))
    found = contained.get(str(reference.get("reference")), {})
    if isinstance(found.get("practitioner"), dict):
        return _person(found["practitioner"], contained)
    return shown_name(found)


def shown_name(resource: Element) -> str:
    """The name of a Practitioner or an Organization, as it is printed."""
    name = resource.get("name")
    if isinstance(name, str):
        return one_line(name)
    first = next((one for one in name or [] if isinstance(one, dict)), {})
    if first.get("text"):
        return one_line(str(first["text"]))
    parts = (
        *(first.get("prefix") or []),
        *(first.get("given") or []),
        first.get("family"),
        *(first.get("suffix") or []),
    )
    return one_line(" ".join(str(one) for one in parts if one))


def _is_organization(reference: Element, contained: Mapping[str, Element]) -> bool:
    said = str(reference.get("reference") or "")
    kind = contained.get(said, {}).get("resourceType") or reference.get("type") or said.rpartition("/")[0]
    return str(kind).endswith("Organization")


def _named(resource: Element, element: str, kind: str, contained: Mapping[str, Element]) -> tuple[Named, ...]:
    """What it refers to by a reference or by identifiers; a reference to something else is passed over."""
    found = []
    given = resource.get(element) or []
    if len(given) > MOST_REFERENCES:
        raise refused(element, f"at most {MOST_REFERENCES}")
    for number, one in enumerate(given):
        reference = one.get("reference")
        inside = contained.get(str(reference))
        identifiers = [one["identifier"]] if one.get("identifier") else []
        if inside is not None:
            reference, identifiers = None, [*identifiers, *(inside.get("identifier") or [])]
            one = {"type": inside.get("resourceType")}
        literal = _KIND.search(str(reference or ""))
        said = literal[1] if literal else one.get("type") or kind
        if said == kind and (reference or any(part.get("value") for part in identifiers)):
            found.append(Named(f"{element}[{number}]", reference, tuple(identifiers)))
    return tuple(found)


def _text(concept: Any) -> str:
    """A coded concept in words."""
    if not isinstance(concept, dict):
        return ""
    codes = (one["code"] for one in concept.get("coding") or [] if one.get("code"))
    return _words(concept) or one_line(str(next(codes, "")))


def _words(concept: Element) -> str | None:
    """None where it has a code only."""
    displays = (one["display"] for one in concept.get("coding") or [] if one.get("display"))
    return one_line(str(concept.get("text") or next(displays, ""))) or None
