"""The former bytes of a file: whatever was done to it, they come back."""

from __future__ import annotations

import random

import pytest

from ehr_bridge.dicom import Former, keep_former, restore


def test_any_two_byte_strings_lead_back() -> None:
    """Longer, shorter, empty, the same, changed anywhere, repeated pieces at the seam."""
    chance = random.Random(7)
    for _ in range(500):
        before = chance.randbytes(chance.choice([0, 1, 10, 70_000])) + b"ab" * chance.randrange(4)
        cut = sorted(chance.randrange(len(before) + 1) for _ in range(2))
        after = before[: cut[0]] + chance.choice([b"", b"ab", chance.randbytes(9)]) + before[cut[1] :]
        assert restore(after, keep_former(before, after)) == before


def test_only_the_changed_piece_is_kept() -> None:
    """A large file costs no more than a small one."""
    before = bytes(100) + b"old" + bytes(300_000)
    former = keep_former(before, bytes(100) + b"newer" + bytes(300_000))
    assert (former.same_at_start, former.same_at_end) == (100, 300_000)
    assert len(former.packed) < 50


@pytest.mark.parametrize("former", [Former(9, 9, b""), Former(0, 0, b"not zlib")])
def test_a_file_that_cannot_be_the_right_one_is_refused(former: Former) -> None:
    """Rather than something being made up."""
    with pytest.raises(ValueError, match=r"file|bytes"):
        restore(b"0123456789", former)
