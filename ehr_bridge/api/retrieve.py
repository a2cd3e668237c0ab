"""Downloading a study as a ZIP, and its thumbnail."""

from __future__ import annotations

from flask import Response, request

from ehr_bridge.api.away.streamed import Streamed, StreamedResponse, attachment
from ehr_bridge.api.document.bodies import BINARY
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import caller, origin, services
from ehr_bridge.api.http.schemas import Problem
from ehr_bridge.api.studies import StudyPath
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.services.studies.zipping import zip_stream

blueprint = Blueprint("retrieve", "Studies", "/api/v1/dicom")


@blueprint.get(
    "/download/<study_uid>",
    responses={
        200: {"description": "A ZIP", "content": {"application/zip": {"schema": BINARY}}},
        404: Problem,
        422: Problem,
    },
)
def download_study(path: StudyPath) -> Response:
    """The study as a ZIP with folders patient / study / series"""
    found = services().downloads.open(path.study_uid, archive(), origin())
    response = StreamedResponse(Streamed(zip_stream(found.files)), content_type="application/zip")
    response.headers["Content-Disposition"] = attachment(found.name)
    return response


@blueprint.get(
    "/thumbnail/<study_uid>",
    responses={
        200: {"description": "A PNG", "content": {"image/png": {"schema": BINARY}}},
        304: None,
        404: Problem,
        422: Problem,
    },
)
def get_thumbnail(path: StudyPath) -> Response:
    """A picture of at most 256 pixels of the study's middle image"""
    known = frozenset(request.if_none_match.as_set(include_weak=True))
    found = services().thumbnails.get(path.study_uid, archive(), caller(), known)
    response = Response(status=304) if found.png is None else Response(found.png, content_type="image/png")
    response.set_etag(found.tag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response
