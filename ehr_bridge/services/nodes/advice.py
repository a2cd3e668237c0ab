"""How it is with the nodes, and what to do about it, in words for an administrator."""

from __future__ import annotations

from collections.abc import Sequence

from ehr_bridge.services.nodes.register import KnownNode, Seen


def advice_on(nodes: Sequence[KnownNode]) -> tuple[str, str | None]:
    """What is wrong with the nodes and what to do, the worst first; None where all is well."""
    if off := [one.name for one in nodes if one.has_other_secret]:
        fix = (
            "compare EHR_BRIDGE_JWT_SECRET of these, and of the one that runs longest, with the EHR's, and restart "
            "those that are wrong; to change it, see docs/runbooks/secret.md"
        )
        return f"another secret than the node that runs longest: {', '.join(off)}", fix
    if off := [one.name for one in nodes if one.has_other_folder]:
        fix = "give all nodes the same DICOM_STORAGE_PATH and EHR_BRIDGE_SHARED_DIR, on file systems that they share"
        return f"do not share the folder of the others: {', '.join(off)}", fix
    if off := [one.name for one in nodes if one.lacks_md5]:
        fix = "set EHR_BRIDGE_STORAGE_MD5=1 on all nodes with Orthanc 1.12 and restart them; see docs/supported.md"
        return f"make no MD5, without which Orthanc 1.13 shows no image: {', '.join(off)}", fix
    if off := [f"{one.name} by {one.clock_ahead_seconds:+.0f} s" for one in nodes if one.has_wrong_clock]:
        fix = "set the clocks of all nodes and of the database's machine by a time server (NTP)"
        return f"clocks differ from the database's: {', '.join(off)}", fix
    if lost := [one.name for one in nodes if one.state is Seen.LOST]:
        return f"not seen any more: {', '.join(lost)}", "find out why, and start them again"
    return ", ".join(f"{one.name} {one.state}" for one in nodes) or "none has served yet", None
