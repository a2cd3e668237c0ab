"""Local accounts, for the administrator."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from pydantic import ConfigDict, Field, StringConstraints

from ehr_bridge.api.filters import PageQuery, Sort, Words, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, origin, services
from ehr_bridge.api.http.schemas import Input, ListOf, Moment, Problem, Text64, Versioned
from ehr_bridge.api.writing.conditions import honours
from ehr_bridge.errors import Conflict
from ehr_bridge.services.accounts.accounts import SORTS
from ehr_bridge.wrong_values import written

blueprint = Blueprint("account_management", "Accounts", "/api/v1/accounts")

Username = Annotated[
    str,
    StringConstraints(
        pattern=written(
            r"^[A-Za-z0-9][A-Za-z0-9._@-]*$",
            "letters A to Z and digits, and . _ @ - after the first one, such as rita.meyer",
        ),
        max_length=64,
    ),
]
Roles = Annotated[list[str], Field(max_length=20, description="See the table of roles")]


class AccountBody(Input):
    """Replaces the account: roles that are left out are removed."""

    full_name: Text64
    roles: Roles
    active: bool = True


class NewAccountBody(Input):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    username: Username
    full_name: Text64
    roles: Roles
    password: str = Field(max_length=1024)
    must_change_password: bool = Field(True, description="Whether the first sign-in must choose another password")


class TemporaryPasswordBody(Input):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    password: str = Field(max_length=1024)


class AccountPath(Input):
    username: Text64


class AccountAnswer(Versioned):
    username: str
    full_name: str
    roles: list[str]
    active: bool
    must_change_password: bool
    locked_until: Moment | None
    last_sign_in_at: Moment | None
    created_at: Moment


class AccountList(ListOf[AccountAnswer]):
    pass


class AccountQuery(PageQuery):
    q: Words = Field(None, description="A part of the user name or the full name")
    sort: Sort = sorted_by(SORTS)


@blueprint.get("", responses={200: AccountList, 422: Problem})
def list_accounts(query: AccountQuery) -> Response:
    """Local accounts, by name"""
    page = services().accounts.search(query.limit, query.offset, query.q, query.sort)
    return answer(AccountList.of(page, AccountAnswer.model_validate))


@blueprint.post(
    "", responses={201: AccountAnswer, 400: Problem, 409: Problem, 415: Problem, 422: Problem, 503: Problem}
)
def create_account(body: NewAccountBody) -> Response:
    """Create an account"""
    made = services().accounts.create(
        body.username,
        body.full_name,
        body.password,
        body.roles,
        origin(),
        must_change_password=body.must_change_password,
    )
    if not made:
        raise Conflict("name_taken", "An account with this name exists already; capitalisation makes no difference.")
    return answer(AccountAnswer.model_validate(services().accounts.get(body.username)), 201)


@blueprint.get("/<username>", responses={200: AccountAnswer, 404: Problem, 422: Problem})
def get_account(path: AccountPath) -> Response:
    """One account"""
    return answer(AccountAnswer.model_validate(services().accounts.get(path.username)))


def _tags(path: AccountPath, body: AccountBody | TemporaryPasswordBody) -> list[str]:
    return [AccountAnswer.model_validate(services().accounts.get(path.username)).etag()]


@blueprint.put(
    "/<username>",
    responses={200: AccountAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
@honours(_tags)
def change_account(path: AccountPath, body: AccountBody) -> Response:
    """Replace the name, roles and state of an account"""
    account = services().accounts.change(path.username, body.full_name, body.roles, body.active, origin())
    return answer(AccountAnswer.model_validate(account))


@blueprint.post(
    "/<username>/password",
    responses={204: None, 400: Problem, 404: Problem, 415: Problem, 422: Problem, 503: Problem},
)
@honours(_tags)
def set_password(path: AccountPath, body: TemporaryPasswordBody) -> Response:
    """Set a temporary password; it must be changed at the next sign-in"""
    services().accounts.set_password(path.username, body.password, origin())
    return Response(status=204)
