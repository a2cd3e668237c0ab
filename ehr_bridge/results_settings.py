"""The settings of reports and of what is sent to other systems; part of `ehr_bridge.settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from ehr_bridge.wrong_values import written


class ResultsSettings(BaseModel):
    """The alias of a field is its environment variable."""

    report_language: str = Field(
        "en",
        alias="EHR_BRIDGE_REPORT_LANGUAGE",
        max_length=35,
        pattern=written(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "a language tag (BCP 47), such as en or de-AT"),
        description="Language of reports that are begun without a template, as in BCP 47.",
    )
    report_header: Annotated[str, Field(max_length=1000)] | None = Field(
        None,
        alias="EHR_BRIDGE_REPORT_HEADER",
        description="Lines above each report, with | between; the first is the organization that stands for it.",
    )
    report_logo: Path | None = Field(
        None, alias="EHR_BRIDGE_REPORT_LOGO", description="Picture above each report: PNG, JPEG, GIF, WebP or SVG."
    )
    report_key: Path | None = Field(
        None,
        alias="EHR_BRIDGE_REPORT_KEY",
        description="PEM file of the private key with which PDFs of reports are signed.",
    )
    report_certificate: Path | None = Field(
        None,
        alias="EHR_BRIDGE_REPORT_CERTIFICATE",
        description="PEM file of its certificate, and those of its issuers.",
    )

    @property
    def report_header_lines(self) -> list[str]:
        return [line.strip() for line in (self.report_header or "").split("|") if line.strip()]

    cosign_roles: str | None = Field(
        None,
        alias="EHR_BRIDGE_COSIGN_ROLES",
        max_length=255,
        pattern=written(r"^[a-z][a-z0-9_-]*( [a-z][a-z0-9_-]*)*$", "names of roles with blanks between"),
        description="Roles of people in training, with blanks between: a supervisor signs after them.",
    )
    preliminary_hours: Annotated[float, Field(gt=0, le=720)] = Field(
        24,
        alias="EHR_BRIDGE_PRELIMINARY_HOURS",
        description="Hours after which a report that is still preliminary stands on everybody's list.",
    )

    @property
    def cosigned_roles(self) -> frozenset[str]:
        """Of people in training."""
        return frozenset((self.cosign_roles or "").split())
