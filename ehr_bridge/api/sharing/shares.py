"""Shares: links by which somebody outside sees one study."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Annotated

import segno
from flask import Response
from pydantic import Field

from ehr_bridge.api.filters import At, OfStudy, Sort, at_or_after, before, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, origin, services
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.restricted import require_open
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, ListOf, Model, Moment, Problem, Uid
from ehr_bridge.db.states import ShareEnd
from ehr_bridge.db.tables.viewing import Share
from ehr_bridge.services.identity.persons import person_of
from ehr_bridge.services.sharing.shares import (
    LONGEST,
    PIN_LENGTHS,
    SORTS,
    Made,
    ShareFilters,
    ShareState,
    ShareWish,
)
from ehr_bridge.wrong_values import written

blueprint = Blueprint("shares", "Sharing", "/api/v1/dicom")

Pin = Annotated[
    str, Field(pattern=written(rf"^[0-9]{{{PIN_LENGTHS[0]},{PIN_LENGTHS[1]}}}$", "a PIN of 4 to 12 digits"))
]


class ShareBody(Input):
    study_instance_uid: Uid
    ttl_seconds: int = Field(ge=1, le=int(LONGEST.total_seconds()), description="Seconds until it expires")
    pin: Pin | None = Field(
        None, description="What is asked for besides the link; tell it by another way than the link"
    )
    max_uses: int | None = Field(None, ge=1, le=1000, description="How often it may be opened; null: without a limit")


class SharePath(Input):
    share_id: uuid.UUID


class ShareQuery(OfStudy):
    state: Annotated[ShareState | None, EmptyIsNone] = Field(None, description="How the share is now")
    since: At = at_or_after("Shares made")
    until: At = before("Shares made")
    sort: Sort = sorted_by(SORTS)


class ShareEntry(PersonAnswer):
    """A share, with the patient and the study that it is of; its link and its PIN are not kept."""

    id: uuid.UUID
    study_instance_uid: str
    study_date: date | None
    study_description: str | None
    modalities: list[str]
    patient_id: uuid.UUID
    state: ShareState = Field(
        description="`used_up`: it is not opened again, and who has opened it sees the study until it expires; "
        "`ended`: before it expired, see `end_reason`"
    )
    has_pin: bool
    wrong_pins: int = Field(description="Altogether; the fifth ends it")
    max_uses: int | None
    uses: int = Field(description="How often it was opened")
    last_used_at: Moment | None
    created_by: str
    created_at: Moment
    expires_at: Moment
    ended_at: Moment | None
    ended_by: str | None
    end_reason: ShareEnd | None


class ShareList(ListOf[ShareEntry]):
    pass


class MadeShareAnswer(Model):
    share: ShareEntry
    url: str = Field(description="The link; told this once. What is behind the # no server is sent")
    qr_code: str = Field(description="The link as a QR code: an SVG picture, as a `data:` address")


@blueprint.post(
    "/shares",
    responses={
        201: MadeShareAnswer,
        400: Problem,
        404: Problem,
        409: Problem,
        415: Problem,
        422: Problem,
        503: Problem,
    },
)
def create_share(body: ShareBody) -> Response:
    """Create a link by which somebody outside sees a study and its signed reports, and nothing else"""
    services().sharing.require_on()
    wish = ShareWish(body.study_instance_uid, timedelta(seconds=body.ttl_seconds), body.pin, body.max_uses)
    made = services().sharing.shares.create(wish, origin())
    return answer(_made(made), 201)


@blueprint.get("/shares", responses={200: ShareList, 404: Problem, 409: Problem, 422: Problem})
def list_shares(query: ShareQuery) -> Response:
    """Links for people outside, of everybody who has made some, the latest first"""
    services().sharing.require_on()
    require_open(services(), closed(), {"study": query.study})
    filters = ShareFilters(query.records, query.named_order_id, query.study, query.state, query.since, query.until)
    page = services().sharing.shares.search(filters, query.limit, query.offset, closed(), query.sort)
    return answer(ShareList.of(page, _entry))


@blueprint.delete("/shares/<share_id>", responses={204: None, 404: Problem, 422: Problem})
def revoke_share(path: SharePath) -> Response:
    """End a link for people outside: whoever has opened it sees nothing more"""
    services().sharing.require_on()
    services().sharing.shares.end(path.share_id, origin())
    return Response(status=204)


def _made(made: Made) -> MadeShareAnswer:
    code = segno.make(made.url, micro=False, error="m")
    return MadeShareAnswer(share=_entry(made.share), url=made.url, qr_code=code.svg_data_uri(scale=4, light="white"))


def _entry(share: Share) -> ShareEntry:
    study, person = share.study, person_of(share.patient, {})
    own = {name: getattr(share, name) for name in ShareEntry.model_fields if hasattr(share, name)}
    return ShareEntry.model_validate(
        {
            **own,
            **{name: getattr(person, name) for name in PersonAnswer.model_fields},
            "study_instance_uid": study.study_instance_uid,
            "study_date": study.study_date,
            "study_description": study.study_description,
            "modalities": study.modalities,
            "has_pin": share.pin_hash is not None,
            "state": services().sharing.shares.state_of(share),
        }
    )
