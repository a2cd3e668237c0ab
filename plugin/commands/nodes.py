"""`ehr-bridge forget-node`: a node that is gone and does not come back."""

from __future__ import annotations

import click

from ehr_bridge.db.states import NodeState
from ehr_bridge.services.nodes.register import Seen
from ehr_bridge.settings import Settings
from plugin.commands.installation import opened
from plugin.commands.users import operator


@click.command("forget-node")
@click.argument("name")
@click.pass_obj
def forget_node(settings: Settings, name: str) -> None:
    """Say that the node NAME is gone and stays away: nobody is told any more that it is lost."""
    with opened(settings, create=False) as services:
        state = services.nodes.forget(name, operator())
    if state is None:
        raise click.ClickException(f"there is no node named {name}; doctor and the System page list them")
    if state not in (NodeState.ENDED, Seen.LOST):
        raise click.ClickException(
            f"{name} runs, or was seen a moment ago ({state}); stop it first. Nothing was changed"
        )
    click.echo(f"{name} is forgotten; if it starts again, it is listed again")
