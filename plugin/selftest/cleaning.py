"""Removes what this and interrupted self-tests have made, with the server's help for the images."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ehr_bridge.errors import BridgeError
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.selftest.numbers import Run
from ehr_bridge.services.selftest.removal import Kept, SelfTestRecords

PURGE_SECONDS = 60.0
LOOK_SECONDS = 0.2


def clean(records: SelfTestRecords, runs: Iterable[Run], origin: Origin) -> list[str]:
    """Remove what these runs have left. Returns what could not be removed, and why."""
    return [f"self-test {run.token}: {why}" for run in runs if (why := _clean(records, run, origin))]


def _clean(records: SelfTestRecords, run: Run, origin: Origin) -> str:
    end = time.monotonic() + PURGE_SECONDS
    while True:
        try:
            waiting = records.delete_images(run, origin)
            if not waiting:
                records.remove(run, origin)
                return ""
            why = f"the server has not deleted the images of {', '.join(waiting)}"
        except Kept as kept:
            return str(kept)
        except BridgeError as error:  # a job is working on it, or it is under legal hold
            why = error.detail
        if time.monotonic() > end:
            return why
        time.sleep(LOOK_SECONDS)
