"""Refusals of files that cannot be walked: they say what to do, and contain no value from the file."""

from __future__ import annotations

from ehr_bridge.errors import RefusedInstance


def cut_short() -> RefusedInstance:
    """For a file that ends inside an element, cut off or with a forged length."""
    return RefusedInstance(
        "truncated",
        "The file ends inside an element: it was cut off, or a length in it is wrong. Send it again from its source.",
    )


def malformed(what: str, pos: int) -> RefusedInstance:
    """For a file whose parts do not fit together; `what` contains no value from the file."""
    return RefusedInstance(
        "malformed",
        f"At byte {pos} {what}. The file is damaged or was written wrongly: export it again from its source.",
    )


def unreadable_meta(pos: int) -> RefusedInstance:
    """For a file whose meta information Orthanc cannot read."""
    return RefusedInstance(
        "unreadable_meta",
        f"At byte {pos} the file meta information has a value representation that the archive cannot read "
        "(PS3.10 section 7.1). Export the file again from a system that writes it correctly.",
    )


def overrun(pos: int) -> RefusedInstance:
    return malformed("something is longer than the sequence or item that holds it", pos)


def too_many_elements() -> RefusedInstance:
    """For a file that takes every reader seconds, and Orthanc hundreds of bytes of memory for each eight of the
    file."""
    return RefusedInstance(
        "too_many_elements",
        "The file is nothing but hundreds of thousands of tiny data elements. No known device writes such a file: "
        "check where it comes from.",
    )


def too_deep() -> RefusedInstance:
    return RefusedInstance(
        "nested_too_deep",
        "Sequences are nested deeper than is safe to store. No known device writes such a file: "
        "check where it comes from.",
    )
