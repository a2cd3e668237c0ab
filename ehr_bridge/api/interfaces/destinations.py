"""Destinations: other systems that are told what happens here."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from flask import Response
from pydantic import AfterValidator, Field, StringConstraints

from ehr_bridge.api.filters import PageQuery, Sort, Words, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, origin, services
from ehr_bridge.api.http.schemas import (
    EmptyIsNone,
    Input,
    ListOf,
    Model,
    Moment,
    Problem,
    Versioned,
    no_control_characters,
)
from ehr_bridge.api.interfaces.charsets import Charset
from ehr_bridge.api.writing.conditions import honours
from ehr_bridge.db.states import DestinationKind, Policy
from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.errors import NotFound
from ehr_bridge.services.delivery.destinations import SORTS, DestinationData
from ehr_bridge.services.delivery.kinds import EVENTS
from ehr_bridge.wrong_values import written

blueprint = Blueprint("destinations", "Interfaces", "/api/v1/destinations")
MOST_NETWORKS = 50

type EventType = Literal[
    "patient.created",
    "patient.changed",
    "patient.merged",
    "order.created",
    "order.changed",
    "order.cancelled",
    "order.status",
    "study.linked",
    "study.unlinked",
    "study.changed",
    "study.available",
    "study.deleted",
    "report.preliminary",
    "report.final",
    "report.amended",
    "report.withdrawn",
    "report.critical",
    "notice.created",
]


def web_address(text: str) -> str:
    """The text, if something can be sent there. Raises ValueError."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("an address such as https://ehr.example.org/events") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not re.fullmatch(r"[!-~]+", text):
        raise ValueError("an address such as https://ehr.example.org/events")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("an address without a user, a password and a fragment")
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:-]+", text):
        raise ValueError("an address or the name of a host, without a port")
    return text


def _token(text: str) -> str:
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("visible ASCII characters without blanks (RFC 6750)")
    return text


class DestinationPath(Input):
    name: str = Field(
        pattern=written(
            r"^[a-z0-9][a-z0-9-]{0,63}$", "a name of at most 64 small letters, digits and hyphens, not a hyphen first"
        ),
        description="What it is called here",
    )


class DestinationBody(Input):
    """Replaces what is registered. Secrets stay as they are where none is given."""

    kind: DestinationKind = Field(
        description="`webhook`: CloudEvents, signed as in Standard Webhooks, ids only; `hl7`: HL7 v2, MLLP; `fhir`: "
        "transactions for a FHIR R4 server"
    )
    url: Annotated[
        Annotated[str, StringConstraints(max_length=500), AfterValidator(web_address)] | None, EmptyIsNone
    ] = Field(None, description="Of the webhook, or the base address of the FHIR server")
    host: Annotated[Annotated[str, StringConstraints(max_length=255), AfterValidator(_host)] | None, EmptyIsNone] = (
        Field(None, description="Where HL7 is sent: an address or a name that leads to one")
    )
    port: int | None = Field(None, ge=1, le=65535, description="Where it listens for HL7")
    tls: bool = Field(False, description="HL7 is sent encrypted; the receiver's certificate must be valid")
    events: list[EventType] = Field(
        min_length=1, max_length=len(EVENTS), description="What it is told of, by the names of the events"
    )
    policy: Annotated[Policy | None, EmptyIsNone] = Field(
        None,
        description="When it refuses something: `block` holds all that follows back until somebody has decided, `skip` "
        "goes on. Left out: `skip` for webhooks, `block` for others",
    )
    allow_networks: list[Annotated[str, StringConstraints(max_length=50)]] = Field(
        default_factory=list,
        max_length=MOST_NETWORKS,
        description="Networks besides the public ones in which it may be, such as 10.20.0.0/16; only there it is sent "
        "something without encryption",
    )
    is_ehr: bool | None = Field(
        None,
        description="It speaks for every person, so is told of restricted patients too. Left out: all but webhooks do",
    )
    charset: Charset = Field(None, description="Character set of HL7 messages; left out: UTF-8")
    order_message: Annotated[Literal["ORM", "OMG"] | None, EmptyIsNone] = Field(
        None, description="Message that tells of an order's state: `ORM` (O01, also when left out) or `OMG` (O19)"
    )
    reports_from: Annotated[
        Annotated[str, StringConstraints(max_length=255), AfterValidator(no_control_characters)] | None, EmptyIsNone
    ] = Field(
        None,
        description="The sender of reports from outside that is the same system, by the name of its source, or as its "
        "messages name it in MSH-3: its own reports are not sent back to it",
    )
    token: Annotated[Annotated[str, StringConstraints(max_length=4096), AfterValidator(_token)] | None, EmptyIsNone] = (
        Field(None, description="Bearer token for the FHIR server; never shown again")
    )
    enabled: bool = Field(True, description="false: what happens waits for it")
    ca_certificates: Annotated[Annotated[str, StringConstraints(max_length=65_536)] | None, EmptyIsNone] = Field(
        None,
        description="Certificates in PEM of the authorities that are trusted there, and no others. Left out: those "
        "that the machine trusts. Its certificate is always verified",
    )
    description: Annotated[
        Annotated[str, StringConstraints(max_length=255), AfterValidator(no_control_characters)] | None, EmptyIsNone
    ] = None


class DestinationAnswer(Versioned):
    name: str
    kind: DestinationKind
    url: str | None
    host: str | None
    port: int | None
    tls: bool
    events: list[EventType] = Field(description="What it is told of")
    policy: Policy = Field(description="What happens when it refuses something")
    allow_networks: list[str] = Field(description="Networks besides the public ones in which it may be")
    is_ehr: bool = Field(description="It is told of restricted patients too")
    charset: str | None = Field(description="Character set of HL7 messages; null: UTF-8")
    order_message: str | None = Field(description="Message that tells of an order's state; null: ORM")
    reports_from: str | None = Field(description="The sender of reports from outside that is the same system")
    has_secret: bool = Field(description="Whether there is a secret to sign with, or a token")
    subscription: str | None = Field(
        description="Criteria of the FHIR Subscription that has made it and alone changes it; null: none has"
    )
    enabled: bool = Field(description="false: what happens waits for it")
    ca_certificates: str | None = Field(
        description="Certificates in PEM of the authorities that are trusted there; null: those that the machine trusts"
    )
    description: str | None
    created_at: Moment
    updated_at: Moment


class DestinationMade(DestinationAnswer):
    secret: str | None = Field(
        description="The secret with which webhooks are signed, where it was made by this request; shown only now"
    )


class SecretAnswer(Model):
    secret: str = Field(description="The new secret, shown only now")
    former_secret_until: Moment | None = Field(description="Until then webhooks are signed with the former one too")


class DestinationList(ListOf[DestinationAnswer]):
    pass


class DestinationQuery(PageQuery):
    q: Words = Field(None, description="A part of name, address or description")
    sort: Sort = sorted_by(SORTS)


def _tags(path: DestinationPath) -> list[str]:
    with suppress(NotFound):
        return [_shown(services().outbox.destinations.get(path.name)).etag()]
    return []


def _tags_of_told(path: DestinationPath, body: DestinationBody) -> list[str]:
    return _tags(path)


@blueprint.get("", responses={200: DestinationList, 422: Problem})
def list_destinations(query: DestinationQuery) -> Response:
    """Destinations, by name"""
    page = services().outbox.destinations.search(query.limit, query.offset, query.q, query.sort)
    return answer(DestinationList.of(page, _shown))


@blueprint.get("/<name>", responses={200: DestinationAnswer, 404: Problem, 422: Problem})
def get_destination(path: DestinationPath) -> Response:
    """One destination"""
    return answer(_shown(services().outbox.destinations.get(path.name)))


@blueprint.put(
    "/<name>",
    responses={200: DestinationMade, 201: DestinationMade, 400: Problem, 409: Problem, 415: Problem, 422: Problem},
)
@honours(_tags_of_told)
def put_destination(path: DestinationPath, body: DestinationBody) -> Response:
    """Register a destination, or replace what is registered of it; in effect within a second"""
    named = body.model_dump(exclude={"events", "allow_networks", "token"})
    data = DestinationData(**named, events=tuple(body.events), allow_networks=tuple(body.allow_networks))
    put = services().outbox.destinations.put(path.name, data, body.token, origin())
    shown = _shown(put.destination)
    response = answer(DestinationMade(**shown.model_dump(), secret=put.secret), 201 if put.is_new else 200)
    response.headers["ETag"] = shown.etag()  # of what GET shows, which has no secret
    return response


@blueprint.delete("/<name>", responses={204: None, 404: Problem, 422: Problem})
@honours(_tags)
def delete_destination(path: DestinationPath) -> Response:
    """Forget a destination and its deliveries; what waits for it is not sent"""
    services().outbox.destinations.remove(path.name, origin())
    return Response(status=204)


@blueprint.post("/<name>/secret", responses={200: SecretAnswer, 404: Problem, 409: Problem, 422: Problem})
def change_secret(path: DestinationPath) -> Response:
    """Give a webhook a new secret; for a day it is signed with both"""
    row, secret = services().outbox.destinations.renew_secret(path.name, origin())
    return answer(SecretAnswer(secret=secret, former_secret_until=row.former_secret_until))


@blueprint.post("/<name>/start", responses={200: DestinationAnswer, 404: Problem, 422: Problem})
def retry_destination(path: DestinationPath) -> Response:
    """Try a destination again now, also one that was given up"""
    return answer(_shown(services().outbox.destinations.start(path.name, origin())))


def _shown(row: Destination) -> DestinationAnswer:
    criteria = None if row.subscription is None else row.subscription["criteria"]
    told = {"has_secret": row.secret is not None, "subscription": criteria}
    own = {name: getattr(row, name) for name in DestinationAnswer.model_fields if name not in told}
    return DestinationAnswer(**own | told)
