"""The settings of the disk with the images; part of `ehr_bridge.settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field


class DiskSettings(BaseModel):
    """The alias of a field is its environment variable."""

    dicom_storage_path: Path | None = Field(
        None,
        alias="DICOM_STORAGE_PATH",
        description="Folder of the images; `images` in the data dir when unset.",
    )
    storage_reserve_mb: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        None,
        alias="EHR_BRIDGE_STORAGE_RESERVE_MB",
        description="Free space below which no images are taken.",
    )
    storage_compression: bool = Field(
        False,
        alias="EHR_BRIDGE_STORAGE_COMPRESSION",
        description="Orthanc compresses the files of images that come from now on (zlib).",
    )

    @property
    def storage_reserve_bytes(self) -> int | None:
        return None if self.storage_reserve_mb is None else self.storage_reserve_mb * 1_000_000
