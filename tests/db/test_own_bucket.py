"""Which bucket and which folder are this installation's: asked at every start, and never taken by mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ehr_bridge.db.database import Database
from ehr_bridge.settings import Settings, load_settings
from ehr_bridge.storage import bucket
from plugin.starting.own_bucket import NotOurs, settle

type Start = Callable[..., None]


class OneBucket:
    """Whose the bucket is, for all nodes."""

    says: str | None = None
    trouble: str | None = None

    def __init__(self, *_: object) -> None:
        """As `Bucket` is made."""

    def owner(self) -> str | None:
        if OneBucket.trouble is not None:
            raise bucket.BucketTrouble(OneBucket.trouble)
        return OneBucket.says

    def own(self, owner: str) -> None:
        OneBucket.says = owner


@pytest.fixture(autouse=True)
def _bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "Bucket", OneBucket)
    OneBucket.says = OneBucket.trouble = None


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Start]:
    """Of a node with a data directory of its own; its images are in a folder of its own, or in the one that is said."""
    database = Database(database_url)

    def started(node: str, images: str = "", **more: str) -> None:
        (tmp_path / node).mkdir(exist_ok=True)
        settle(settings(tmp_path, node, images or f"{node}/images", **more), database)

    yield started
    database.dispose()


def settings(folder: Path, node: str, images: str, **more: str) -> Settings:
    environ = {
        "EHR_BRIDGE_DATA_DIR": str(folder / node),
        "DICOM_STORAGE_PATH": str(folder / images),
        "EHR_BRIDGE_STORAGE_URL": "s3://images/pacs",
    }
    return load_settings({name: value for name, value in (environ | more).items() if value})


def refusal(start: Start, *arguments: str, **more: str) -> str:
    with pytest.raises(NotOurs) as said:
        start(*arguments, **more)
    return str(said.value)


def yes(said: str) -> dict[str, str]:
    name, _, value = said.rpartition("set ")[2].removesuffix(" and start").partition("=")
    return {name: value}


def test_a_second_node_needs_the_folder_of_the_first(start: Start, tmp_path: Path) -> None:
    """What waits on a disk of one node is missing to all others: they would judge it lost. Ended, killed or alive."""
    start("a", "shared")
    start("a", "shared")
    start("b", "shared")
    said = refusal(start, "c")
    assert str(tmp_path / "c" / "images") in said and "DICOM_STORAGE_PATH" in said
    assert OneBucket.says == (tmp_path / "a" / "ehr-bridge.id").read_text()
    assert OneBucket.says == (tmp_path / "b" / "ehr-bridge.id").read_text()


def test_a_folder_that_is_lost_is_given_up_by_saying_so_once(start: Start, tmp_path: Path) -> None:
    """After a restore, too: the same answer is good for no other folder."""
    start("a")
    answer = yes(refusal(start, "b"))
    start("b", **answer)
    start("b")
    assert refusal(start, "a")
    assert refusal(start, "c", **answer)
    (tmp_path / "b" / "images" / "ehr-bridge.id").unlink()  # as if it were not mounted
    assert refusal(start, "b", **answer)


def test_a_new_installation_does_not_take_anothers_bucket(start: Start, tmp_path: Path) -> None:
    """It would delete images of the other; who knows that there is none says so."""
    OneBucket.says = "production"
    said = refusal(start, "a")
    assert "belongs to another installation (production)" in said
    assert not (tmp_path / "a" / "ehr-bridge.id").exists()
    start("a", **yes(said))
    start("a")
    assert OneBucket.says == (tmp_path / "a" / "ehr-bridge.id").read_text() == "production"


@pytest.mark.parametrize("found", [None, "another"])
def test_a_bucket_that_was_emptied_or_mixed_up_is_not_taken(start: Start, found: str | None) -> None:
    """Also by a restored server, whose data directory is new: the database knows the bucket."""
    start("a", "shared")
    was, OneBucket.says = OneBucket.says, found
    assert was is not None
    said = refusal(start, "b", "shared")
    assert f"another one than the database says ({was})" in said
    assert OneBucket.says == found
    start("b", "shared", **yes(said))
    assert OneBucket.says not in (None, was)
    start("a", "shared")


def test_a_bucket_that_is_away_stops_the_first_start_only(start: Start) -> None:
    """Later ones go on, and what is stored waits."""
    OneBucket.trouble = "away"
    assert "has to answer" in refusal(start, "a")
    OneBucket.trouble = None
    start("a")
    OneBucket.trouble = "away"
    start("a")


@pytest.mark.parametrize("queue", ["waiting", "removing"])
def test_without_the_bucket_nothing_starts_while_files_wait_for_it(start: Start, tmp_path: Path, queue: str) -> None:
    """Nobody would read them: images missing, and removed ones back."""
    start("a", EHR_BRIDGE_STORAGE_URL="")
    left = tmp_path / "a" / "images" / queue / "abcd1234-0000-4000-8000-000000000000"
    left.parent.mkdir(parents=True)
    left.touch()
    assert "1 files" in refusal(start, "a", EHR_BRIDGE_STORAGE_URL="")
    left.unlink()
    start("a", EHR_BRIDGE_STORAGE_URL="")


def test_a_start_that_forgot_the_bucket_is_refused(start: Start) -> None:
    """Every image would look lost. Whoever has copied the bucket into the folder says so, and can begin again later."""
    start("a")
    said = refusal(start, "a", EHR_BRIDGE_STORAGE_URL="")
    assert "EHR_BRIDGE_STORAGE_URL is not set, and the images are in a bucket" in said and "\n" not in said
    start("a", EHR_BRIDGE_STORAGE_URL="", **yes(said))
    start("a", EHR_BRIDGE_STORAGE_URL="")
    start("a", EHR_BRIDGE_STORAGE_TAKE=str(OneBucket.says))
    start("a")


def test_a_word_that_took_a_bucket_neither_leaves_nor_replaces_it(start: Start) -> None:
    """It was forgotten in the environment, and a year later the bucket's address is lost, or another one's."""
    OneBucket.says = "production"
    forgotten = yes(refusal(start, "a"))
    start("a", **forgotten)
    start("a", **forgotten)
    assert "is not set, and the images are in a bucket" in refusal(start, "a", EHR_BRIDGE_STORAGE_URL="", **forgotten)
    OneBucket.says = "another"
    said = refusal(start, "a", **forgotten)
    assert "another one than the database says (production)" in said
    start("a", **yes(said))
