"""What Orthanc's own answers come to: series, and how much there is."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.storage.compressed import uncompressed
from ehr_bridge.storage.folder import FolderFiles
from plugin.storing.archive import OrthancArchive
from plugin.storing.purging import PurgingArchive

FOLDER = FolderFiles(Path("/nowhere"))


class OrthancException(Exception):
    pass


def orthanc(found: list[dict[str, Any]] | None = None, **answers: dict[str, Any]) -> Any:
    """An Orthanc that finds this and answers those paths; anything else is refused."""

    def get(path: str) -> str:
        if path.strip("/") not in answers:
            raise OrthancException
        return json.dumps(answers[path.strip("/")])

    def post(path: str, _body: str) -> str:
        if path != "/tools/find" or found is None:
            raise OrthancException
        return json.dumps(found)

    return SimpleNamespace(OrthancException=OrthancException, RestApiGet=get, RestApiPost=post)


def series(uid: str, images: int, **tags: str) -> dict[str, Any]:
    return {"MainDicomTags": {"SeriesInstanceUID": uid} | tags, "Instances": ["i"] * images}


def test_series_stand_as_numbered_and_say_what_they_say() -> None:
    """Numbers count as numbers; what is no number, or missing, comes last and breaks nothing."""
    found = [
        series("1.10", 3, SeriesNumber="10 ", Modality="CT", SeriesDescription="<b>axial</b>"),
        series("1.2", 1, SeriesNumber="2"),
        series("1.0", 1),
    ]
    listed = OrthancArchive(orthanc(found), FOLDER).series_of("1")
    assert [(s.series_instance_uid, s.number, s.number_of_instances) for s in listed] == [
        ("1.2", 2, 1),
        ("1.10", 10, 3),
        ("1.0", None, 1),
    ]
    assert (listed[1].modality, listed[1].description) == ("CT", "<b>axial</b>")


def test_a_series_in_two_of_orthancs_studies_is_one() -> None:
    """Orthanc keeps a study of two patient numbers apart; people see one series with all its images."""
    found = [series("1.1", 3, SeriesNumber="1"), series("1.1", 2, SeriesNumber="1")]
    (one,) = OrthancArchive(orthanc(found), FOLDER).series_of("1")
    assert one.number_of_instances == 5


def test_how_much_there_is_comes_from_orthancs_own_count() -> None:
    """Sizes are text there, because they may be larger than JavaScript's numbers."""
    said = {
        "TotalDiskSize": "12000000000000",
        "TotalUncompressedSize": "23000000000000",
        "CountStudies": 4,
        "CountInstances": 9,
        "CountPatients": 3,
    }
    usage = OrthancArchive(orthanc(statistics=said), FOLDER).usage()
    assert (usage.size_bytes, usage.number_of_studies, usage.number_of_instances) == (12_000_000_000_000, 4, 9)


def test_an_orthanc_that_refuses_is_not_an_empty_archive() -> None:
    """Nothing is known then."""
    archive = OrthancArchive(orthanc(), FOLDER)
    for ask in (archive.usage, archive.last_change, archive.answers, lambda: archive.series_of("1")):
        with pytest.raises(Unavailable):
            ask()


@pytest.mark.parametrize(
    ("code", "is_readable", "kind", "expected"),
    [
        (15, True, RefusedInstance, "refused_by_archive"),
        (5, True, RefusedInstance, "refused_by_archive"),
        (3, True, RefusedInstance, "refused_by_archive"),
        (21, True, RefusedInstance, "refused_by_archive"),
        (-1, False, RefusedInstance, "refused_by_archive"),
        (-1, True, Unavailable, "archive_unavailable"),
        (14, True, Unavailable, "archive_unavailable"),
        (19, True, Unavailable, "archive_unavailable"),
        (36, True, Unavailable, "archive_unavailable"),
        (2000, True, Unavailable, "archive_unavailable"),
    ],
)
def test_a_file_at_fault_is_told_from_an_archive_in_trouble(
    code: int, is_readable: bool, kind: type[RefusedInstance | Unavailable], expected: str
) -> None:
    """By Orthanc's own code: bad format, bad type, missing tag; or disk full, quota, database away, folder gone."""

    def refuse(_path: str, _data: bytes) -> str:
        raise OrthancException(code, "as Orthanc says it")

    def read(_data: bytes) -> object:
        if not is_readable:
            raise OrthancException(15, "Bad file format")
        return object()

    fake = SimpleNamespace(OrthancException=OrthancException, RestApiPost=refuse, CreateDicomInstance=read)
    with pytest.raises(kind) as raised:
        OrthancArchive(fake, FOLDER).store(b"a file")
    assert raised.value.code == expected


def test_a_file_that_orthanc_holds_for_damaged_is_read_as_it_lies_there(tmp_path: Path) -> None:
    """Orthanc 1.13 does not give it out; older ones do, and who reads it judges it. A file that is not there is gone; a
    folder that is not there may be back in a minute."""
    code = 20

    def get(path: str) -> str:
        if path.endswith("/info"):
            return json.dumps({"Uuid": "abcd1234", "CompressedSize": "7", "UncompressedSize": "7"})
        if path.endswith("/is-compressed"):
            return "0"
        raise OrthancException(code, "as Orthanc says it")

    archive = OrthancArchive(SimpleNamespace(OrthancException=OrthancException, RestApiGet=get), FolderFiles(tmp_path))
    with pytest.raises(Unavailable):
        archive.read("an-id")
    file = tmp_path / "ab" / "cd" / "abcd1234"
    file.parent.mkdir(parents=True)
    with pytest.raises(LookupError):
        archive.read("an-id")
    code = 2006  # no regular file, as 1.12 says it
    with pytest.raises(LookupError):
        archive.read("an-id")
    file.write_bytes(b"damaged")
    assert archive.read("an-id") == b"damaged"
    code = 17  # unknown resource
    with pytest.raises(LookupError):
        archive.read("an-id")


@pytest.mark.parametrize("code", [4, 11, 36, 42])
def test_an_image_is_not_gone_because_the_index_does_not_answer(code: int) -> None:
    """PostgreSQL is being restarted, or has ended one statement: what was sent is still recorded when it is back, and
    what was to be deleted is deleted then, not held for deleted."""

    def refuse(_path: str) -> str:
        raise OrthancException(code, "as Orthanc says it")

    fake = SimpleNamespace(OrthancException=OrthancException, RestApiGet=refuse, RestApiDelete=refuse)
    archive = OrthancArchive(fake, FOLDER)
    for act in (archive.read, archive.parent_study, archive.sender_of, archive.sop_class_of, archive.delete):
        with pytest.raises(Unavailable):
            act("an-id")
    assert archive.get("/studies/an-id") is None and archive.file_of("an-id") is None


def test_a_study_is_not_purged_because_the_index_does_not_answer(tmp_path: Path) -> None:
    """It was found, and then the index went away: its files stay, and the purge goes on later."""

    def refuse(_path: str) -> str:
        raise OrthancException(36, "as Orthanc says it")

    fake = SimpleNamespace(OrthancException=OrthancException, RestApiPost=lambda _path, _body: '["an-id"]')
    fake.RestApiGet = fake.RestApiDelete = refuse
    purging = PurgingArchive(OrthancArchive(fake, FOLDER), FOLDER, tmp_path)
    with pytest.raises(Unavailable):
        purging.delete_study("1.2.3", lambda: None)


@pytest.mark.parametrize("content", [b"", b"x", b"pixels" * 9_000])
def test_a_compressed_file_is_read_past_orthancs_cache(content: bytes) -> None:
    """One that is damaged anywhere, in its size or check sum too, is not what was stored."""
    kept = len(content).to_bytes(8, "little") + zlib.compress(content)
    assert uncompressed(kept, len(content)) == content
    for at in (0, 8, len(kept) - 1):
        damaged = kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :]
        assert uncompressed(damaged, len(content)) == damaged
    assert uncompressed(kept[:-1], len(content)) == kept[:-1]
    assert uncompressed(kept, len(content) + 1) == kept
