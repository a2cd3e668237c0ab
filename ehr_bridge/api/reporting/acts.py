"""What is done with a report: claimed, issued, signed, amended, withdrawn."""

from __future__ import annotations

from functools import wraps
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import Field, SecretStr

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import address, answer, caller, services
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, ReasonText
from ehr_bridge.api.reporting.answers import ReportAnswer, report_answer, reporter
from ehr_bridge.api.reporting.reports import ReportPath, tags_of_report
from ehr_bridge.api.writing.conditions import View, honours, requires_version
from ehr_bridge.api.writing.repeats import repeatable
from ehr_bridge.reporting.states import ReportStatus

blueprint = Blueprint("report_acts", "Reports", "/api/v1/reports/<report_id>", problems=(400, 404, 409, 415, 422))
SHOWN: dict[str, Any] = {"responses": {200: ReportAnswer}}


class ClaimBody(Input):
    reason: Annotated[ReasonText | None, EmptyIsNone] = Field(
        None, description="To take it over from somebody else, and go on as its author"
    )


class SignBody(Input):
    password: Annotated[Annotated[SecretStr, Field(max_length=1024)] | None, EmptyIsNone] = Field(
        None, description="Of the caller's account here, unless the token has an `auth_time` of the last five minutes"
    )


class AmendBody(Input):
    kind: Literal["amended", "corrected", "appended"] = Field(
        description="`corrected`: something was wrong; `appended`: nothing was, and more is said; `amended`: else"
    )
    reason: ReasonText


class WhyBody(Input):
    reason: ReasonText


def _tags(path: ReportPath, body: Input) -> list[str]:
    return tags_of_report(path)


def proves_again(view: View) -> View:
    """Outside of every transaction: a wrong password is counted, whatever becomes of the request."""

    @wraps(view)
    def proved(**arguments: Any) -> Response:
        given = arguments["body"].password
        password = None if given is None else given.get_secret_value()
        services().sign_in.prove_again(caller(), password, address())
        return view(**arguments)

    return proved


@blueprint.post("/claim", **SHOWN)
@honours(_tags)
def claim_report(path: ReportPath, body: ClaimBody) -> Response:
    """Claim what is being written for 15 minutes; with a reason, take it over"""
    return answer(report_answer(services().results.reports.claim(path.report_id, body.reason, reporter())))


@blueprint.post("/release", **SHOWN)
@honours(tags_of_report)
def release_report(path: ReportPath) -> Response:
    """Let go of the claim, so that anybody can go on"""
    return answer(report_answer(services().results.reports.release(path.report_id, reporter())))


@blueprint.post("/discard", **SHOWN)
@honours(_tags)
def discard_report_draft(path: ReportPath, body: WhyBody) -> Response:
    """Throw away what is being written; a report of which nothing was issued is entered in error then"""
    return answer(report_answer(services().results.reports.discard(path.report_id, body.reason, reporter())))


@blueprint.post("/preliminary", **SHOWN)
@honours(tags_of_report)
def issue_preliminary_report(path: ReportPath) -> Response:
    """Let others read what is written before anybody has signed it"""
    return answer(report_answer(services().results.reports.preliminary(path.report_id, reporter())))


@blueprint.post("/sign", **SHOWN)
@proves_again
@requires_version
@honours(_tags)
def sign_report(path: ReportPath, body: SignBody) -> Response:
    """Sign what is written, with If-Match: what was read is what is signed"""
    return answer(report_answer(services().results.reports.sign(path.report_id, reporter())))


@blueprint.post("/amend", **SHOWN)
@repeatable
@honours(_tags)
def amend_report(path: ReportPath, body: AmendBody) -> Response:
    """Open a draft of the next version; the signed one stays as it is"""
    kind = ReportStatus(body.kind)
    return answer(report_answer(services().results.reports.amend(path.report_id, kind, body.reason, reporter())))


@blueprint.post("/withdraw", **SHOWN)
@repeatable
@honours(_tags)
def withdraw_report(path: ReportPath, body: WhyBody) -> Response:
    """Say that a report was entered in error, such as for another patient"""
    return answer(report_answer(services().results.reports.withdraw(path.report_id, body.reason, reporter())))


@blueprint.post("/keep", **SHOWN)
@repeatable
@honours(_tags)
def keep_report(path: ReportPath, body: WhyBody) -> Response:
    """Say that a report whose images left an order of it is right all the same; it is delivered then"""
    return answer(report_answer(services().results.reports.keep(path.report_id, body.reason, reporter())))


@blueprint.post("/seen", responses={204: None})
def note_report_seen(path: ReportPath) -> Response:
    """Note that the caller has seen the latest version"""
    services().results.reports.seen(path.report_id, reporter())
    return Response(status=204)
