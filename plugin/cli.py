"""The command `ehr-bridge` for administrators and developers (scripts/ehr-bridge)."""

from __future__ import annotations

import click

from plugin.commands.audit import audit
from plugin.commands.authorities import authorities
from plugin.commands.doctor import doctor
from plugin.commands.importing import import_folder
from plugin.commands.installation import read_settings
from plugin.commands.tokens import token
from plugin.commands.users import user


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data-dir", help="Data directory of the server (EHR_BRIDGE_DATA_DIR, ./var).")
@click.pass_context
def main(context: click.Context, data_dir: str | None) -> None:
    """Manage an installation of the EHR bridge. Settings come from the environment, as for the server."""
    context.obj = read_settings(data_dir)


for command in (user, token, authorities, import_folder, audit, doctor):
    main.add_command(command)


if __name__ == "__main__":
    main(prog_name="ehr-bridge")
