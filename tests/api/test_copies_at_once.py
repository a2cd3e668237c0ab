"""Copies of one image that come in the same moment, by several doors or nodes: the archive keeps one of them. Each is
coerced at its own time, so their bytes differ. None of this makes the one that was kept look damaged, and no other
image is lost."""

from __future__ import annotations

import threading
import time
from io import BytesIO
from pathlib import Path

import pytest

from ehr_bridge.services.archive.file_digests import stored_digest
from ehr_bridge.services.bundle import build_services, utc_now
from ehr_bridge.services.fixity.mending import Mending
from tests.api.conftest import Api
from tests.api.copy_steps import Case, was_there


@pytest.fixture
def case(api: Api, tmp_path: Path) -> Case:
    return Case(api, tmp_path)


@pytest.mark.parametrize("door", ["c_store", "upload"])
def test_a_third_copy_replaces_nothing_while_the_first_is_not_recorded(case: Case, door: str) -> None:
    """The second one's node was faster to write, and claims the digest of its own copy. A fixity check in that moment
    says nothing either. When the node of the first writes too, no digest is left, for two disagree."""
    (first, data), (second, _), (third, _) = case.copy(), case.copy(), case.copy()
    case.take(second)
    assert case.row().stored_digest not in (None, first.stored_digest)
    if door == "c_store":
        case.take(was_there(third))
    else:
        assert case.api.upload(case.image).json["instances"][0]["status"] == "duplicate"
    case.check()
    assert case.kept == data
    assert (case.quarantined("damaged"), case.told(), case.row().damaged_at) == ([], [], None)
    case.take(first)
    assert case.row().stored_digest is None
    case.check()
    assert (case.row().stored_digest, case.told()) == (stored_digest(data), [])


def test_a_modalitys_image_that_was_damaged_is_replaced_after_a_moment(case: Case) -> None:
    """In the first minute nobody can say whether its digest is its own; after that it can."""
    first, data = case.copy()
    case.take(first)
    case.damage()
    case.take(was_there(case.copy()[0]))
    assert (case.quarantined("damaged"), case.told()) == ([], [])
    case.age()
    again, _ = case.copy()
    case.take(was_there(again))
    assert (case.told(), len(case.quarantined("damaged"))) == (["study.file_restored", "study.file_damaged"], 1)
    assert case.row().stored_digest == stored_digest(case.kept) != stored_digest(data)


def test_among_several_nodes_only_the_digest_of_the_kept_copy_is_recorded(case: Case) -> None:
    """So a node that is killed before it records its own leaves no wrong one behind."""
    (first, data), (second, _) = case.copy(), case.copy()
    case.take(second, among_others=True)
    assert case.row().stored_digest is None
    case.take(first, among_others=True)
    case.check()
    assert (case.row().stored_digest, case.kept) == (stored_digest(data), data)


def test_another_image_with_the_same_uid_on_another_node_is_kept_for_people(case: Case) -> None:
    """Both senders were told that theirs is stored. The archive has one; the other is in quarantine."""
    first, data = case.copy()
    changed = case.image[:-1] + bytes([case.image[-1] ^ 1])
    second, _ = case.copy(changed)
    case.take(second, among_others=True)
    case.take(first, among_others=True)
    assert (case.kept, case.row().stored_digest) == (data, first.stored_digest)
    assert case.quarantined("same_uid_other_content") == [changed]


def test_two_nodes_mend_one_file_once(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second waits for the first, and finds it whole. SQLite has one node."""
    if case.api.services.database.is_sqlite:
        return
    first, _ = case.copy()
    case.take(first)
    case.age()
    case.damage()
    other = build_services(case.api.services.settings, case.api.services.database)
    taken_out, delete = list[str](), case.api.archive.delete

    def slowly(name: str) -> None:
        taken_out.append(name)
        time.sleep(0.3)
        delete(name)

    monkeypatch.setattr(case.api.archive, "delete", slowly)
    again = was_there(case.copy()[0])
    threads = [
        threading.Thread(target=services.intake.mend, args=(again, case.api.archive))
        for services in (case.api.services, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken_out) == len(case.quarantined("damaged")) == 1
    assert case.row().stored_digest == stored_digest(case.kept)


def test_one_that_is_mended_keeps_no_other_waiting(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that hangs, or has no power any more, while it mends one image: others are mended by other nodes."""
    first, _ = case.copy()
    case.take(first)
    case.age()
    case.damage()
    other = Mending(case.api.services.database, utc_now, lambda data, code: None)
    with other._alone("another-image"):
        case.take(was_there(case.copy()[0]))
    assert case.row().stored_digest == stored_digest(case.kept)
    monkeypatch.delattr(Mending, "_alone")
    case.take(was_there(case.copy()[0]))  # it is whole: nobody is waited for
    assert case.api.upload(case.image).json["instances"][0]["status"] == "duplicate"


def test_nothing_is_deleted_that_was_not_kept_aside(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that does not answer for a moment looks like one that has no file."""
    first, _ = case.copy()
    case.take(first)
    case.age()
    case.damage()
    left = case.kept
    again = was_there(case.copy()[0])

    def away(_: str) -> bytes:
        raise LookupError

    monkeypatch.setattr(case.api.archive, "open", lambda _: BytesIO(left))
    monkeypatch.setattr(case.api.archive, "read", away)
    case.take(again)
    assert (case.kept, case.quarantined("same_uid_other_content")) == (left, [case.image])
