"""The settings of backups; part of `ehr_bridge.settings`."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr

from ehr_bridge.wrong_values import written


class BackupSettings(BaseModel):
    """The alias of a field is its environment variable."""

    backup_enabled: bool = Field(
        False, alias="DICOM_BACKUP_ENABLED", description="1: the server makes a backup every day."
    )
    backup_path: str | None = Field(
        None, alias="DICOM_BACKUP_PATH", min_length=1, description="Repository of the daily backup, as restic names it."
    )
    backup_at: str = Field(
        "02:00",
        alias="EHR_BRIDGE_BACKUP_AT",
        pattern=written(r"^([01][0-9]|2[0-3]):[0-5][0-9]$", "a time of day from 00:00 to 23:59"),
        description="When the daily backup begins, in EHR_BRIDGE_TIME_ZONE.",
    )
    backup_password: SecretStr | None = Field(
        None,
        alias="EHR_BRIDGE_BACKUP_PASSWORD",
        min_length=8,
        description="Encrypts backups, 8 characters or more; without it nobody can restore them.",
    )

    @property
    def lacks_backup_settings(self) -> bool:
        return self.backup_enabled and (self.backup_path is None or self.backup_password is None)
