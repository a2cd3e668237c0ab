"""The settings of backups; part of `ehr_bridge.settings`."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr


class BackupSettings(BaseModel):
    """The alias of a field is its environment variable."""

    backup_password: SecretStr | None = Field(
        None,
        alias="EHR_BRIDGE_BACKUP_PASSWORD",
        min_length=8,
        description="Encrypts backups, 8 characters or more; without it nobody can restore them.",
    )
