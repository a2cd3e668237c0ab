"""Orthanc's worklist callback, and the proof that it is the one that answers.

Orthanc takes one worklist plugin and says nothing to the others; the folder plugin that Debian installs beside it would
answer from an empty folder. So at the start the server asks itself.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections.abc import Callable
from typing import Any

from ehr_bridge.db.states import May
from ehr_bridge.dicom.mwl_item import TYPE_1, encode_item
from ehr_bridge.services.audit.refusals import Refusal
from ehr_bridge.services.interfaces.modalities import Modalities
from ehr_bridge.services.interfaces.worklist import Worklist
from ehr_bridge.shallow_json import loads
from plugin.dimse.modalities import OrthancModalities
from plugin.dimse.rejections import REFUSED, route_of
from plugin.storing.peers import all_peers

LOGGER = logging.getLogger(__name__)
ROUTE = route_of("FindWorklist")
OURSELVES = "ehr-bridge-itself"
"""Orthanc's name for our own application entity, while the server asks itself."""
PAUSES = (0.0, 1.0, 5.0)
"""Seconds before each try to ask ourselves."""


class Refused(Exception):
    """Ends a query with status 0xC000 (PS3.4 table K.4-2, unable to process)."""


class WorklistScp:
    """Orthanc calls it for one query at a time."""

    def __init__(
        self,
        worklist: Worklist,
        modalities: Modalities,
        in_orthanc: OrthancModalities,
        dicom_port: int,
        on_refusal: Callable[[Refusal], None],
    ) -> None:
        self._worklist = worklist
        self._modalities = modalities
        self._in_orthanc = in_orthanc
        self._dicom_port = dicom_port
        self._on_refusal = on_refusal
        self._nonce: str | None = None
        self._asking = threading.Lock()
        self._stopping = threading.Event()
        self.is_ours = True
        """False when the server's own query did not reach this callback."""

    def __call__(self, answers: Any, query: Any, calling_ae_title: str, _called: str) -> None:
        keys = self._worklist.read(query.WorklistGetDicomQuery())
        nonce = self._nonce
        if nonce is not None and keys.values.get("AccessionNumber") == nonce:
            answers.WorklistAddAnswer(query, _sentinel(nonce))
            return
        self._require_registered(calling_ae_title)
        answer = self._worklist.find(keys, calling_ae_title)
        for item in answer.items:
            answers.WorklistAddAnswer(query, item)
        if answer.is_incomplete:
            answers.WorklistMarkIncomplete()

    def prove(self, orthanc: Any, ae_title: str) -> None:
        """Ask our own DICOM port for an item that only this callback knows, and again where that fails, for a busy
        machine may answer late. Sets `is_ours`, and never raises."""
        for pause in PAUSES:
            if self._stopping.wait(pause) or self._reaches_us(orthanc, ae_title):
                return
        self.is_ours = False
        LOGGER.error(
            "the worklist on the DICOM port is not ours: another plugin answers, or nobody. Load no other worklist "
            "plugin (Worklists.Enable) and restart"
        )

    def end(self) -> None:
        """Ask ourselves no more; waits for a query under way, since Orthanc is about to go."""
        self._stopping.set()
        if self._asking.acquire(timeout=30):
            self._asking.release()

    def _reaches_us(self, orthanc: Any, ae_title: str) -> bool:
        nonce = self._nonce = secrets.token_hex(8)
        ourselves = {"AET": ae_title, "Host": "127.0.0.1", "Port": self._dicom_port, "AllowFindWorklist": True}
        keys = {"AccessionNumber": nonce, "ScheduledProcedureStepSequence": [{"Modality": ""}]}
        with self._asking:
            if self._stopping.is_set():
                return True
            try:
                orthanc.RestApiPut(f"/modalities/{OURSELVES}", json.dumps(ourselves))
                try:
                    found = loads(orthanc.RestApiPost(f"/modalities/{OURSELVES}/find-worklist", json.dumps(keys)))
                finally:
                    orthanc.RestApiDelete(f"/modalities/{OURSELVES}")
                return [one.get("AccessionNumber") for one in found] == [nonce]
            except Exception:
                LOGGER.exception("the worklist could not be asked for")
                return False
            finally:
                self._nonce = None

    def _require_registered(self, calling_ae_title: str) -> None:
        """Raises Refused, and tells the audit trail, when the caller is not a registered modality that may ask.

        Orthanc says which AE title calls and not from where. Of the hosts that are connected now, one must be the
        modality's: so if it is connected itself, somebody else could ask in its name at that moment.
        """
        peers = all_peers(self._dicom_port)
        known = self._modalities.known(calling_ae_title)
        if known is None:
            reason = "unknown_ae_title"
        elif May.WORKLIST not in known.may:
            reason = "not_allowed"
        elif self._in_orthanc.address_of(calling_ae_title) not in peers:
            reason = "other_host"
        else:
            return
        address = next(iter(peers)) if len(peers) == 1 else None
        actor = f"ae:{calling_ae_title}"
        self._on_refusal(Refusal(None, address, REFUSED, ROUTE, actor=actor, reason=reason))
        raise Refused(f"{calling_ae_title} may not ask for the worklist: {reason}")


def _sentinel(nonce: str) -> bytes:
    texts = dict.fromkeys(TYPE_1, "TEST") | {"AccessionNumber": nonce, "StudyInstanceUID": "2.25.1"}
    return encode_item(
        texts | {"ScheduledProcedureStepStartDate": "20000101", "ScheduledProcedureStepStartTime": "000000"}
    )
