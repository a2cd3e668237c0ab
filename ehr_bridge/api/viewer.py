"""Viewer links and tokens (IHE Invoke Image Display, RAD-106)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Annotated, Literal

from flask import Response, request
from pydantic import Field, model_validator

from ehr_bridge.api.filters import At, OfStudy, Sort, at_or_after, before, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import address, answer, caller, closed, services
from ehr_bridge.api.http.restricted import require_open
from ehr_bridge.api.http.schemas import (
    EmptyIsNone,
    GivenMoment,
    Input,
    ListOf,
    Model,
    Moment,
    PatientRef,
    Problem,
    Text64,
    Uid,
)
from ehr_bridge.api.studies import StudyPath
from ehr_bridge.api.writing.repeats import repeatable
from ehr_bridge.auth.tokens import OPERATIONS
from ehr_bridge.db.tables.viewing import ViewerToken
from ehr_bridge.services.viewing.scope import Priors
from ehr_bridge.services.viewing.tokens import DECIDE, SESSION, SORTS, TokenWish, Wish

blueprint = Blueprint("viewer", "Viewer", "/api/v1/dicom")

Operation = Literal["view", "download", "annotate"]
GrantedOperation = Literal["view", "download", "annotate", "decide"]
"""`decide`: to see a study whose deletion waits for a decision of the person who made the link."""


class ViewerUrlQuery(Input):
    compare: Annotated[Uid | None, EmptyIsNone] = Field(None, description="A second study to open beside it")
    priors: Annotated[Literal["auto"] | None, EmptyIsNone] = Field(
        None, description="Open the patient's latest earlier studies of the same modality or body part beside it"
    )


class ViewerUrlAnswer(Model):
    url: str
    token: str
    expires_at: Moment
    studies: list[str]


class PriorsBody(Input):
    """Which priors (earlier studies of the same patient) to include with an order's study."""

    match: Literal["auto", "patient", "modality", "body_part"] = Field(
        "auto", description="auto: of the same modality or body part; patient: any"
    )
    newest: int = Field(3, ge=1, le=20)


class ViewerTokenBody(Input):
    """Exactly one of study_instance_uids, order_id and patient_id."""

    study_instance_uids: list[Uid] | None = Field(None, min_length=1, max_length=50)
    order_id: Text64 | None = Field(None, description="Id or accession number of an order")
    patient_id: PatientRef | None = Field(None, description="Id or MRN of a patient")
    priors: PriorsBody | None = Field(None, description="With order_id: these studies of its patient too")
    operations: list[Operation] = Field(default=["view"], min_length=1)
    ttl_seconds: int = Field(3600, ge=30, le=86400, description="Seconds it is good, from not_before on, or now")
    not_before: GivenMoment | None = None
    session_seconds: int | None = Field(None, ge=30, le=86400, description="How many seconds it may be renewed")
    max_uses: int | None = Field(None, ge=1, le=1000, description="It must be exchanged, at most so often")
    on_behalf_of: Text64 | None = Field(None, description="Whom the token is for; service accounts only")

    @model_validator(mode="after")
    def _one_scope(self) -> ViewerTokenBody:
        given = [s for s in (self.study_instance_uids, self.order_id, self.patient_id) if s is not None]
        if len(given) != 1:
            raise ValueError("name exactly one of study_instance_uids, order_id and patient_id")
        if self.priors is not None and self.order_id is None:
            raise ValueError("priors go with order_id")
        return self


class ViewerTokenAnswer(Model):
    token: str
    token_id: uuid.UUID
    expires_at: Moment
    studies: list[str]


class RenewedAnswer(Model):
    token: str
    token_id: uuid.UUID
    expires_at: Moment
    renewable_until: Moment
    operations: list[GrantedOperation]
    studies: list[str]
    in_doubt: list[str] = Field(description="Those of the studies of which a person must say whose they are")


class TokenQuery(OfStudy):
    """By what the tokens were made for."""

    since: At = at_or_after("Tokens made")
    until: At = before("Tokens made")
    sort: Sort = sorted_by(SORTS)


class TokenPath(Input):
    token_id: uuid.UUID


class TokenEntry(Model):
    """A token that has not expired; the token itself is not stored."""

    token_id: uuid.UUID
    subject: str
    minted_by: str
    scope: Literal["studies", "order", "patient"]
    study_instance_uids: list[str]
    order_id: uuid.UUID | None
    patient_id: uuid.UUID | None
    operations: list[GrantedOperation]
    created_at: Moment
    not_before: Moment | None
    expires_at: Moment
    renewable_until: Moment | None
    max_uses: int | None
    uses: int
    requests: int
    last_used_at: Moment | None
    revoked_at: Moment | None


class TokenList(ListOf[TokenEntry]):
    pass


@blueprint.get("/viewer-url/<study_uid>", responses={200: ViewerUrlAnswer, 404: Problem, 422: Problem, 503: Problem})
def get_viewer_url(path: StudyPath, query: ViewerUrlQuery) -> Response:
    """A link that opens the study in OHIF; also for a study whose deletion waits for the caller's decision"""
    uids = (path.study_uid,) if query.compare is None else (path.study_uid, query.compare)
    operations = tuple(name for name in ("view", "annotate", DECIDE) if caller().may(OPERATIONS[name]))
    priors = None if query.priors is None else Priors()
    wish = Wish(study_instance_uids=uids, priors=priors, operations=operations, session=SESSION)
    minted = services().viewer.mint(wish, caller(), address())
    services().authenticator.expect(minted.token)
    return answer(
        ViewerUrlAnswer(
            url=services().viewer.link(minted),
            token=minted.token,
            expires_at=minted.expires_at,
            studies=list(minted.studies),
        )
    )


@blueprint.post(
    "/viewer-token",
    responses={201: ViewerTokenAnswer, 400: Problem, 404: Problem, 415: Problem, 422: Problem, 503: Problem},
)
@repeatable
def create_viewer_token(body: ViewerTokenBody) -> Response:
    """Create a token that opens these studies and nothing else"""
    wish = Wish(
        study_instance_uids=tuple(body.study_instance_uids or ()),
        order=body.order_id,
        patient=services().patients.certain_if_any(body.patient_id),
        priors=None if body.priors is None else Priors(body.priors.match, body.priors.newest),
        operations=tuple(dict.fromkeys(body.operations)),
        ttl=timedelta(seconds=body.ttl_seconds),
        session=None if body.session_seconds is None else timedelta(seconds=body.session_seconds),
        not_before=body.not_before,
        max_uses=body.max_uses,
        on_behalf_of=body.on_behalf_of,
    )
    minted = services().viewer.mint(wish, caller(), address())
    services().authenticator.expect(minted.token)
    return answer(ViewerTokenAnswer.model_validate(minted), 201)


@blueprint.post("/viewer-token/exchange", responses={201: RenewedAnswer, 503: Problem})
def exchange_viewer_token() -> Response:
    """Get another token in exchange for the viewer token of this call, to continue reading"""
    _, _, token = request.headers["Authorization"].partition(" ")
    renewed = services().viewer_sessions.renew(token.strip(), caller(), address())
    services().authenticator.expect(renewed.token)
    return answer(RenewedAnswer.model_validate(renewed), 201)


@blueprint.get("/viewer-token", responses={200: TokenList, 404: Problem, 409: Problem, 422: Problem})
def list_viewer_tokens(query: TokenQuery) -> Response:
    """Viewer tokens that have not expired: the caller's own, or all for administrators"""
    require_open(services(), closed(), {"study": query.study})
    wish = TokenWish(query.records, query.named_order_id, query.study, query.since, query.until)
    page = services().viewer.list_tokens(caller(), query.limit, query.offset, wish, query.sort)
    return answer(TokenList.of(page, _entry))


@blueprint.delete("/viewer-token/<token_id>", responses={204: None, 404: Problem, 422: Problem})
def revoke_viewer_token(path: TokenPath) -> Response:
    """Revoke a viewer token"""
    services().viewer.revoke(path.token_id, caller(), address())
    return Response(status=204)


def _entry(token: ViewerToken) -> TokenEntry:
    return TokenEntry(token_id=token.id, **{f: getattr(token, f) for f in TokenEntry.model_fields if f != "token_id"})
