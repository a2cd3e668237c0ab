"""Sign-in, sign-out and changing one's password, with a local account."""

from __future__ import annotations

from flask import Response, request
from pydantic import ConfigDict, Field

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import address, answer, caller, services
from ehr_bridge.api.http.limits import count_sign_in
from ehr_bridge.api.http.schemas import Input, Model, Moment, Problem
from ehr_bridge.auth.permissions import Permission

blueprint = Blueprint("accounts", "Accounts", "/api/v1/auth", is_public=True)


class LoginBody(Input):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    username: str = Field(max_length=64)
    password: str = Field(max_length=1024)


class LoginAnswer(Model):
    token: str
    expires_at: Moment
    name: str
    roles: list[str] = Field(description="What the token may do: nothing while the password must be changed")
    must_change_password: bool


class PasswordBody(Input):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    current_password: str = Field(max_length=1024)
    new_password: str = Field(max_length=1024)


class MeAnswer(Model):
    subject: str
    name: str
    roles: list[str]
    permissions: list[Permission]
    ignored_roles: list[str] = Field(
        description="Roles in the token that no role of this installation corresponds to; they permit nothing"
    )
    has_password: bool = Field(description="There is an active account here with this name, which has a password")
    lock_after_minutes: int = Field(description="After so many minutes without work a page is to lock itself; 0: never")
    sharing: bool = Field(description="Whether links for people outside can be made here")


@blueprint.post(
    "/login",
    responses={200: LoginAnswer, 400: Problem, 401: Problem, 415: Problem, 422: Problem, 503: Problem},
)
def login(body: LoginBody) -> Response:
    """Sign in with a local account"""
    count_sign_in(services().rate_limits, request.environ, body.username)
    signed_in = services().sign_in.sign_in(body.username, body.password, address())
    return answer(LoginAnswer.model_validate(signed_in))


@blueprint.post("/logout", responses={204: None, 401: Problem, 409: Problem}, security=[{"bearer": []}])
def logout() -> Response:
    """Sign out: the token is refused from now on"""
    services().sign_in.sign_out(caller(), address())
    return Response(status=204)


@blueprint.post(
    "/password",
    responses={
        200: LoginAnswer,
        400: Problem,
        401: Problem,
        409: Problem,
        415: Problem,
        422: Problem,
        503: Problem,
    },
    security=[{"bearer": []}],
)
def change_password(body: PasswordBody) -> Response:
    """Change one's password; all sessions end, and the answer holds a new one"""
    count_sign_in(services().rate_limits, request.environ, caller().subject)
    signed_in = services().sign_in.change_password(caller(), body.current_password, body.new_password, address())
    return answer(LoginAnswer.model_validate(signed_in))


@blueprint.get("/me", responses={200: MeAnswer, 401: Problem}, security=[{"bearer": []}])
def get_me() -> Response:
    """The caller and their permissions"""
    who = caller()
    account = services().sign_in.account_of(who)
    return answer(
        MeAnswer(
            subject=who.subject,
            name=who.name,
            roles=list(who.roles),
            permissions=sorted(who.permissions),
            ignored_roles=list(who.ignored_roles),
            has_password=account is not None and account.is_active,
            lock_after_minutes=services().settings.lock_minutes,
            sharing=services().sharing.is_on,
        )
    )
