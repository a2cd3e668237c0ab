"""The refusals of a file that cannot be walked: they say what to do and name no value of the file."""

from __future__ import annotations

from ehr_bridge.errors import RefusedInstance


def cut_short() -> RefusedInstance:
    """The refusal of a file that ends before an element does, cut off or with a forged length."""
    return RefusedInstance(
        "truncated",
        "The file ends before its last element does: it was cut off, or a length in it is false. "
        "Send it again from where it was made.",
    )


def malformed(what: str, pos: int) -> RefusedInstance:
    """The refusal of a file whose parts do not fit together; `what` names no value of the file."""
    return RefusedInstance(
        "malformed",
        f"At byte {pos} {what}. The file is damaged or was written wrongly: export it again from its source.",
    )


def overrun(pos: int) -> RefusedInstance:
    return malformed("something is longer than the sequence or item that holds it", pos)


def too_deep() -> RefusedInstance:
    return RefusedInstance(
        "nested_too_deep",
        "Sequences are nested deeper than is safe to store. No known device writes such a file: "
        "check where it comes from.",
    )
