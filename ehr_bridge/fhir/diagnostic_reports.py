"""DiagnosticReport: a version of a report as a resource."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from html import escape
from typing import Any

from ehr_bridge.fhir.systems import ACCESSION, FILLER, OURS, typed
from ehr_bridge.reporting.report import Version
from ehr_bridge.reporting.states import ReportStatus

REPORT = f"{OURS}:report"
"""System of reports' ids."""
LOINC = "http://loinc.org"
CODE, CODE_MEANING = "18748-4", "Diagnostic imaging study"
V2_SERVICES, CATEGORY = "http://terminology.hl7.org/CodeSystem/v2-0074", "RAD"
IMPRESSION = "19005-8"
"""LOINC code of the section that says what it comes to."""
PDF = "application/pdf"


def status_word(status: ReportStatus) -> str:
    """In the words of FHIR."""
    return status.value.replace("_", "-")


def diagnostic_report(
    version: Version,
    subject: Mapping[str, Any],
    based_on: Sequence[Mapping[str, Any]] = (),
    studies: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The whole version; `subject`, `based_on` and `studies` are references as its reader finds them. Of one that was
    entered in error nothing but that is said."""
    is_withdrawn = version.status == "entered_in_error"
    signers = [one for one in (version.signer, version.cosigner) if one is not None] or [version.author]
    identifiers = [{"system": REPORT, "value": str(version.report_id)}]
    if version.outside is not None:
        identifiers.append(typed(FILLER, version.outside.number, display=version.outside.sender))
    resource: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "identifier": [*identifiers, *(typed(ACCESSION, number) for number in version.accession_numbers)],
        "status": status_word(version.status),
        "category": [{"coding": [{"system": V2_SERVICES, "code": CATEGORY}]}],
        "code": {
            "coding": [{"system": LOINC, "code": CODE, "display": CODE_MEANING}],
            "text": version.title,
        },
        "subject": dict(subject),
        "issued": _instant(version),
        "resultsInterpreter": [{"display": one.name} for one in signers],
    }
    if version.outside is not None:
        resource["performer"] = [{"type": "Organization", "display": version.outside.sender}]
    if based_on:
        resource["basedOn"] = [dict(one) for one in based_on]
    if studies:
        resource["imagingStudy"] = [dict(one) for one in studies]
    if is_withdrawn:
        return resource
    resource["text"] = {"status": "generated", "div": _narrative(version)}
    conclusion = next((one.text for one in version.sections if one.code == IMPRESSION and one.text), None)
    if conclusion:
        resource["conclusion"] = conclusion
    resource["presentedForm"] = [
        {
            "contentType": "text/plain; charset=utf-8",
            "language": version.language,
            "data": base64.b64encode(plain_text(version).encode()).decode(),
            "title": version.title,
            "creation": _instant(version),
        }
    ]
    return resource


def shown_report(
    key: str,
    version: Version,
    subject: Mapping[str, Any],
    orders: Iterable[tuple[str, str]],
    study: tuple[str, str | None] | None,
    pdf: str,
    organization: str | None,
) -> dict[str, Any]:
    """As it is read here: `orders` by id and accession number, `study` by id and day, `pdf` its address, which needs
    the reader's token too; `organization` is where our own are written."""
    based_on = [
        {"reference": f"ServiceRequest/{one}", "identifier": typed(ACCESSION, number)} for one, number in orders
    ]
    studies = [{"reference": f"ImagingStudy/{study[0]}"}] if study is not None else []
    resource = {"id": key} | diagnostic_report(version, subject, based_on, studies)
    if study is not None and study[1] is not None:
        resource["effectiveDateTime"] = study[1]
    if organization is not None:
        resource.setdefault("performer", [{"type": "Organization", "display": organization}])
    if "presentedForm" in resource:
        form = {"contentType": PDF, "language": version.language, "url": pdf, "title": version.title}
        resource["presentedForm"].append(form | {"creation": _instant(version)})
    return resource


def plain_text(version: Version) -> str:
    """Headings and texts, a blank line between."""
    parts = [f"{one.title}\n{one.text}".strip() for one in version.sections if one.title or one.text]
    if version.reason:
        parts.insert(0, f"{version.status.value.replace('_', ' ')}: {version.reason}")
    return "\n\n".join(parts) + "\n"


def _narrative(version: Version) -> str:
    parts = [
        f"<h3>{escape(one.title)}</h3><p>{'<br/>'.join(escape(one.text).splitlines())}</p>" for one in version.sections
    ]
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{"".join(parts)}</div>'


def _instant(version: Version) -> str:
    return version.issued_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
