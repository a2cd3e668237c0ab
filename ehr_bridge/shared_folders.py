"""The folder that all nodes of an archive share: files that are in no archive for a moment, or for long.

It is inside the folder of the images, so those who share the images share it too; part of `ehr_bridge.settings`.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from ehr_bridge.disk_settings import DiskSettings

OURS = "ehr-bridge"
"""In the folder of the images, where Orthanc's own folders have names of two digits."""


class SharedFolders(DiskSettings):
    """The alias of a field is its environment variable."""

    data_dir: Path = Field(Path("var"), alias="EHR_BRIDGE_DATA_DIR", description="Database, images, secrets.")
    shared_dir: Path | None = Field(
        None,
        alias="EHR_BRIDGE_SHARED_DIR",
        description=f"Folder that all nodes share for files outside the archive; `{OURS}` in that of the images when "
        "unset.",
    )

    @property
    def storage_path(self) -> Path:
        return self.dicom_storage_path or self.data_dir / "images"

    @property
    def shared_path(self) -> Path:
        return self.shared_dir or self.storage_path / OURS

    @property
    def modifying_path(self) -> Path:
        return self.shared_path / "modifying"

    @property
    def quarantine_path(self) -> Path:
        return self.shared_path / "quarantine"

    @property
    def rejected_path(self) -> Path:
        return self.shared_path / "rejected"

    @property
    def purge_journal_path(self) -> Path:
        return self.shared_path / "purge"

    @property
    def node_path(self) -> Path:
        """The folder of this node alone that has its name."""
        return self.data_dir / "modifying"
