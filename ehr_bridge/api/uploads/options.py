"""The sender's options for an upload: in headers of a raw body, or in a first JSON part."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ehr_bridge.api.corrections import corrected
from ehr_bridge.api.http.json_bodies import model_from_json
from ehr_bridge.api.http.schemas import Input, PatientRef, Text16, Text64
from ehr_bridge.services.registry.patients import Patients
from ehr_bridge.services.verdict.judge import Confirmation

MOST_ANNOUNCED = 1_000_000
type Source = Literal["manual", "api", "cd_import", "modality"]


class SaidOfFiles(Input):
    """What a sender may state about files. Naming an order or a patient overrides what the files say."""

    patient_id: PatientRef | None = Field(None, description="Id or MRN of the patient; header X-Patient-Id")
    order_id: Text64 | None = Field(None, description="Id or accession number; header X-Order-Id")
    accession_number: Text16 | None = Field(None, description="Names the order too; header X-Accession-Number")
    tags: dict[str, str] = Field(
        default_factory=dict, description="Corrected values of modifiable attributes, by DICOM keyword"
    )

    @field_validator("tags")
    @classmethod
    def _only_modifiable(cls, tags: dict[str, str]) -> dict[str, str]:
        return corrected(tags)

    @model_validator(mode="after")
    def _one_order(self) -> SaidOfFiles:
        if self.order_id and self.accession_number and self.order_id != self.accession_number:
            raise ValueError("name the order once: order_id or accession_number")
        return self

    def confirmation(self, patients: Patients) -> Confirmation:
        """Raises InvalidInput when a number alone is not enough."""
        return Confirmation(
            order=self.order_id or self.accession_number,
            patient=patients.certain_if_any(self.patient_id),
            tags=tuple(sorted(self.tags.items())),
        )


class UploadOptions(SaidOfFiles):
    """All optional."""

    source: Source = Field("api", description="Where the files come from; header X-Upload-Source")
    upload_id: uuid.UUID | None = Field(
        None, description="Joins files sent one by one into one upload; header X-Upload-Id"
    )
    upload_total: int | None = Field(
        None,
        ge=1,
        le=MOST_ANNOUNCED,
        description="How many files the upload will have, over all of its requests; header X-Upload-Total",
    )


HEADERS = {
    "X-Patient-Id": "patient_id",
    "X-Order-Id": "order_id",
    "X-Accession-Number": "accession_number",
    "X-Upload-Source": "source",
    "X-Upload-Id": "upload_id",
    "X-Upload-Total": "upload_total",
}


@lru_cache(maxsize=256)
def options_from_headers(values: tuple[str | None, ...]) -> UploadOptions:
    """The options in the headers `HEADERS`, in that order; the same for each file of an upload. Raises ValidationError
    when a value is malformed."""
    given = {field: value for field, value in zip(HEADERS.values(), values, strict=True) if value}
    return UploadOptions.model_validate(given)


def options_from_json(content: bytes, beside: UploadOptions) -> UploadOptions:
    """The options of the JSON part; those it leaves out are taken from the headers.

    Raises:
        InvalidInput: it is not JSON, or nests too deep.
        ValidationError: a field is unknown or malformed.
    """
    part = model_from_json(UploadOptions, content, "The first part")
    merged: dict[str, Any] = beside.model_dump(exclude_unset=True) | part.model_dump(exclude_unset=True)
    return UploadOptions.model_validate(merged)
