"""What the archive holds of a study, and how to read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Holding:
    """One stored instance. Numbers as the file says, 0 when it does not."""

    orthanc_instance_id: str
    series_instance_uid: str
    sop_instance_uid: str
    modality: str
    series_number: int
    instance_number: int
    size_bytes: int

    @property
    def order(self) -> tuple[int, str, int, str]:
        """Series by series, as numbered."""
        return self.series_number, self.series_instance_uid, self.instance_number, self.sop_instance_uid


@dataclass(frozen=True, slots=True)
class Raster:
    """One decoded frame: rows from the top, without padding."""

    width: int
    height: int
    dtype: str
    """A numpy type: uint8, uint16, int16, uint32, float32."""
    samples: int
    data: bytes


class Holdings(Protocol):
    """The PACS, as far as reading needs it."""

    def holdings(self, orthanc_study_id: str) -> list[Holding]:
        """Every instance of a study, in `Holding.order`; empty when it is gone."""

    def read(self, orthanc_instance_id: str) -> bytes:
        """The stored file. Raises LookupError when the instance is gone."""

    def decode(self, data: bytes, frame: int) -> Raster:
        """One frame of a file, decoded by the archive. Raises LookupError when it cannot."""
