"""Who somebody is, in JSON: the same facts wherever an answer names a person."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from ehr_bridge.api.http.schemas import Model
from ehr_bridge.api.registry.patients import Sex


class PersonAnswer(Model):
    """Null, and `unknown` as the sex, is what nobody says."""

    mrn: str | None
    issuer: str | None = Field(description="The assigning authority that gave the MRN")
    patient_name: str | None
    patient_birth_date: date | None
    patient_sex: Sex
