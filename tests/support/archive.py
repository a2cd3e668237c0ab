"""An archive in memory that answers as Orthanc does: the same ids, and duplicates."""

from __future__ import annotations

import hashlib
import io

import pydicom

from ehr_bridge.dicom import read_header
from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.services.archive.file_digests import is_whole
from ehr_bridge.services.archive.holdings import HeldSeries, Holding, Raster, Usage
from ehr_bridge.services.archive.storing import Stored
from ehr_bridge.storage.files import Disk, ObjectState


class FakeArchive:
    def __init__(self) -> None:
        self.instances: dict[str, bytes] = {}
        self.studies: dict[str, str] = {}
        self.refreshed: list[str] = []
        self.senders: dict[str, str] = {}
        """Calling AE titles of what came by C-STORE."""
        self.told: list[str] = []
        """Every instance there ever was, as the list of changes tells them."""
        self.refuses: RefusedInstance | Unavailable | None = None
        self.disk: Disk | None = Disk(600, 1000)
        self.is_full = False
        self.in_bucket: ObjectState | None = None

    def store(self, data: bytes) -> Stored:
        if self.refuses is not None:
            raise self.refuses
        header = read_header(data)
        levels = [header.patient_id, header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid]
        instance, study = orthanc_id(*levels), orthanc_id(*levels[:2])
        duplicate = instance in self.instances
        self.studies[instance] = study
        self.instances.setdefault(instance, data)
        return Stored(instance, study, duplicate)

    def holdings(self, orthanc_study_id: str) -> list[Holding]:
        found = []
        for key, data in self.instances.items():
            header = read_header(data)
            if orthanc_id(header.patient_id, header.study_instance_uid) == orthanc_study_id:
                ds = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
                numbers = int(ds.get("SeriesNumber") or 0), int(ds.get("InstanceNumber") or 0)
                uids = header.series_instance_uid, header.sop_instance_uid
                found.append(Holding(key, *uids, header.modality, *numbers, len(data)))
        return sorted(found, key=lambda holding: holding.order)

    def series_of(self, study_instance_uid: str) -> list[HeldSeries]:
        found: dict[str, HeldSeries] = {}
        for instance in self.instances_of(study_instance_uid):
            ds = pydicom.dcmread(io.BytesIO(self.instances[instance]), stop_before_pixels=True)
            uid, number = str(ds.SeriesInstanceUID), ds.get("SeriesNumber")
            before = found[uid].number_of_instances if uid in found else 0
            said = None if number is None else int(number)
            found[uid] = HeldSeries(uid, said, ds.Modality, str(ds.get("SeriesDescription", "")), before + 1)
        return sorted(found.values(), key=lambda held: held.order)

    def usage(self) -> Usage:
        if isinstance(self.refuses, Unavailable):
            raise self.refuses
        studies = len(set(self.studies.values()))
        size = sum(map(len, self.instances.values()))
        return Usage(size, size, studies, len(self.instances))

    def answers(self) -> bool:
        self.usage()
        return True

    def file_of(self, orthanc_instance_id: str) -> str | None:
        return f"aa/bb/{orthanc_instance_id}" if orthanc_instance_id in self.instances else None

    def space(self) -> Disk | None:
        return self.disk

    def has_room(self, _size: int) -> bool:
        return not self.is_full

    def objects(self) -> ObjectState | None:
        return self.in_bucket

    def last_change(self) -> int:
        return len(self.instances)

    def decode(self, data: bytes, frame: int) -> Raster:
        raise LookupError(frame)

    def read(self, orthanc_instance_id: str) -> bytes:
        try:
            return self.instances[orthanc_instance_id]
        except KeyError as error:
            raise LookupError(orthanc_instance_id) from error

    def has(self, orthanc_instance_id: str, sop_instance_uid: str) -> bool:
        return orthanc_instance_id in self.instances

    def open(self, orthanc_instance_id: str) -> io.BufferedIOBase:
        return io.BytesIO(self.read(orthanc_instance_id))

    def holds(self, orthanc_instance_id: str, digest: str | None) -> bool:
        if digest is None or orthanc_instance_id not in self.instances:
            return orthanc_instance_id in self.instances
        return is_whole(self.open(orthanc_instance_id), digest)

    def delete(self, orthanc_instance_id: str) -> None:
        self.instances.pop(orthanc_instance_id, None)

    def instances_of(self, study_instance_uid: str) -> list[str]:
        return [i for i, data in self.instances.items() if read_header(data).study_instance_uid == study_instance_uid]

    def sender_of(self, orthanc_instance_id: str) -> str | None:
        self.read(orthanc_instance_id)
        return self.senders.get(orthanc_instance_id)

    def parent_study(self, orthanc_instance_id: str) -> str:
        self.read(orthanc_instance_id)
        return self.studies[orthanc_instance_id]

    def refresh(self, study_instance_uid: str) -> None:
        self.refreshed.append(study_instance_uid)


def orthanc_id(*levels: str) -> str:
    """Orthanc's identifier: SHA-1 of the DICOM identifiers joined by |, in groups of eight."""
    digest = hashlib.sha1("|".join(levels).encode()).hexdigest()
    return "-".join(digest[i : i + 8] for i in range(0, 40, 8))
