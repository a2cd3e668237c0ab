"""HL7 v2 messages of a self-test, as an EHR and an order filler send them (IHE RAD-1, RAD-2, RAD-3, RAD-4, RAD-12).

Each value stands wherever one of the shipped mappings looks for it, so a message is understood in both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ehr_bridge.services.selftest.numbers import AE_TITLE, BIRTH_DATE, MODALITY, Run
from plugin.selftest.stage import NAME

WHEN = "209912311200+0000"


@dataclass(slots=True)
class Writer:
    """Writes the messages of one sender (MSH-3 and MSH-4)."""

    run: Run
    sender: str
    authority: str
    """PID-3.4."""
    count: int = 0

    def adt(self, event: str, mrn: str, name: str = NAME) -> bytes:
        return self._message(f"ADT^{event}^ADT_A01", "2.5.1", f"EVN|{event}|{_now()}", self._pid(mrn, name))

    def merge(self, mrn: str, prior: str, name: str = NAME) -> bytes:
        """The record of `prior` goes into that of `mrn`."""
        segments = (f"EVN|A40|{_now()}", self._pid(mrn, name), f"MRG|{prior}^^^{self.authority}^MR||||||{NAME}")
        return self._message("ADT^A40^ADT_A39", "2.5.1", *segments)

    def orm(self, control: str, mrn: str, accession: str, state: str = "SC") -> bytes:
        """ORM^O01 of version 2.3.1, the Study Instance UID in ZDS."""
        return self._message(
            "ORM^O01", "2.3.1", self._pid(mrn), *_order(control, accession, state), self._zds(accession)
        )

    def omi(self, control: str, mrn: str, accession: str, state: str = "SC") -> bytes:
        """OMI^O23 of version 2.5.1, the numbers in IPC and in OBR."""
        orc, obr = _order(control, accession, state)
        fields = {1: accession, 2: accession, 3: self._study(accession), 4: accession, 5: MODALITY, 9: AE_TITLE}
        timing = _segment("TQ1", {1: "1", 7: WHEN, 9: "R"})
        segments = (self._pid(mrn), orc, timing, obr, _segment("IPC", fields), self._zds(accession))
        return self._message("OMI^O23^OMI_O23", "2.5.1", *segments)

    def _message(self, kind: str, version: str, *segments: str) -> bytes:
        self.count += 1
        number = f"{self.run.prefix}{self.count}"
        header = f"MSH|^~\\&|{self.sender}|PACS|PACS|{_now()}||{kind}|{number}|P|{version}||||||UNICODE UTF-8"
        return "\r".join([header, *segments, ""]).encode()

    def _pid(self, mrn: str, name: str = NAME) -> str:
        born = BIRTH_DATE.replace("-", "")
        return _segment("PID", {1: "1", 3: f"{mrn}^^^{self.authority}^MR", 5: name, 7: born, 8: "O"})

    def _zds(self, accession: str) -> str:
        return f"ZDS|{self._study(accession)}^^Application^DICOM"

    def _study(self, accession: str) -> str:
        return self.run.uid(f"study {accession}")


def _order(control: str, accession: str, state: str) -> tuple[str, str]:
    numbers = {2: f"P{accession}", 3: f"F{accession}"}
    timing = f"1^once^^{WHEN}^^R"
    orc = _segment("ORC", numbers | {1: control, 5: state, 7: timing, 18: AE_TITLE})
    request = {1: "1", 4: "SELFTEST^Self-test^L", 18: accession, 19: accession, 20: accession, 24: MODALITY}
    return orc, _segment("OBR", numbers | request | {27: timing})


def _segment(name: str, fields: Mapping[int, str]) -> str:
    return "|".join([name, *(fields.get(number, "") for number in range(1, max(fields) + 1))])


def _now() -> str:
    return f"{datetime.now(UTC):%Y%m%d%H%M%S}+0000"
