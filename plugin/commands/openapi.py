"""`ehr-bridge openapi`: the API's description, for tools that check it or generate clients."""

from __future__ import annotations

import json

import click

from ehr_bridge.api.app import openapi_document
from ehr_bridge.settings import Settings


@click.command()
@click.pass_obj
def openapi(settings: Settings) -> None:
    """Write the OpenAPI document as this installation answers it. Needs no running server."""
    click.echo(json.dumps(openapi_document(has_basic=settings.username is not None), indent=2, ensure_ascii=False))
