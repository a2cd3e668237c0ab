"""Images that wait on this disk for a bucket: nothing answered is lost, nothing removed comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import Any

import pytest

from ehr_bridge.errors import Unavailable
from ehr_bridge.storage import cache, objects
from ehr_bridge.storage.cache import Cache
from ehr_bridge.storage.files import Disk
from ehr_bridge.storage.folder import path_of
from ehr_bridge.storage.objects import ObjectFiles
from tests.support.steps import eventually

NAME, OTHER = "abcd1234-0000-4000-8000-000000000000", "ef001234-0000-4000-8000-000000000000"
LIMIT = 1000


class FakeBucket:
    """A bucket in memory that can be away, and slow."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.marks: set[str] = set()
        self.is_away = False
        self.may_put = threading.Event()
        self.may_put.set()
        self.reads = 0

    def _answer(self) -> None:
        if self.is_away:
            raise Unavailable("archive_unavailable", "away")

    def put(self, name: str, file: Path) -> None:
        data = file.read_bytes()
        self.may_put.wait(60)
        self._answer()
        self.held[name] = data

    def read(self, name: str) -> bytes:
        self._answer()
        self.reads += 1
        try:
            return self.held[name]
        except KeyError:
            raise FileNotFoundError(name) from None

    def open(self, name: str) -> BufferedIOBase:
        return BytesIO(self.read(name))

    def has(self, name: str) -> bool:
        self._answer()
        return name in self.held

    def delete(self, name: str) -> None:
        self._answer()
        self.held.pop(name, None)

    def mark_removed(self, name: str) -> None:
        self.marks.add(name)

    def marked(self) -> list[Any]:
        self._answer()
        return [objects_marker(name) for name in sorted(self.marks)]

    def unmark(self, name: str) -> None:
        self.marks.discard(name)

    def where(self, name: str) -> str:
        return f"s3://images/{path_of(name)}"


def objects_marker(name: str) -> Any:
    from ehr_bridge.storage.bucket import Marker

    return Marker(name, 0.0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(objects, "LONGEST_PAUSE", 0.05)


def node(folder: Path, bucket: Any, name: str = "one", cache_bytes: int = LIMIT) -> ObjectFiles:
    return ObjectFiles(bucket, folder / name, Cache(folder / f"{name}-cache", cache_bytes, 0), LIMIT, threads=2)


@contextmanager
def at_work(files: ObjectFiles) -> Iterator[ObjectFiles]:
    files.start()
    try:
        yield files
    finally:
        files.stop()


def lying(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def all_there(files: ObjectFiles) -> bool:
    state = files.state()
    return (state.waiting, state.removing, state.error) == (0, 0, None)


def test_a_stored_image_is_read_at_once_and_is_in_the_bucket_soon(tmp_path: Path) -> None:
    """From this disk at first; afterwards nothing of it waits."""
    bucket = FakeBucket()
    files = node(tmp_path, bucket)
    files.create(NAME, b"an image")
    assert files.read(NAME) == files.open(NAME).read() == b"an image"
    assert bucket.held == {}
    with at_work(files):
        eventually(lambda: all_there(files))
    assert bucket.held == {NAME: b"an image"}
    assert lying(tmp_path / "one") == []
    assert files.read(NAME) == b"an image"


def test_what_a_killed_server_left_is_put_by_the_next(tmp_path: Path) -> None:
    """A file that was not whole yet was never answered: it is no image."""
    node(tmp_path, FakeBucket()).create(NAME, b"an image")
    (tmp_path / "one" / "waiting" / f"{OTHER}.part").write_bytes(b"half")
    bucket = FakeBucket()
    with at_work(node(tmp_path, bucket)) as files:
        eventually(lambda: all_there(files))
    assert bucket.held == {NAME: b"an image"}


def test_while_the_bucket_is_away_images_are_stored_and_read_and_go_there_when_it_is_back(tmp_path: Path) -> None:
    """Those of before from the copies on this disk; what has none is not known to be lost."""
    bucket = FakeBucket()
    bucket.held[OTHER] = b"an old one"
    files = node(tmp_path, bucket)
    with at_work(files):
        files.create(NAME, b"a recent one")
        eventually(lambda: all_there(files))
        bucket.is_away = True
        files.create("00001234-1", b"a new one")
        eventually(lambda: files.state().error)
        state = files.state()
        assert (state.waiting, state.waiting_bytes) == (1, len(b"a new one"))
        assert state.oldest_at is not None and state.failing_since is not None
        assert (files.read(NAME), files.read("00001234-1")) == (b"a recent one", b"a new one")
        with pytest.raises(Unavailable):
            files.read(OTHER)
        with pytest.raises(Unavailable):
            files.open(NAME)  # whoever judges a file reads the one that counts
        bucket.is_away = False
        eventually(lambda: all_there(files))
    assert bucket.held["00001234-1"] == b"a new one"
    assert files.read(OTHER) == b"an old one"


def test_no_more_is_stored_than_may_wait(tmp_path: Path) -> None:
    """Then senders are refused, until the bucket has taken what waits."""
    bucket = FakeBucket()
    bucket.is_away = True
    files = node(tmp_path, bucket)
    files.create(NAME, b"x" * 900)
    assert files.has_room(100)
    assert not files.has_room(101)
    bucket.is_away = False
    with at_work(files):
        eventually(lambda: files.has_room(101))


def test_an_image_removed_while_it_is_put_does_not_stay(tmp_path: Path) -> None:
    """Its removal waits for the put; one removed before is never put; removing twice is removing."""
    bucket = FakeBucket()
    bucket.may_put.clear()
    files = node(tmp_path, bucket)
    with at_work(files):
        files.create(NAME, b"an image")
        eventually(lambda: files._waiting.taken)
        files.remove(NAME)
        files.remove(NAME)
        with pytest.raises(FileNotFoundError):
            files.read(NAME)
        bucket.may_put.set()
        eventually(lambda: all_there(files))
        assert bucket.held == {}
        files.remove(NAME)
        assert files.state().removing == 0
    assert lying(tmp_path) == []


def test_a_removal_outlives_the_process_and_an_outage(tmp_path: Path) -> None:
    """It is on the disk before anybody is told that the image is gone."""
    bucket = FakeBucket()
    bucket.held[NAME] = b"an image"
    bucket.is_away = True
    files = node(tmp_path, bucket)
    files.remove(NAME)
    assert node(tmp_path, bucket)._removing.has(NAME)
    with at_work(node(tmp_path, bucket)) as later:
        eventually(lambda: later.state().error)
        bucket.is_away = False
        eventually(lambda: all_there(later))
    assert bucket.held == {}


def test_what_another_node_has_removed_does_not_come_from_here(tmp_path: Path) -> None:
    """It waited on this node's disk, where the other could not see it."""
    bucket = FakeBucket()
    here, there = node(tmp_path, bucket, "one"), node(tmp_path, bucket, "two")
    here.create(NAME, b"an image")
    with at_work(there):
        there.remove(NAME)
        eventually(lambda: all_there(there))
    assert bucket.marks == {NAME}
    here.follow_removals()
    with at_work(here):
        eventually(lambda: all_there(here))
    assert bucket.held == {}


def test_nodes_that_share_the_folder_take_over_from_one_that_is_dead(tmp_path: Path) -> None:
    """And read what waits there before that."""
    bucket = FakeBucket()
    node(tmp_path, bucket).create(NAME, b"an image")
    other = ObjectFiles(bucket, tmp_path / "one", Cache(tmp_path / "c", 0, 0), LIMIT, threads=2)  # type: ignore[arg-type]
    assert other.read(NAME) == b"an image"
    with at_work(other):
        eventually(lambda: all_there(other))
    assert bucket.held == {NAME: b"an image"}


def test_an_image_removed_by_one_node_while_another_puts_it_does_not_stay(tmp_path: Path) -> None:
    """They share the folder in which it waited; the put may end after the removal, which is therefore followed."""
    bucket = FakeBucket()
    putting = node(tmp_path, bucket)
    removing = ObjectFiles(bucket, tmp_path / "one", Cache(tmp_path / "c", 0, 0), LIMIT, threads=2)  # type: ignore[arg-type]
    with at_work(putting), at_work(removing):  # the other has looked around before there was an image
        bucket.may_put.clear()
        putting.create(NAME, b"an image")
        eventually(lambda: putting._waiting.taken)
        removing.remove(NAME)
        eventually(lambda: all_there(removing))
        assert bucket.held == {}
        bucket.may_put.set()
        eventually(lambda: all_there(putting))
    assert bucket.held == {NAME: b"an image"}  # the put has ended after the removal
    putting.follow_removals()
    assert bucket.held == {}


def test_while_the_folder_is_not_mounted_nothing_is_missing_and_nothing_stored(tmp_path: Path) -> None:
    """What waits there is nowhere else."""
    bucket, mark = FakeBucket(), tmp_path / "one" / "ehr-bridge.id"
    files = ObjectFiles(bucket, tmp_path / "one", Cache(tmp_path / "c", 0, 0), LIMIT, mark=mark)  # type: ignore[arg-type]
    for ask in (files.read, files.open):
        with pytest.raises(Unavailable):
            ask(NAME)
    with pytest.raises(OSError, match="away"):
        files.create(NAME, b"an image")
    mark.parent.mkdir()
    mark.touch()
    for ask in (files.read, files.open):
        with pytest.raises(FileNotFoundError):
            ask(NAME)
    files.create(NAME, b"an image")
    assert files.read(NAME) == b"an image"


def test_images_of_a_time_without_a_bucket_are_read_and_move_up(tmp_path: Path) -> None:
    """From the folder in which Orthanc kept them."""
    place = tmp_path / "one" / path_of(NAME)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"an image of before")
    bucket = FakeBucket()
    files = node(tmp_path, bucket)
    assert files.read(NAME) == files.open(NAME).read() == b"an image of before"
    with at_work(files):
        eventually(lambda: bucket.held == {NAME: b"an image of before"} and all_there(files))
    assert lying(tmp_path / "one") == []


def test_a_copy_that_the_disk_has_changed_is_not_shown(tmp_path: Path) -> None:
    """It is named for its bytes; the one in the bucket counts."""
    bucket = FakeBucket()
    bucket.held[NAME] = b"an image"
    files = node(tmp_path, bucket)
    assert files.read(NAME) == files.read(NAME) == b"an image"
    assert bucket.reads == 1
    (copy,) = (tmp_path / "one-cache").iterdir()
    copy.write_bytes(b"an imagE")
    assert files.read(NAME) == b"an image"
    assert bucket.reads == 2


def test_copies_take_no_more_room_than_they_may(tmp_path: Path) -> None:
    """Those read longest ago go first; a restart knows which are there."""
    bucket = FakeBucket()
    bucket.held |= {NAME: b"x" * 60, OTHER: b"y" * 60}
    files = node(tmp_path, bucket, cache_bytes=100)
    files.read(NAME)
    files.read(OTHER)
    assert [name.partition(".")[0] for name in lying(tmp_path / "one-cache")] == [OTHER]
    again = Cache(tmp_path / "one-cache", 100, 0)
    again.scan()
    assert (again.get(OTHER), again.get(NAME)) == (b"y" * 60, None)


def test_copies_leave_free_what_images_and_rows_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the reserve: copies never close a door, and go when others fill the disk."""
    of_others, folder = [0], tmp_path / "copies"

    def disk_of(_folder: Path) -> Disk:
        lying_there = sum(path.stat().st_size for path in folder.iterdir())
        return Disk(1000 - of_others[0] - lying_there, 1000)

    monkeypatch.setattr(cache, "disk_of", disk_of)
    copies = Cache(folder, 10_000, 200)
    for number in range(4):
        copies.keep(f"{number}-image", b"x" * 250)
    assert [copies.get(f"{number}-image") is not None for number in range(4)] == [False, False, True, True]
    of_others[0] = 300
    files = ObjectFiles(FakeBucket(), tmp_path, copies, LIMIT)  # type: ignore[arg-type]
    files.look_around()
    assert [path.name.partition(".")[0] for path in folder.iterdir()] == ["3-image"]
    of_others[0] = 900
    copies.keep("4-image", b"x")
    assert lying(folder) == []


@pytest.mark.parametrize("is_older", [True, False])
def test_a_file_that_moves_while_it_is_looked_for_is_no_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_older: bool
) -> None:
    """Out of the folder of before, or into the bucket: whoever judges it finds it at every moment."""
    files, really = node(tmp_path, FakeBucket()), Path.open
    place = tmp_path / "one" / path_of(NAME) if is_older else files._waiting.path(NAME)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"an image")
    files.look_around(older_than=0.0)

    def opened(path: Path, *args: Any) -> Any:
        if path == place:
            monkeypatch.setattr(Path, "open", really)
            assert files._move_up() if is_older else files._work()
        return really(path, *args)

    monkeypatch.setattr(Path, "open", opened)
    with files.open(NAME) as file:
        assert file.read() == b"an image"
    assert not place.exists()


def test_no_copy_stays_of_an_image_that_was_removed_while_it_was_read(tmp_path: Path) -> None:
    """The reader had it before; the disk forgets it."""
    bucket = FakeBucket()
    bucket.held[NAME] = b"an image"
    files, really = node(tmp_path, bucket), bucket.read

    def read(name: str) -> bytes:
        data = really(name)
        files.remove(name)
        while files._work():
            pass
        return data

    bucket.read = read  # type: ignore[method-assign]
    assert files.read(NAME) == b"an image"
    assert lying(tmp_path) == []


def test_a_file_that_s3_takes_from_nobody_holds_no_other_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read where it waits, and the System page says why it waits."""
    monkeypatch.setattr(objects, "LARGEST", 4)
    bucket = FakeBucket()
    with at_work(node(tmp_path, bucket)) as files:
        files.create(NAME, b"large")
        files.create(OTHER, b"file")
        eventually(lambda: bucket.held == {OTHER: b"file"} and files.state().error == "too_large")
        assert files.read(NAME) == b"large" and files.state().waiting == 1
        files.remove(NAME)
        files.look_around()
        eventually(lambda: all_there(files))


def test_a_file_that_s3_takes_from_nobody_is_no_answer_of_the_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is away still, and the System page and the log say so."""
    monkeypatch.setattr(objects, "LARGEST", 4)
    bucket = FakeBucket()
    files = node(tmp_path, bucket)
    files.create(NAME, b"large")
    assert files._work() and files.state().error == "too_large"
    bucket.is_away = True
    files.create(OTHER, b"file")
    assert files._work() and files.state().error == "away"
    assert files._waiting.take() == OTHER
    files.look_around()
    assert files._work() and files._stuck == [(files._waiting, NAME)]
    assert files.state().error == "away"


def test_a_large_file_that_another_node_has_removed_is_none_that_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share the folder."""
    monkeypatch.setattr(objects, "LARGEST", 4)
    bucket = FakeBucket()
    files = node(tmp_path, bucket)
    files.create(NAME, b"large")
    assert files._work() and files.state().error == "too_large"
    files._waiting.path(NAME).unlink()
    files.look_around()
    while files._work():
        pass
    assert files.state().error is None and all_there(files)
