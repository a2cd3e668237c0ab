"""Keys of service accounts, for administrators."""

from __future__ import annotations

import uuid

from flask import Response
from pydantic import Field

from ehr_bridge.api.filters import PageQuery, Sort, Words, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, origin, services
from ehr_bridge.api.http.schemas import Input, ListOf, Model, Moment, Problem
from ehr_bridge.api.people.account_management import Roles, Username
from ehr_bridge.services.accounts.service_keys import SORTS

blueprint = Blueprint("service_keys", "Accounts", "/api/v1/service-keys")


class ServiceKeyBody(Input):
    name: Username = Field(description="What it is for; the audit trail shows key:NAME")
    roles: Roles = Field(default=["service"], min_length=1)


class ServiceKeyAnswer(Model):
    id: uuid.UUID
    name: str
    roles: list[str]
    created_by: str
    created_at: Moment
    last_used_at: Moment | None
    revoked_at: Moment | None
    revoked_by: str | None


class NewServiceKeyAnswer(ServiceKeyAnswer):
    key: str = Field(description="Shown this once; only its digest is kept")


class ServiceKeyList(ListOf[ServiceKeyAnswer]):
    pass


class ServiceKeyQuery(PageQuery):
    q: Words = Field(None, description="A part of the name")
    sort: Sort = sorted_by(SORTS)


class ServiceKeyPath(Input):
    key_id: uuid.UUID


@blueprint.get("", responses={200: ServiceKeyList, 422: Problem})
def list_service_keys(query: ServiceKeyQuery) -> Response:
    """Service keys, newest first, including revoked ones"""
    page = services().service_keys.search(query.limit, query.offset, query.q, query.sort)
    return answer(ServiceKeyList.of(page, ServiceKeyAnswer.model_validate))


@blueprint.post("", responses={201: NewServiceKeyAnswer, 400: Problem, 409: Problem, 415: Problem, 422: Problem})
def create_service_key(body: ServiceKeyBody) -> Response:
    """Create a key for a program"""
    new = services().service_keys.create(body.name, body.roles, origin())
    shown = ServiceKeyAnswer.model_validate(new.entry)
    return answer(NewServiceKeyAnswer(**shown.model_dump(), key=new.key), 201)


@blueprint.delete("/<key_id>", responses={204: None, 404: Problem, 422: Problem})
def revoke_service_key(path: ServiceKeyPath) -> Response:
    """Revoke a key"""
    services().service_keys.revoke(path.key_id, origin())
    return Response(status=204)
