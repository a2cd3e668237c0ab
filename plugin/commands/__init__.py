"""What the command `ehr-bridge` does, one file per group. `plugin.cli` puts them together."""
