"""Registered modalities."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Protocol, cast

from flask import Response, current_app
from pydantic import AfterValidator, Field, StringConstraints

from ehr_bridge.api.filters import PageQuery, Sort, Words, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, origin, services
from ehr_bridge.api.http.schemas import (
    EmptyIsNone,
    Input,
    KeepsItsSpelling,
    ListOf,
    Model,
    Moment,
    Problem,
    Versioned,
    no_control_characters,
)
from ehr_bridge.api.interfaces.charsets import Charset
from ehr_bridge.api.writing.conditions import honours
from ehr_bridge.db.states import May
from ehr_bridge.errors import NotFound
from ehr_bridge.services.interfaces.modalities import SORTS, ModalityData

blueprint = Blueprint("modalities", "Interfaces", "/api/v1/modalities")
ECHO = "ehr_bridge_echo"


class EchoOutcome(Protocol):
    @property
    def ok(self) -> bool: ...
    @property
    def milliseconds(self) -> int: ...
    @property
    def error(self) -> str | None: ...


type Echoes = Callable[[str], EchoOutcome]
"""Sends a C-ECHO to the modality with this AE title."""


def _ae_title(text: str) -> str:
    if not re.fullmatch(r"[!-~]+", text) or set(text) & set("\\/"):
        raise ValueError("ASCII characters without blanks, slashes and backslashes (PS3.5 section 6.2, AE)")
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]+", text):
        raise ValueError("an IPv4 address or the name of a host, without a port")
    return text


AeTitle = Annotated[
    str,
    StringConstraints(min_length=1, max_length=16, strip_whitespace=True),
    AfterValidator(_ae_title),
    KeepsItsSpelling,
]


class ModalityPath(Input):
    ae_title: AeTitle = Field(description="Capitals and small letters are the same, as in Orthanc")


class ModalityBody(Input):
    """Replaces what is registered: what is left out of `may` it may not do."""

    host: Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_host)] = Field(
        description="Where it calls from and is called: an IPv4 address, or a name that leads to one"
    )
    port: int = Field(ge=1, le=65535, description="Where it listens, for C-ECHO and what is sent to it")
    may: list[May] = Field(
        max_length=len(May),
        description="`store` images, ask for the `worklist`, report with `mpps`, ask for storage `commit`ment; "
        "`send_to`: be sent images",
    )
    charset: Charset = Field(
        None, description="Its own character set, where that differs from `EHR_BRIDGE_WORKLIST_CHARSET`"
    )
    description: Annotated[
        Annotated[str, StringConstraints(max_length=255), AfterValidator(no_control_characters)] | None, EmptyIsNone
    ] = None


class ModalityAnswer(Versioned):
    ae_title: str = Field(description="What it calls itself")
    host: str = Field(description="Where it calls from and is called")
    port: int = Field(description="Where it listens")
    may: list[May] = Field(description="What it may do here, or be used for")
    charset: str | None = Field(description="Its own character set; null: as `EHR_BRIDGE_WORKLIST_CHARSET` says")
    description: str | None
    created_at: Moment
    updated_at: Moment


class ModalityList(ListOf[ModalityAnswer]):
    pass


class ModalityQuery(PageQuery):
    q: Words = Field(None, description="A part of AE title, host or description")
    may: Annotated[May | None, EmptyIsNone] = Field(None, description="Only those that may do this, or be used for it")
    sort: Sort = sorted_by(SORTS)


class EchoAnswer(Model):
    ok: bool = Field(description="Whether it answered with success")
    ms: int = Field(description="Milliseconds until it answered, or until nothing more was expected")
    error: str | None = Field(description="What to look at where it did not answer")


def _tags(path: ModalityPath) -> list[str]:
    with suppress(NotFound):
        return [ModalityAnswer.model_validate(services().modalities.get(path.ae_title)).etag()]
    return []


def _tags_of_told(path: ModalityPath, body: ModalityBody) -> list[str]:
    return _tags(path)


@blueprint.get("", responses={200: ModalityList, 422: Problem})
def list_modalities(query: ModalityQuery) -> Response:
    """Registered modalities, by AE title"""
    page = services().modalities.search(query.limit, query.offset, query.q, query.sort, query.may)
    return answer(ModalityList.of(page, ModalityAnswer.model_validate))


@blueprint.get("/<ae_title>", responses={200: ModalityAnswer, 404: Problem, 422: Problem})
def get_modality(path: ModalityPath) -> Response:
    """One registered modality"""
    return answer(ModalityAnswer.model_validate(services().modalities.get(path.ae_title)))


@blueprint.put(
    "/<ae_title>", responses={200: ModalityAnswer, 201: ModalityAnswer, 400: Problem, 415: Problem, 422: Problem}
)
@honours(_tags_of_told)
def put_modality(path: ModalityPath, body: ModalityBody) -> Response:
    """Register a modality, or replace what is registered of it; in effect at once"""
    data = ModalityData(body.host, body.port, tuple(body.may), body.charset, body.description)
    modality, is_new = services().modalities.put(path.ae_title, data, origin())
    return answer(ModalityAnswer.model_validate(modality), 201 if is_new else 200)


@blueprint.delete("/<ae_title>", responses={204: None, 404: Problem, 422: Problem})
@honours(_tags)
def delete_modality(path: ModalityPath) -> Response:
    """Forget a modality; what it has sent stays"""
    services().modalities.remove(path.ae_title, origin())
    return Response(status=204)


@blueprint.post("/<ae_title>/echo", responses={200: EchoAnswer, 404: Problem, 422: Problem})
def echo_modality(path: ModalityPath) -> Response:
    """Send the modality a C-ECHO, and say whether it answered"""
    modality = services().modalities.get(path.ae_title)
    outcome = cast(Echoes, current_app.extensions[ECHO])(modality.ae_title)
    return answer(EchoAnswer(ok=outcome.ok, ms=outcome.milliseconds, error=outcome.error))
