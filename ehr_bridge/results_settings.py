"""The settings of reports and of what is sent to other systems; part of `ehr_bridge.settings`."""

from __future__ import annotations

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
