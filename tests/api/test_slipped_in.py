"""Images that a sender slips in while a job has their instance in its hands: none is lost, none is known in vain."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid

from tests.api.conftest import Api
from tests.api.known_steps import is_known, stored
from tests.api.tag_steps import files, job, jobs, modify
from tests.support.samples import encoded, small
from tests.support.steps import stating

LATER = timedelta(seconds=11)
OTHER = bytes(128)
"""The pixels of another image than `small` makes."""


def another_image(data: bytes) -> bytes:
    """With the same UIDs."""
    ds = pydicom.dcmread(io.BytesIO(data))
    ds.PixelData = OTHER
    return encoded(ds)


def pixels(data: bytes) -> bytes:
    return bytes(pydicom.dcmread(io.BytesIO(data)).PixelData)


def set_aside(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in (folder / "quarantine").glob("*.same_uid_other_content.dcm")]


def when_taken_out(api: Api, then: Callable[[], object]) -> None:
    """Do this once, right after the job has taken the instance out of the archive."""
    really, patch = api.archive.delete, pytest.MonkeyPatch()

    def delete(orthanc_instance_id: str) -> None:
        really(orthanc_instance_id)
        patch.undo()
        then()

    patch.setattr(api.archive, "delete", delete)


def test_another_image_that_comes_meanwhile_is_set_aside_and_not_known(api: Api, tmp_path: Path) -> None:
    """Its sender heard success, but the first one keeps the place: the other one is kept for a person to look at."""
    first = small()
    other = another_image(first)
    uid = stored(api, first)
    asked = modify(api, uid, StudyDate="20260201")
    when_taken_out(api, lambda: stored(api, other))
    jobs(api, tmp_path).run()
    (kept,) = files(api).values()
    assert (pixels(kept), job(api, asked["id"])["status"]) == (pixels(first), "succeeded")
    assert [pixels(data) for data in set_aside(tmp_path)] == [OTHER]
    for _ in range(2):
        assert not is_known(api, other)
        jobs(api, tmp_path, LATER).run()
    assert api.upload(first, headers=stating(first)).json["instances"][0]["status"] == "duplicate"
    assert is_known(api, first) and not is_known(api, other)


def test_another_image_that_comes_while_the_process_is_dead_is_set_aside(api: Api, tmp_path: Path) -> None:
    """Killed between out and in: the next start finds the place taken."""
    first = small()
    other = another_image(first)
    uid = stored(api, first)
    modify(api, uid, StudyDate="20260201")

    def killed() -> None:
        raise KeyboardInterrupt

    when_taken_out(api, killed)
    with pytest.raises(KeyboardInterrupt):
        jobs(api, tmp_path).run()
    stored(api, other)
    jobs(api, tmp_path).run()
    (kept,) = files(api).values()
    assert pixels(kept) == pixels(first)
    assert [pixels(data) for data in set_aside(tmp_path)] == [OTHER]
    jobs(api, tmp_path, LATER).run()
    assert not is_known(api, other)


def test_the_same_image_sent_again_meanwhile_is_no_other(api: Api, tmp_path: Path) -> None:
    """Nothing is set aside, and the file is known once the job has had its last look."""
    first = small()
    uid = stored(api, first)
    modify(api, uid, StudyDate="20260201")
    when_taken_out(api, lambda: stored(api, first))
    jobs(api, tmp_path).run()
    assert (len(files(api)), set_aside(tmp_path)) == (1, [])
    assert not is_known(api, first)
    jobs(api, tmp_path, LATER).run()
    assert is_known(api, first)


def document(text: str, **values: str) -> bytes:
    """An object without pixels."""
    ds = pydicom.dcmread(io.BytesIO(small(ImageComments=text, **values)))
    del ds.PixelData
    return encoded(ds)


@pytest.mark.parametrize("is_other", [False, True], ids=["the same", "another"])
@pytest.mark.parametrize("is_image", [True, False], ids=["image", "document"])
def test_what_comes_under_the_former_number_after_it_moved_is_dropped_only_when_it_is_the_same(
    api: Api, tmp_path: Path, is_image: bool, is_other: bool
) -> None:
    """Told apart by what it shows, an object without pixels too."""
    uids = {name: generate_uid() for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")}
    first = small(**uids) if is_image else document("one", **uids)
    other = another_image(first) if is_image else document("another", **uids)
    modify(api, stored(api, first), PatientID="P-2")
    when_taken_out(api, lambda: api.archive.store(other if is_other else first))
    jobs(api, tmp_path).run()
    jobs(api, tmp_path, LATER).run()
    (kept,) = [pydicom.dcmread(io.BytesIO(data)) for data in files(api).values()]
    assert (kept.PatientID, kept.get("ImageComments")) == ("P-2", None if is_image else "one")
    assert set_aside(tmp_path) == ([other] if is_other else [])
