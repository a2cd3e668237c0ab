"""Sends stored images to modalities by Orthanc's own C-STORE, and asks whether a modality answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ehr_bridge.shallow_json import loads
from plugin.dimse.modalities import OrthancModalities, name_in_orthanc

TIMEOUT_SECONDS = 30
"""For each step of the association."""
PAUSES = 0.02, 0.5
"""Between two looks at Orthanc's job: the first, and the longest."""


class OrthancSender:
    """See `sending_jobs.Sender`. Orthanc's job runs aside, so that its state says why it failed."""

    def __init__(self, orthanc: Any, modalities: OrthancModalities) -> None:
        self._orthanc = orthanc
        self._modalities = modalities

    def send(self, ae_title: str, orthanc_instance_ids: Sequence[str], meanwhile: Callable[[], object]) -> str | None:
        """See `Sender.send`."""
        asked = {
            "Resources": list(orthanc_instance_ids),
            "Synchronous": False,
            "Permissive": False,
            "Timeout": TIMEOUT_SECONDS,
        }
        try:
            answer = self._orthanc.RestApiPost(f"/modalities/{name_in_orthanc(ae_title)}/store", json.dumps(asked))
        except self._orthanc.OrthancException as error:  # an image that has gone, or a modality that Orthanc lost
            return str(error.args[-1])
        job = loads(answer)["ID"]
        pause, longest = PAUSES
        try:
            while (state := self._state(job)) is not None and state["State"] not in {"Success", "Failure"}:
                time.sleep(pause)
                pause = min(2 * pause, longest)
                meanwhile()
        except BaseException:
            with suppress(self._orthanc.OrthancException):
                self._orthanc.RestApiPost(f"/jobs/{job}/cancel", b"{}")
            raise
        if state is None:
            return "Orthanc has forgotten the job."
        if state["State"] == "Success":
            return None
        return str(state.get("ErrorDetails") or state.get("ErrorDescription") or "no reason given")

    def answers(self, ae_title: str) -> bool:
        return self._modalities.echo(ae_title).ok

    def _state(self, job: str) -> dict[str, Any] | None:
        try:
            state: dict[str, Any] = loads(self._orthanc.RestApiGet(f"/jobs/{job}"))
        except self._orthanc.OrthancException:
            return None
        return state
