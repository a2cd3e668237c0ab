"""The issuers of MRNs at this site."""

from __future__ import annotations

from flask import Response
from pydantic import Field

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, services
from ehr_bridge.api.http.schemas import Model

blueprint = Blueprint("authorities", "Patients")


class AuthorityAnswer(Model):
    name: str = Field(description="As patients and orders have it as `issuer`")
    universal_id: str | None = Field(description="Its Universal Entity ID, such as an OID; null when it is not set up")


class AuthorityList(Model):
    items: list[AuthorityAnswer] = Field(description="Empty where all numbers are of one authority")


@blueprint.get("/authorities", responses={200: AuthorityList})
def list_authorities() -> Response:
    """The authorities that issue MRNs, if there are several"""
    known = services().patients.authorities
    items = [AuthorityAnswer(name=one.name, universal_id=one.universal_id or None) for one in known]
    return answer(AuthorityList(items=items))
