"""A person in JSON: the same fields in every answer."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from ehr_bridge.api.http.schemas import Model
from ehr_bridge.api.registry.patients import Sex


class PersonAnswer(Model):
    """Null, and `unknown` for the sex, mean that the value is not known."""

    mrn: str | None
    issuer: str | None = Field(description="The assigning authority that gave the MRN")
    patient_name: str | None
    patient_birth_date: date | None
    patient_sex: Sex
