"""Plays an EHR and an order filler that speak HL7 v2, over MLLP and over HTTP."""

from __future__ import annotations

import socket
from collections.abc import Callable

from ehr_bridge.hl7.framing import Frames, framed
from ehr_bridge.hl7.profile import SHIPPED
from ehr_bridge.hl7.sources import Source, load_sources
from plugin.selftest.messages import Writer
from plugin.selftest.outcomes import Failed, NotConfigured, Report
from plugin.selftest.stage import NAME, PATIENCE_SECONDS, Placed, Stage

MLLP, HTTP = "HL7 v2, MLLP", "HL7 v2, HTTP"
ORM, OMI = f"{MLLP}, ORM^O01", f"{MLLP}, OMI^O23"
SENDER = ("EHR-BRIDGE", "SELFTEST")
CHANGED = f"{NAME}^CHANGED"
LARGEST = 1_000_000
SOURCE = (
    f'a [[source]] in EHR_BRIDGE_HL7_SOURCES with application = "{SENDER[0]}", facility = "{SENDER[1]}", '
    'profile = "rad-4-2.5.1", addresses = ["127.0.0.1"] and no tls'
)


class Hl7Ehr:
    """Patients 1 and 2, orders 1 and 2 over MLLP; patient 3 and order 3 over HTTP."""

    def __init__(self, stage: Stage, report: Report) -> None:
        self._stage = stage
        self._report = report
        self._run = stage.run
        self._source = source = _source(stage)
        sender = SENDER if source is None else (source.application, source.facility)
        authority = (source and source.authority) or stage.issuer or ""
        self._mllp = Writer(stage.run, "|".join(sender), authority)
        self._http = Writer(stage.run, "|".join(SENDER), stage.issuer or "", count=100)

    def begin(self) -> None:
        """What comes before an examination."""
        self._play("RAD-1", "patient registered (ADT^A04)", self._register)
        self._play("RAD-12", "patient changed (ADT^A08)", self._change)
        self._play("RAD-2", "order placed (ORM^O01, NW)", self._place_orm)
        self._play("RAD-4", "procedure scheduled (OMI^O23, NW)", self._place_omi)
        self._report.play("RAD-2", HTTP, "order placed (ORM^O01, NW)", self._place_by_http)

    def end(self, require_gone: Callable[[str], None]) -> None:
        """What comes after it; `require_gone` looks whether an order has left the worklist."""
        self._play("RAD-2", "order cancelled (ORM^O01, CA)", lambda: self._cancel(require_gone))
        self._play("RAD-3", "order completed by the filler (ORM^O01, SC, CM)", self._complete)
        self._play("RAD-12", "records merged (ADT^A40)", self._merge)

    def _play(self, transaction: str, what: str, act: Callable[[], None]) -> None:
        self._report.play(transaction, MLLP, what, act)

    def _register(self) -> None:
        mrn = self._run.mrn(1)
        self._send(self._mllp.adt("A04", mrn))
        self._stage.require_patient(mrn, given_name=NAME.partition("^")[2])

    def _change(self) -> None:
        mrn = self._run.mrn(1)
        self._send(self._mllp.adt("A08", mrn, CHANGED))
        self._stage.require_patient(mrn, middle_name=CHANGED.rpartition("^")[2])

    def _place_orm(self) -> None:
        self._place(1, self._mllp.orm, ORM)

    def _place_omi(self) -> None:
        self._place(2, self._mllp.omi, OMI)

    def _place(self, number: int, message: Callable[[str, str, str], bytes], door: str) -> None:
        placed = Placed(door, self._run.accession_number(number), self._run.mrn(1))
        self._send(message("NW", placed.mrn, placed.accession_number))
        self._stage.require_order(placed)
        self._stage.placed.append(placed)

    def _place_by_http(self) -> None:
        placed = Placed(HTTP, self._run.accession_number(3), self._run.mrn(3))
        headers = {"Content-Type": "application/hl7-v2"}
        message = self._http.orm("NW", placed.mrn, placed.accession_number)
        _require_accepted(self._stage.ask("POST", "/api/v1/hl7", "service", data=message, headers=headers).text)
        self._stage.require_order(placed)
        self._stage.placed.append(placed)

    def _cancel(self, require_gone: Callable[[str], None]) -> None:
        self._port()
        placed = self._stage.of(ORM)
        self._send(self._mllp.orm("CA", placed.mrn, placed.accession_number, "CA"))
        self._stage.require_order(placed, "cancelled")
        require_gone(placed.accession_number)

    def _complete(self) -> None:
        self._port()
        placed = self._stage.of(HTTP)
        self._send(self._mllp.orm("SC", placed.mrn, placed.accession_number, "CM"))
        self._stage.require_order(placed, "completed")

    def _merge(self) -> None:
        survivor, merged = self._run.mrn(1), self._run.mrn(2)
        self._send(self._mllp.adt("A28", merged))
        self._send(self._mllp.merge(survivor, merged, CHANGED))
        self._stage.require_patient(merged, merged_into_id=self._stage.patient(survivor)["id"])

    def _port(self) -> int:
        """NotConfigured when it is off, or this machine is no source."""
        port, sources = self._stage.settings.hl7_port, self._stage.settings.hl7_sources
        if port is None:
            raise NotConfigured("EHR_BRIDGE_HL7_PORT")
        if sources is not None and self._source is None:
            raise NotConfigured(SOURCE)
        return port

    def _send(self, message: bytes) -> None:
        """Failed when it is not acknowledged with AA."""
        frames = Frames(LARGEST)
        address = ("127.0.0.1", self._port())
        with socket.create_connection(address, timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(framed(message))
            while data := connection.recv(65_536):
                for frame in frames.feed(data):
                    _require_accepted(frame.content.decode(errors="replace"))
                    return
        raise Failed("an acknowledgement", "the end of the connection")


def _source(stage: Stage) -> Source | None:
    """The configured source that it can be: it may connect from here without TLS, and is read by a shipped mapping."""
    sources = load_sources(stage.settings.hl7_sources, stage.settings.time_zone)
    fit = [one for one in sources.at("127.0.0.1") if one.tls is None and one.profile.name in SHIPPED]
    own = [one for one in fit if (one.application, one.facility) == SENDER]
    return next(iter([*own, *fit]), None)


def _require_accepted(ack: str) -> None:
    segments = {line[:3]: line.split("|") for line in ack.split("\r") if line}
    if segments.get("MSA", ["", ""])[1] != "AA":
        raise Failed("MSA-1 AA", " ".join(["|".join(segments.get(name, [])) for name in ("MSA", "ERR")]).strip())
