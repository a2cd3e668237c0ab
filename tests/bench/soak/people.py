"""Those who send, ask, report and delete; HTTP clients go on at the other node when one fails, as behind a proxy."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

import requests
from pydicom.uid import generate_uid

from tests.bench.soak.ledger import Ledger, Sent
from tests.bench.soak.plan import Plan
from tests.bench.soak.trying import PATIENCE_SECONDS, GaveUp, Refused, expect, persist
from tests.bench.soak.world import TITLE, World
from tests.live.filing_steps import REPORTS, TEXT, radiologist
from tests.live.worklist_steps import find
from tests.support import fhir
from tests.support.messages import adt, encoded, omi
from tests.support.mllp import Peer, verdict
from tests.support.samples import small
from tests.support.scu import message_of, send
from tests.support.server import Server, user_token
from tests.support.steps import study

LONG_AGO = "202603021015+0100"
"""The appointment in the order messages."""
PAUSE = 0.1
"""Seconds between two looks whether a study is shown."""
APPOINTMENTS = 10
"""Every tenth ordered examination is to be done now."""
PERSON = {"family_name": "Lindqvist", "given_name": "Åsa", "birth_date": "1961-03-14", "sex": "female"}


class People:
    """Each method is one act; each is called by one thread only."""

    def __init__(self, world: World, plan: Plan, ledger: Ledger) -> None:
        self._world, self._plan, self._ledger = world, plan, ledger
        self._numbers = itertools.count(1)
        self._uploading: Sent | None = None
        self._searched = 0

    def acts(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """What is done, by the names of the plan."""
        yield "upload", self.upload
        yield "C-STORE", self.store
        yield "worklist", self.ask_worklist
        yield "HL7", Sender(self._world.hl7[0], "A", self._ledger).send
        yield "HL7", Sender(self._world.hl7[1], "B", self._ledger).send
        yield "FHIR search", self.search
        yield "FHIR write", self.write_fhir
        yield "view", self.view
        yield "report", self.report
        yield "deletion", self.delete

    def study(self, images: int) -> Sent:
        """One that is uploaded at once: for the viewer."""
        sent = self._new()
        for _ in range(images):
            self._upload_into(sent)
        return sent

    def upload(self) -> None:
        """The next image of a study."""
        sent = self._uploading = self._uploading or self._new()
        self._upload_into(sent)
        if len(sent.images) == self._plan.images:
            self._ledger.whole.append(sent)
            self._uploading = None

    def _upload_into(self, sent: Sent) -> None:
        data, sop, digest = self._image(sent)
        options = {"Content-Type": "application/dicom", "X-Order-Id": sent.order_id}

        def act(tries: int) -> None:
            node, token = self._node(sent.home + tries), user_token("technician", subject="soak")
            expect(node.request("POST", "/api/v1/dicom/upload", token, data=data, headers=options), 201)

        persist(self._ledger, "upload", act)
        sent.images[sop] = digest

    def store(self) -> None:
        """A modality sends a study to the one node it knows, and again whatever was not taken. The study is shown a
        moment after the last image was taken; nobody opens it before."""
        sent = self._new()
        waiting = [self._image(sent) for _ in range(max(2, self._plan.images // 2))]

        def act(_tries: int) -> None:
            statuses = send(self._node(sent.home).dicom_port, [message_of(one[0]) for one in waiting], TITLE)
            refused = []
            for one, status in zip(waiting, statuses, strict=True):
                if status == 0:
                    sent.images[one[1]] = one[2]
                else:
                    refused.append(one)
            if len(statuses) < len(waiting) or refused:
                waiting[:] = refused
                raise Refused(f"status {sorted({f'{one:#06x}' if one is not None else 'none' for one in statuses})}")

        persist(self._ledger, "C-STORE", act)
        self._wait_until_shown(sent)
        self._ledger.whole.append(sent)

    def _wait_until_shown(self, sent: Sent) -> None:
        begin = time.monotonic()
        for tries in itertools.count():
            with suppress(requests.RequestException, AssertionError):
                found = study(self._node(sent.home + tries), sent.uid)
                if found is not None and found["number_of_instances"] == len(sent.images):
                    break
            if time.monotonic() - begin > PATIENCE_SECONDS:
                raise GaveUp("C-STORE until shown")
            time.sleep(PAUSE)
        self._ledger.note_done("C-STORE until shown", time.monotonic() - begin)

    def ask_worklist(self) -> None:
        """A modality asks for an order that its sender was told is taken. Its appointment is now: while the database is
        away a node answers from memory, which holds what is around now."""
        if not self._ledger.appointments:
            return
        accession = random.choice(self._ledger.appointments)

        def act(tries: int) -> None:
            keys = {"AccessionNumber": accession, "PatientName": "", "Modality": ""}
            statuses, items = find(self._node(len(accession) + self._ledger.done["worklist"] + tries), TITLE, keys)
            if not statuses or statuses[-1] != 0:
                raise Refused(f"status {statuses[-1:]}")
            if [one.AccessionNumber for one in items] != [accession]:
                raise Refused(f"{len(items)} items instead of one")

        persist(self._ledger, "worklist", act)

    def search(self) -> None:
        """The EHR looks for an order, by turns on each node."""
        accession = self._some_order()
        self._searched += 1
        if accession is None:
            return

        def act(tries: int) -> None:
            at = (self._searched + tries) % 2
            answer = expect(self._world.ask_fhir(at, "GET", f"ServiceRequest?identifier={accession}"), 200)
            if (found := len(answer.json().get("entry", []))) != 1:
                raise Refused(f"{found} orders instead of one", is_surprise=True)

        persist(self._ledger, "FHIR search", act)

    def write_fhir(self) -> None:
        """The EHR registers a patient and an order."""
        number = f"F{next(self._numbers):07}"
        whose = {"identifier": fhir.identifier("MR", number)}

        def put(tries: int, kind: str, body: object) -> None:
            at = (len(self._ledger.orders) + tries) % 2
            expect(self._world.ask_fhir(at, "PUT", f"{kind}?identifier={number}", body), 200, 201)

        persist(self._ledger, "FHIR write", lambda tries: put(tries, "Patient", fhir.patient(number)))
        order = fhir.request(number) | {"subject": whose}
        persist(self._ledger, "FHIR write", lambda tries: put(tries, "ServiceRequest", order))
        self._ledger.orders[number] = number

    def view(self) -> None:
        """A doctor opens a study that has just come: every image that was acknowledged is in its metadata."""
        sent = self._ledger.some_whole()
        if sent is None:
            return

        def act(tries: int) -> None:
            node, body = self._node(self._ledger.done["view"] + tries), {"study_instance_uids": [sent.uid]}
            asked = node.request("POST", "/api/v1/dicom/viewer-token", user_token("doctor", subject="dora"), json=body)
            if sent not in self._ledger.whole:
                return  # somebody may be deleting it
            token = expect(asked, 201).json()["token"]
            answer = node.request("GET", f"/dicom-web/studies/{sent.uid}/metadata", token)
            if sent not in self._ledger.whole:
                return
            found = {one["00080018"]["Value"][0] for one in expect(answer, 200).json()}
            if found != set(sent.images):
                raise Refused(f"{len(found)} of {len(sent.images)} images")

        persist(self._ledger, "view", act)

    def report(self) -> None:
        """A radiologist drafts, saves and signs; after a lost answer they look what there is."""
        sent = self._ledger.take_whole()
        if sent is None:
            return

        def act(tries: int) -> str:
            node = self._node(sent.home + tries)
            found = expect(node.request("GET", f"{REPORTS}?study={sent.uid}", radiologist()), 200).json()["items"]
            if not found:
                body = {"study_instance_uid": sent.uid}
                found = [expect(node.request("POST", REPORTS, radiologist(), json=body), 201).json()]
            path = f"{REPORTS}/{found[0]['id']}"
            answer = expect(node.request("GET", path, radiologist()), 200)
            if answer.json()["status"] != "final":
                sections = [one | {"text": TEXT} for one in answer.json()["draft"]["sections"]]
                saved = node.request("PUT", path, radiologist(), json={"sections": sections}, headers=_tag(answer))
                signed = node.request("POST", f"{path}/sign", radiologist(), json={}, headers=_tag(expect(saved, 200)))
                expect(signed, 200)
            return str(found[0]["id"])

        self._ledger.reports[sent.uid] = persist(self._ledger, "report", act)

    def delete(self) -> None:
        """One asks for the deletion of a study, another approves it; it is purged at once."""
        sent = self._ledger.take_whole()
        if sent is None:
            return

        def act(tries: int) -> str:
            node = self._node(sent.home + tries)
            asking = user_token("radiologist", subject="rita")
            deciding = user_token("manager", subject="max")
            path = f"/api/v1/deletions?study={sent.uid}"
            found = expect(node.request("GET", path, deciding), 200).json()["items"]
            if not found:
                path, headers = f"/api/v1/dicom/studies/{sent.uid}", {"X-Reason": "a soak"}
                found = [expect(node.request("DELETE", path, asking, headers=headers), 202).json()]
            if found[0]["status"] == "pending":
                expect(node.request("POST", f"/api/v1/deletions/{found[0]['id']}/approve", deciding), 200)
            return str(found[0]["id"])

        self._ledger.deletions[sent.uid] = persist(self._ledger, "deletion", act)

    def _new(self) -> Sent:
        """A patient, an order and the study that answers it."""
        count = next(self._numbers)
        number = f"S{count:07}"

        def put(tries: int, path: str, body: dict[str, str]) -> dict[str, str]:
            return dict(expect(self._node(count + tries).put(path, body), 200, 201).json())

        persist(self._ledger, "order", lambda tries: put(tries, f"/api/v1/patients/{number}", PERSON))
        body = {"mrn": number, "modality": "MR", "description": "Brain", "ordered_by": "Ekström^Maria"}
        order = persist(self._ledger, "order", lambda tries: put(tries, f"/api/v1/orders/{number}", body))
        self._ledger.orders[number] = number
        sent = Sent(str(generate_uid()), str(generate_uid()), order["id"], number, count % 2)
        self._ledger.studies[sent.uid] = sent
        return sent

    def _image(self, sent: Sent) -> tuple[bytes, str, str]:
        """A file, its SOP Instance UID and the digest of its pixels."""
        side, sop = self._plan.side, str(generate_uid())
        drawn = os.urandom(2 * side * side)
        data = small(
            Rows=side,
            Columns=side,
            PixelData=drawn,
            SOPInstanceUID=sop,
            StudyInstanceUID=sent.uid,
            SeriesInstanceUID=sent.series,
            AccessionNumber=sent.accession_number,
            PatientID=sent.accession_number,
            PatientName="LINDQVIST^ASA",
            PatientBirthDate="19610314",
        )
        return data, sop, hashlib.sha256(drawn).hexdigest()

    def _node(self, at: int) -> Server:
        return self._world.nodes[at % 2]

    def _some_order(self) -> str | None:
        """One that came by HL7: no images come for it."""
        found = [one for one in list(self._ledger.orders) if one[0] in "AB"]
        return random.choice(found) if found else None


def _tag(answer: requests.Response) -> dict[str, str]:
    return {"If-Match": answer.headers["ETag"]}


class Sender:
    """A system that sends HL7 over one connection to the one node it knows, each message until it is accepted."""

    def __init__(self, port: int, name: str, ledger: Ledger) -> None:
        self._port, self._name, self._ledger = port, name, ledger
        self._peer: Peer | None = None
        self._count = 0
        self._lock = threading.Lock()

    def send(self) -> None:
        number = f"{self._name}{self._count // 2:07}"
        is_order = self._count % 2 == 1
        control = f"{self._name}{self._count}"
        is_now = is_order and self._count // 2 % APPOINTMENTS == 0
        made = omi("NW", number, number, control_id=control) if is_order else adt("A04", number, control_id=control)
        sent = encoded(made.replace(LONG_AGO, f"{datetime.now().astimezone():%Y%m%d%H%M%z}") if is_now else made)
        persist(self._ledger, "HL7", lambda _tries: self._send(sent))
        self._count += 1
        if is_order:
            self._ledger.orders[number] = number
        if is_now:
            self._ledger.appointments.append(number)

    def _send(self, content: bytes) -> None:
        with self._connected() as peer:
            said = peer.send(content)
            if not said:
                raise ConnectionError("hung up")
        if (code := verdict(said)[0]) != "AA":
            raise Refused(f"{code} {next((one for one in said.split('\r') if one.startswith('ERR')), '')[:80]}")

    @contextmanager
    def _connected(self) -> Iterator[Peer]:
        """The connection there is, or a new one; one that failed is not used again."""
        with self._lock:
            peer = self._peer or Peer(self._port)
            self._peer = None
            yield peer
            self._peer = peer
