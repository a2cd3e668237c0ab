"""The command `ehr-bridge`, one file per group; `plugin.cli` combines them."""
