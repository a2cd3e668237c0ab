"""Orthanc as the archive into which `ehr_bridge.services.intake.intake` stores."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BufferedIOBase, BytesIO
from typing import Any

from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.services.archive.file_digests import is_whole
from ehr_bridge.services.archive.holdings import HeldSeries, Holding, Raster, Usage
from ehr_bridge.services.archive.storing import Stored
from ehr_bridge.storage.compressed import uncompressed
from ehr_bridge.storage.files import Disk, FileStore, ObjectState
from ehr_bridge.storage.room import Room
from plugin.running.per_thread import PerThread
from plugin.storing.held import holding_of, series_from

BY_C_STORE = "DicomProtocol"
"""The origin that Orthanc stores with each instance (metadata 'Origin')."""
OF_THE_FILE = frozenset({3, 5, 8, 15, 21})
"""Orthanc's errors for a file that it cannot parse or index: parameter out of range, bad type of a parameter, bad
request, bad file format, missing tag. Other errors concern its disk, its quota or its database."""
GONE = frozenset({7, 17})
"""Orthanc's errors for what its index does not have: no such item, unknown resource (seen for each of our questions).
Any other error (a failed statement, a lost connection, no memory) says nothing about it."""
FILE_INFO = "attachments/dicom/info"
IS_COMPRESSED = "attachments/dicom/is-compressed"
DICOMWEB_METADATA = 4301
"""The attachment of a series in which the DICOMweb plugin caches the answer to a metadata request."""


class OrthancArchive:
    """Stores through Orthanc's own API, inside the process.

    While it stores an instance, Orthanc calls the ingest hooks on the same thread (docs/orthanc-facts.md); they ask
    here whether the instance is one of ours, which was already judged and coerced.
    """

    def __init__(self, orthanc: Any, files: FileStore, room: Room | None = None) -> None:
        """`files` is where Orthanc keeps its files; without `room` there is always some."""
        self._orthanc = orthanc
        self._files = files
        self._room = room
        self._storing = PerThread[bytes]()

    def store(self, data: bytes) -> Stored:
        """See `Archive.store`."""
        self._storing.put(data)
        try:
            answer = self._orthanc.RestApiPost("/instances", data)
        except self._orthanc.OrthancException as error:
            raise self._explain(error, data) from error
        finally:
            self._storing.take()
        stored = json.loads(answer)
        if not isinstance(stored, dict) or stored.get("Status") not in {"Success", "AlreadyStored"}:
            raise RefusedInstance("refused_by_archive", "Orthanc could not take this file; check that it is whole.")
        return Stored(stored["ID"], stored["ParentStudy"], stored["Status"] == "AlreadyStored")

    def is_storing(self) -> bool:
        """Whether this thread is currently storing through this object."""
        return self._storing.peek() is not None

    def parent_study(self, orthanc_instance_id: str) -> str:
        """Orthanc's id of an instance's study. Raises LookupError when the instance is gone."""
        return str(self._about(orthanc_instance_id, "study")["ID"])

    def sender_of(self, orthanc_instance_id: str) -> str | None:
        """The calling AE title of an instance received by C-STORE; None for any other way. Raises LookupError when the
        instance is gone."""
        told = self._about(orthanc_instance_id, "metadata?expand")
        return str(told.get("RemoteAET", "")) if told.get("Origin") == BY_C_STORE else None

    def sop_class_of(self, orthanc_instance_id: str) -> str | None:
        """The SOP Class UID of an instance; None when it is gone. Raises Unavailable when the index does not answer."""
        try:
            said: bytes = self._orthanc.RestApiGet(f"/instances/{orthanc_instance_id}/metadata/SopClassUid")
        except self._orthanc.OrthancException as error:
            if _is_gone(error):
                return None
            raise _does_not_answer() from error
        return said.decode("ascii", "replace").strip(" \0")

    def has(self, orthanc_instance_id: str, sop_instance_uid: str) -> bool:
        """See `Archive.has`."""
        return orthanc_instance_id in self.find("Instance", SOPInstanceUID=sop_instance_uid)

    def read(self, orthanc_instance_id: str) -> bytes:
        """The stored file, damaged or not. Raises LookupError when the instance or its file is gone, and Unavailable
        when the index, the object storage or the disk does not answer."""
        try:
            file: bytes = self._orthanc.RestApiGet(f"/instances/{orthanc_instance_id}/file")
        except self._orthanc.OrthancException as error:
            if _is_gone(error):
                raise LookupError(orthanc_instance_id) from error
            return self._past_orthanc(orthanc_instance_id)
        return file

    def _past_orthanc(self, orthanc_instance_id: str) -> bytes:
        """What Orthanc does not give out (a wrong MD5, a file that is not there), as it lies there."""
        try:
            with self.open(orthanc_instance_id) as file:
                return file.read()
        except NotADirectoryError as error:  # a disk that is not mounted
            raise _does_not_answer() from error
        except OSError as error:
            raise LookupError(orthanc_instance_id) from error

    def open(self, orthanc_instance_id: str) -> BufferedIOBase:
        """See `Archive.open`; bypasses Orthanc's cache."""
        about = self._about(orthanc_instance_id, FILE_INFO)
        file = self._files.open(about["Uuid"])
        # a compressed file that is no smaller may have kept its size to the byte
        if about["CompressedSize"] == about["UncompressedSize"] and not self._about(orthanc_instance_id, IS_COMPRESSED):
            return file
        with file:
            return BytesIO(uncompressed(file.read(), int(about["UncompressedSize"])))

    def file_of(self, orthanc_instance_id: str) -> str | None:
        """See `Holdings.file_of`."""
        try:
            return self._files.where(self._about(orthanc_instance_id, FILE_INFO)["Uuid"])
        except (LookupError, Unavailable):
            return None

    def space(self) -> Disk | None:
        """See `Holdings.space`."""
        return self._files.space()

    def has_room(self, size: int) -> bool:
        """See `Holdings.has_room`."""
        return self._room is None or self._room.has(size)

    def objects(self) -> ObjectState | None:
        """See `Holdings.objects`."""
        return self._files.state()

    def holds(self, orthanc_instance_id: str, digest: str | None) -> bool:
        """See `Archive.holds`. Without a known digest, Orthanc compares the MD5 that it keeps of older files."""
        if digest is None:
            return self._has_right_md5(orthanc_instance_id)
        try:
            with self.open(orthanc_instance_id) as file:
                return is_whole(file, digest)
        except (LookupError, OSError, ValueError, Unavailable):
            return False

    def _has_right_md5(self, orthanc_instance_id: str) -> bool:
        try:
            self._orthanc.RestApiPost(f"/instances/{orthanc_instance_id}/attachments/dicom/verify-md5", b"")
        except self._orthanc.OrthancException:
            return False
        return True

    def delete(self, orthanc_instance_id: str) -> None:
        """Delete an instance; one that is already gone is no error. Raises Unavailable when it is still there."""
        self.delete_resource(f"/instances/{orthanc_instance_id}")

    def delete_resource(self, path: str, proof: str = "") -> None:
        """Like `delete`, for any of Orthanc's resources; `path` + `proof` answers while it is there. What nobody can
        look for is not held for deleted."""
        try:
            self._orthanc.RestApiDelete(path)
        except self._orthanc.OrthancException as error:
            if self.look(path + proof) is not None:
                raise Unavailable("archive_unavailable", "The archive cannot delete at the moment.", 30) from error

    def instances_of(self, study_instance_uid: str) -> list[str]:
        """Orthanc's ids of all instances with this StudyInstanceUID, in all of Orthanc's studies."""
        return self.find("Instance", StudyInstanceUID=study_instance_uid)

    def refresh(self, study_instance_uid: str) -> None:
        """Update Orthanc's index, and what the DICOMweb plugin caches with each series, from the files.

        The index keeps the attributes of a study as its first instance had them, and the plugin's metadata (attachment
        4301) stays valid while the series has the same instances (docs/orthanc-facts.md). One instance is enough for
        the index: replaced instances have brought their own level with them.
        """
        for series in self.find("Series", StudyInstanceUID=study_instance_uid):
            try:
                first = json.loads(self._orthanc.RestApiGet(f"/series/{series}"))["Instances"][0]
                self._orthanc.RestApiPost(f"/instances/{first}/reconstruct", "{}")
            except (self._orthanc.OrthancException, IndexError) as error:
                if self.get(f"/series/{series}") is not None:
                    raise Unavailable("archive_unavailable", "The archive cannot index at the moment.", 30) from error
                continue
            self.delete_resource(f"/series/{series}/attachments/{DICOMWEB_METADATA}", "/size")

    def find(self, level: str, *, expand: bool = False, **uids: str) -> list[Any]:
        """Orthanc's ids of all resources with these UIDs, or with `expand` what it says of each. Raises Unavailable."""
        query = {"Level": level, "Query": uids, "Expand": expand}
        try:
            found: list[Any] = json.loads(self._orthanc.RestApiPost("/tools/find", json.dumps(query)))
        except self._orthanc.OrthancException as error:
            raise Unavailable("archive_unavailable", "The archive cannot search at the moment.", 30) from error
        return found

    def get(self, path: str) -> Any:
        """Like `look`; also None when the index does not answer."""
        try:
            return self.look(path)
        except Unavailable:
            return None

    def look(self, path: str) -> Any:
        """Orthanc's answer; None for what does not exist. Raises Unavailable when the index does not answer."""
        try:
            return json.loads(self._orthanc.RestApiGet(path))
        except self._orthanc.OrthancException as error:
            if _is_gone(error):
                return None
            raise _does_not_answer() from error

    def holdings(self, orthanc_study_id: str) -> list[Holding]:
        """See `Holdings.holdings`."""
        series = self.get(f"/studies/{orthanc_study_id}/series?expand") or []
        instances = self.get(f"/studies/{orthanc_study_id}/instances?expand") or []
        tags = {one["ID"]: one["MainDicomTags"] for one in series}
        return sorted((holding_of(one, tags.get(one["ParentSeries"], {})) for one in instances), key=lambda h: h.order)

    def series_of(self, study_instance_uid: str) -> list[HeldSeries]:
        """See `Holdings.series_of`. A series that is in two of Orthanc's studies counts as one."""
        found: dict[str, HeldSeries] = {}
        for series in self.find("Series", StudyInstanceUID=study_instance_uid, expand=True):
            held = series_from(series)
            other = found.get(held.series_instance_uid)
            if other is not None:
                together = held.number_of_instances + other.number_of_instances
                held = replace(other, number_of_instances=together)
            found[held.series_instance_uid] = held
        return sorted(found.values(), key=lambda held: held.order)

    def decode(self, data: bytes, frame: int) -> Raster:
        """See `Holdings.decode`."""
        try:
            image = self._orthanc.DecodeDicomImage(data, frame)
        except self._orthanc.OrthancException as error:
            raise LookupError(frame) from error
        formats = self._orthanc.PixelFormat
        known = {
            formats.GRAYSCALE8: ("uint8", 1),
            formats.GRAYSCALE16: ("uint16", 1),
            formats.SIGNED_GRAYSCALE16: ("int16", 1),
            formats.RGB24: ("uint8", 3),
            formats.RGB48: ("uint16", 3),
        }
        if image.GetImagePixelFormat() not in known:
            raise LookupError(frame)
        dtype, samples = known[image.GetImagePixelFormat()]
        width, height, pitch = image.GetImageWidth(), image.GetImageHeight(), image.GetImagePitch()
        pixels: bytes = image.GetImageBuffer()
        line = width * samples * int(dtype[-2:].lstrip("t")) // 8
        if pitch != line:
            pixels = b"".join(pixels[row * pitch : row * pitch + line] for row in range(height))
        return Raster(width, height, dtype, samples, pixels)

    def changes(self, since: int, limit: int) -> dict[str, Any]:
        """A page of Orthanc's log of changes. Raises Unavailable."""
        return self._ask(f"/changes?since={since}&limit={limit}")

    def last_change(self) -> int:
        """See `Holdings.last_change`; 0 when the log is empty."""
        return int(self._ask("/changes?last")["Last"])

    def tell_metric(self, name: str, value: int) -> None:
        """Publish a number among Orthanc's metrics."""
        self._orthanc.SetMetricsValue(name, float(value), self._orthanc.MetricsType.DEFAULT)

    def answers(self) -> bool:
        """Whether Orthanc and its index work. Raises Unavailable when not."""
        self.usage()
        return True

    def usage(self) -> Usage:
        """See `Holdings.usage`; Orthanc maintains these numbers."""
        said = self._ask("/statistics")
        names = ("TotalDiskSize", "TotalUncompressedSize", "CountStudies", "CountInstances")
        return Usage(*(int(said[name]) for name in names))

    def _ask(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] | None = self.get(path)
        if answer is None:
            raise _does_not_answer()
        return answer

    def _about(self, orthanc_instance_id: str, what: str) -> dict[str, Any]:
        """Raises LookupError when the instance is gone, and Unavailable when the index does not answer."""
        answer: dict[str, Any] | None = self.look(f"/instances/{orthanc_instance_id}/{what}")
        if answer is None:
            raise LookupError(orthanc_instance_id)
        return answer

    def _explain(self, error: Exception, data: bytes) -> RefusedInstance | Unavailable:
        """Tells a bad file from trouble of the archive (disk full, index away): by Orthanc's error code, or for an
        unknown one by whether Orthanc can read the file at all."""
        if OF_THE_FILE.isdisjoint(error.args[:1]):
            try:
                self._orthanc.CreateDicomInstance(data)
            except self._orthanc.OrthancException:
                pass
            else:
                return Unavailable("archive_unavailable", "The archive cannot store at the moment; try again.", 30)
        return RefusedInstance(
            "refused_by_archive", "Orthanc cannot read or index this file; export it again from its source."
        )


def _is_gone(error: Exception) -> bool:
    return not GONE.isdisjoint(error.args[:1])


def _does_not_answer() -> Unavailable:
    return Unavailable("archive_unavailable", "The archive does not answer; try again in a moment.", 30)
