"""The character set in which another system is spoken to."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from ehr_bridge.api.http.schemas import EmptyIsNone
from ehr_bridge.dicom.transliteration import CHARSETS


def _charset(text: str) -> str:
    if text not in CHARSETS:
        raise ValueError(f"one of {', '.join(CHARSETS)}")
    return text


Charset = Annotated[Annotated[str, StringConstraints(max_length=16), AfterValidator(_charset)] | None, EmptyIsNone]
"""By the name that the settings use too, such as `latin1`; None where none is said, or it is empty."""
