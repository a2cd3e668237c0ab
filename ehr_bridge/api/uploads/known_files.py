"""Asking, before sending files, which of them the archive already has."""

from __future__ import annotations

import uuid
from typing import Annotated

from flask import Response
from pydantic import Field, StringConstraints

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, closed, services
from ehr_bridge.api.http.schemas import Input, Model, Problem
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.wrong_values import HEX_SHA256, written

MOST_DIGESTS = 1000

blueprint = Blueprint("known_files", "Uploads", "/api/v1/dicom")

Sha256 = Annotated[str, StringConstraints(pattern=written("^[0-9a-fA-F]{64}$", HEX_SHA256), to_lower=True)]


class KnownFilesBody(Input):
    sha256: list[Sha256] = Field(
        min_length=1, max_length=MOST_DIGESTS, description="SHA-256 of each whole file as it would be sent, in hex"
    )


class KnownFileAnswer(Model):
    """A stored file; its study is shown only to callers who may read."""

    sha256: str
    study_instance_uid: str | None


class KnownStudyAnswer(Model):
    """The present owner of the study, for a sender who meant the files for somebody."""

    study_instance_uid: str
    link_status: LinkStatus
    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None


class KnownFilesAnswer(Model):
    """The stored files and their studies; all other files must be sent."""

    files: list[KnownFileAnswer]
    studies: list[KnownStudyAnswer]


@blueprint.post("/known", responses={200: KnownFilesAnswer, 400: Problem, 415: Problem, 422: Problem, 503: Problem})
def find_known_files(body: KnownFilesBody) -> Response:
    """Which files are already stored, by the digests of their bytes; nothing is stored"""
    found = services().known_files.find(body.sha256, archive(), closed())
    may_read = Permission.READ in caller().permissions
    studies = {file.study_instance_uid: KnownStudyAnswer.model_validate(file) for file in found} if may_read else {}
    files = [
        KnownFileAnswer(sha256=file.sha256, study_instance_uid=file.study_instance_uid if may_read else None)
        for file in found
    ]
    return answer(KnownFilesAnswer(files=files, studies=list(studies.values())))
