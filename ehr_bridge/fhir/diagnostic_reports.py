"""DiagnosticReport: a version of a report as a resource."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC
from html import escape
from typing import Any

from ehr_bridge.fhir.systems import ACCESSION, OURS, typed
from ehr_bridge.reporting.report import Version

REPORT = f"{OURS}:report"
"""System of reports' ids."""
RADIOLOGY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}
IMPRESSION = "19005-8"
"""LOINC code of the section that says what it comes to."""


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
    resource: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "identifier": [
            {"system": REPORT, "value": str(version.report_id)},
            *(typed(ACCESSION, number) for number in version.accession_numbers),
        ],
        "status": version.status.value.replace("_", "-"),
        "category": [RADIOLOGY],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}],
            "text": version.title,
        },
        "subject": dict(subject),
        "issued": _instant(version),
        "resultsInterpreter": [{"display": one.name} for one in signers],
    }
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
