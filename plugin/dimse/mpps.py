"""The port on which modalities report what they do (MPPS, PS3.4 annex F), for Orthanc refuses that service.

They may ask for the worklist here too, and get it in their own character set, and for storage commitment. Who connects
must be a registered modality that may do one of the three, from its own host; what each of them asks is checked again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association

from ehr_bridge.db.states import May
from ehr_bridge.dicom import is_storable_uid
from ehr_bridge.dicom.mpps import TooMuch, read_performed
from ehr_bridge.dicom.mwl_answer import answer_to
from ehr_bridge.dicom.transliteration import CHARSETS
from ehr_bridge.errors import Unavailable
from ehr_bridge.network_settings import MppsTls
from ehr_bridge.services.audit.refusals import Refusal
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.interfaces.commitment_requests import MOST_INSTANCES, CommitmentRequests, TooManyWaiting
from ehr_bridge.services.interfaces.modalities import KnownModality, Modalities
from ehr_bridge.services.interfaces.performed import PerformedSteps
from ehr_bridge.services.interfaces.performed_values import Fault, RefusedStep
from ehr_bridge.services.interfaces.worklist import Worklist
from plugin.dimse.bounds import SECONDS, BoundedServer, bound, peer_of
from plugin.dimse.modalities import OrthancModalities
from plugin.dimse.performed_answer import told_of
from plugin.dimse.rejections import REFUSED, route_of
from plugin.dimse.tls import context_of

LOGGER = logging.getLogger(__name__)
VERIFICATION: Final = "1.2.840.10008.1.1"
MPPS: Final = "1.2.840.10008.3.1.2.3.3"
WORKLIST: Final = "1.2.840.10008.5.1.4.31"
RETRIEVE: Final = "1.2.840.10008.3.1.2.3.4"
COMMITMENT: Final = "1.2.840.10008.1.20.1"
REQUEST_COMMITMENT: Final = 1
"""Action Type ID (PS3.4 section J.3.2)."""
MAY_CONNECT: Final = (May.MPPS, May.WORKLIST, May.COMMIT)
SYNTAXES: Final = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
MOST_ASSOCIATIONS: Final = 60
STOP_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.01
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104  (as Orthanc's DICOM port)

SUCCESS, CANCEL, PENDING, UNABLE = 0x0000, 0xFE00, 0xFF00, 0xC000
NOT_AUTHORIZED, PROCESSING_FAILURE, RESOURCE_LIMITATION = 0x0124, 0x0110, 0x0213
NOT_ALL_ATTRIBUTES: Final = 0x0001
"""A warning (PS3.4 table F.8.2-2)."""
NO_SUCH_ACTION, INVALID_ARGUMENT = 0x0123, 0x0115
MAY_NOT_BE_UPDATED: Final = 0xA710
"""Error ID (PS3.4 table F.7.2-2)."""
ASKED: Final[dict[tuple[May, ...], str]] = {(May.WORKLIST,): "FindWorklist", (May.COMMIT,): "StorageCommitment"}
STATUSES: Final = {
    Fault.ATTRIBUTE_MISSING: 0x0120,
    Fault.VALUE_MISSING: 0x0121,
    Fault.INVALID_VALUE: 0x0106,
    Fault.INVALID_UID: 0x0117,
    Fault.EXISTS: 0x0111,
    Fault.UNKNOWN: 0x0112,
    Fault.ENDED: PROCESSING_FAILURE,
}
"""PS3.7 annex C."""


class MppsServer:
    def __init__(
        self,
        port: int,
        ae_title: str,
        modalities: Modalities,
        in_orthanc: OrthancModalities,
        performed: PerformedSteps,
        worklist: Worklist,
        commitments: CommitmentRequests,
        on_refusal: Callable[[Refusal], None],
        time_zone: str = "UTC",
        tls: MppsTls | None = None,
    ) -> None:
        """`time_zone` is that of the modalities' clocks; with `tls` nobody is heard in clear."""
        self._port = port
        self._modalities = modalities
        self._in_orthanc = in_orthanc
        self._performed = performed
        self._worklist = worklist
        self._commitments = commitments
        self._on_refusal = on_refusal
        self._zone = ZoneInfo(time_zone)
        self._tls = tls
        self._server: Any = None
        self._busy = 0
        self._lock = threading.Lock()
        self._ae = AE(ae_title)
        self._ae.maximum_associations = MOST_ASSOCIATIONS
        self._ae.acse_timeout = self._ae.dimse_timeout = self._ae.network_timeout = SECONDS
        for service in (VERIFICATION, MPPS, RETRIEVE, WORKLIST, COMMITMENT):
            self._ae.add_supported_context(service, SYNTAXES)

    @property
    def port(self) -> int:
        """The port that it listens on; after `start`."""
        return int(self._server.server_address[1])

    @property
    def is_well(self) -> bool:
        return self._server is not None

    def start(self) -> None:
        """Listen. Raises OSError when the port is taken, or a certificate cannot be used."""
        _config.LOG_HANDLER_LEVEL = "none"  # its own handlers would write whole data sets into the log
        logging.getLogger("pynetdicom").setLevel(logging.WARNING)
        logging.getLogger("pynetdicom.dul").setLevel(logging.CRITICAL)  # of a port scanner it has 300 lines a second
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, lambda event: bound(event.assoc)),
            (evt.EVT_REQUESTED, self._on_requested),
            (evt.EVT_C_ECHO, self._on_echo),
            (evt.EVT_N_CREATE, self._on_create),
            (evt.EVT_N_SET, self._on_set),
            (evt.EVT_N_GET, self._on_get),
            (evt.EVT_N_ACTION, self._on_action),
            (evt.EVT_C_FIND, self._on_find),
        ]
        self._server = self._ae.make_server(
            (EVERYWHERE, self._port),
            ssl_context=None if self._tls is None else context_of(self._tls),
            evt_handlers=handlers,
            server_class=BoundedServer,
        )
        threading.Thread(target=self._server.serve_forever, name="ehr-bridge-mpps", daemon=True).start()

    def stop(self) -> None:
        """Take no more associations, and wait for what is being written."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        end = time.monotonic() + STOP_SECONDS
        while self._busy and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
        self._ae.shutdown()

    def _on_requested(self, event: Any) -> None:
        if self._admitted(event.assoc, *MAY_CONNECT) is None:
            event.assoc.acse.send_reject(0x01, 0x01, 0x03)  # permanently: calling AE title not recognised
            event.assoc.kill()  # waits until that is sent
        elif self._server is not None and not self._server.has_room_for(event.assoc):
            LOGGER.warning("MPPS: too many associations of %s", _calling(event.assoc))
            event.assoc.acse.send_reject(0x02, 0x03, 0x02)  # for now: local limit exceeded
            event.assoc.kill()

    def _on_echo(self, event: Any) -> int:
        return SUCCESS if self._admitted(event.assoc, *MAY_CONNECT) else 0x0122

    def _on_create(self, event: Any) -> tuple[Dataset, Dataset | None]:
        if (known := self._admitted(event.assoc, May.MPPS)) is None:
            return _status(NOT_AUTHORIZED), None
        given = event.request.AffectedSOPInstanceUID

        def create() -> Dataset | None:
            said = read_performed(event.attribute_list)
            uid = self._performed.create(given and str(given), said, known.ae_title, _origin(event.assoc))
            return None if given else _data(AffectedSOPInstanceUID=uid)

        return self._answer(create)

    def _on_set(self, event: Any) -> tuple[Dataset, Dataset | None]:
        if self._admitted(event.assoc, May.MPPS) is None:
            return _status(NOT_AUTHORIZED), None

        def change() -> None:
            said = read_performed(event.modification_list)
            self._performed.change(str(event.request.RequestedSOPInstanceUID), said, _origin(event.assoc))

        return self._answer(change)

    def _on_get(self, event: Any) -> tuple[Dataset, Dataset | None]:
        """What is on record of a step, for the modality that has reported it."""
        if (known := self._admitted(event.assoc, May.MPPS)) is None:
            return _status(NOT_AUTHORIZED), None
        is_whole = True

        def tell() -> Dataset:
            nonlocal is_whole
            step = self._performed.reported_by(known.ae_title, str(event.request.RequestedSOPInstanceUID))
            charset = CHARSETS[known.charset or "utf8"]
            told, is_whole = told_of(step, charset, self._zone, event.attribute_identifiers)
            return told

        status, told = self._answer(tell)
        if not is_whole:
            status.Status = NOT_ALL_ATTRIBUTES
        return status, told

    def _on_action(self, event: Any) -> tuple[Dataset, Dataset | None]:
        """A request for storage commitment: success when it is kept; the result follows on an association of ours."""
        if (known := self._admitted(event.assoc, May.COMMIT)) is None:
            return _status(NOT_AUTHORIZED), None
        if event.action_type != REQUEST_COMMITMENT:
            return _status(NO_SUCH_ACTION), None
        said = event.action_information
        transaction = str(said.get("TransactionUID") or "")
        named = said.get("ReferencedSOPSequence") or []
        if len(named) > MOST_INSTANCES:
            return _status(RESOURCE_LIMITATION), None
        instances = [
            (str(one.get("ReferencedSOPClassUID") or ""), str(one.get("ReferencedSOPInstanceUID") or ""))
            for one in named
        ]
        if not instances or not all(
            is_storable_uid(one) for one in (transaction, *(uid for pair in instances for uid in pair))
        ):
            return _status(INVALID_ARGUMENT), None

        def keep() -> None:
            self._commitments.keep(known.ae_title, transaction, instances, address=event.assoc.requestor.address)

        return self._answer(keep)

    def _on_find(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        if (known := self._admitted(event.assoc, May.WORKLIST)) is None:
            yield UNABLE, None
            return
        try:
            query = event.identifier
            answer = self._worklist.find(self._worklist.read(query, known.charset), known.ae_title, known.charset)
        except (ValueError, Unavailable) as error:
            LOGGER.warning("a worklist query of %s could not be answered: %s", known.ae_title, error)
            yield UNABLE, None
            return
        term = self._worklist.defined_term(known.charset)
        for item in answer.items:
            if event.is_cancelled:
                yield CANCEL, None
                return
            yield PENDING, answer_to(query, item, term)
        if answer.is_incomplete:
            yield CANCEL, None

    def _answer(self, act: Callable[[], Dataset | None]) -> tuple[Dataset, Dataset | None]:
        """Success with what the act returns, or the status of its refusal. The server waits for it before it stops."""
        status = _status(SUCCESS)
        with self._lock:
            self._busy += 1
        try:
            return status, act()
        except RefusedStep as refused:
            LOGGER.warning("MPPS: refused, %s", refused)
            status.Status = STATUSES[refused.fault]
            status.ErrorComment = refused.detail[:64]
            if refused.fault is Fault.ENDED:
                status.ErrorID = MAY_NOT_BE_UPDATED
        except TooMuch as error:
            status.Status, status.ErrorComment = RESOURCE_LIMITATION, str(error)[:64]
        except TooManyWaiting:
            status.Status, status.ErrorComment = RESOURCE_LIMITATION, "take the results that wait for you first"
        except Unavailable as error:
            LOGGER.warning("MPPS: could not be kept, %s", error.code)
            status.Status, status.ErrorComment = PROCESSING_FAILURE, "not kept; send it again in a moment"
        finally:
            with self._lock:
                self._busy -= 1
        return status, None

    def _admitted(self, association: Association, *any_of: May) -> KnownModality | None:
        """The registered modality that calls, if it may do one of these from there; what is refused is audited."""
        calling, address = _calling(association), association.requestor.address
        known = self._modalities.known(calling)
        if known is None:
            reason = "unknown_ae_title"
        elif known.may.isdisjoint(any_of):
            reason = "not_allowed"
        elif self._in_orthanc.address_of(calling) != address:
            reason = "other_host"
        else:
            return known
        route = route_of(ASKED.get(any_of, "PerformedProcedureStep"))
        self._on_refusal(Refusal(None, address, REFUSED, route, actor=f"ae:{calling}", reason=reason))
        return None


def _calling(association: Association) -> str:
    return peer_of(association)[1]


def _origin(association: Association) -> Origin:
    return Origin(f"ae:{_calling(association)}", association.requestor.address)


def _status(code: int) -> Dataset:
    return _data(Status=code)


def _data(**values: Any) -> Dataset:
    data = Dataset()
    for keyword, value in values.items():
        setattr(data, keyword, value)
    return data
