"""The command `ehr-bridge` for administrators and developers (scripts/ehr-bridge)."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "user": "users:user",
    "token": "tokens:token",
    "check-token": "token_check:check_token",
    "bucket": "plugin.storing.leftovers:bucket",
    "authorities": "authorities:authorities",
    "forget-node": "nodes:forget_node",
    "import": "importing:import_folder",
    "load": "loading:load",
    "audit": "audit:audit",
    "doctor": "plugin.commands.doctor.examining:doctor",
    "openapi": "openapi:openapi",
    "retention": "retention:retention",
    "selftest": "selftest:selftest",
    "to-postgresql": "plugin.moving.command:to_postgresql",
}
"""Module, below plugin.commands unless it has a folder of its own, and the command in it."""


class Commands(click.Group):
    """Loads the command that is called and no other: half of a short command's time would be loading what it does not
    use."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Their names, in order."""
        return sorted(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command with this name, loaded now."""
        if name not in COMMANDS:
            return None
        module, command = COMMANDS[name].split(":")
        found: click.Command = getattr(import_module(module if "." in module else f"plugin.commands.{module}"), command)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data-dir", help="Data directory of the server (EHR_BRIDGE_DATA_DIR, ./var).")
@click.pass_context
def main(context: click.Context, data_dir: str | None) -> None:
    """Manage an installation of the EHR bridge. Settings come from the environment, as for the server."""
    from plugin.commands.installation import read_settings

    context.obj = read_settings(data_dir)


if __name__ == "__main__":
    main(prog_name="ehr-bridge")
