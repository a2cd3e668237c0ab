"""Corrected attribute values as people and programs send them, converted to DICOM."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from ehr_bridge.dicom.structure.tags import MODIFIABLE_KEYWORDS
from ehr_bridge.dicom.typed_names import typed_name
from ehr_bridge.dicom.values import wanted_value

ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
TERMS: Final = {"PatientSex": ("M", "F", "O"), "Laterality": ("R", "L")}
"""Enumerated values (PS3.3 C.2.2 and C.7.3.1); all may be empty."""


def corrected(values: Mapping[str, str]) -> dict[str, str]:
    """The values in DICOM form. A date may be ISO 8601, a name may be typed as `Family, Given`. Raises ValueError for
    an attribute that nobody may correct, or a value that is not allowed in it."""
    return {keyword: _corrected(keyword, value) for keyword, value in values.items()}


def _corrected(keyword: str, value: str) -> str:
    if keyword not in MODIFIABLE_KEYWORDS:
        raise ValueError(f"only {', '.join(sorted(MODIFIABLE_KEYWORDS))} can be modified")
    if keyword.endswith("Date") and ISO_DAY.fullmatch(value):
        value = value.replace("-", "")
    if keyword == "PatientName":
        value = typed_name(value)
    value = wanted_value(keyword, value).value
    if value and keyword in TERMS and value not in TERMS[keyword]:
        raise ValueError(f"{keyword} is one of {', '.join(TERMS[keyword])}, or empty")
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)  # it may be tomorrow in the sender's time zone
    if keyword == "PatientBirthDate" and value > f"{tomorrow:%Y%m%d}":
        raise ValueError("nobody is born in the future")
    return value
