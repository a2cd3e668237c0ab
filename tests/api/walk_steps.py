"""A few people do whatever comes to their mind to a few studies."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pydicom
from pydicom.uid import generate_uid

from ehr_bridge.services.intake.quarantine_records import Sender
from tests.api import message_steps
from tests.api.conftest import Api
from tests.api.fhir_steps import fhir_of
from tests.api.link_steps import one, put_order, put_patient
from tests.api.tag_steps import jobs
from tests.support import fhir, messages
from tests.support.samples import encoded, small

STEPS = 30
PEOPLE = {"MRN-1": ("Lindqvist", "Åsa"), "MRN-2": ("Okafor", "Chidi")}
ORDERS = {"ACC-1": "MRN-1", "ACC-2": "MRN-2", "ACC-3": "MRN-1"}
LATER = timedelta(seconds=11)


class Walk:
    """One sequence of what may be asked for; what is refused changes nothing, and is part of it."""

    def __init__(self, api: Api, folder: Path, seed: int) -> None:
        self.api, self.folder, self.chance = api, folder, random.Random(seed)
        self.uids = [str(generate_uid(entropy_srcs=[str(seed), str(number)])) for number in range(3)]
        self.people, self.orders = dict(PEOPLE), dict(ORDERS)
        """Also who and what was registered at the desk."""
        self.fhir = fhir_of(api)
        self.done: list[str] = []
        self.about = ""
        for mrn, (family, given) in PEOPLE.items():
            put_patient(api, mrn, 201, family_name=family, given_name=given)
        for accession, mrn in ORDERS.items():
            put_order(api, accession, mrn)
        for uid in self.uids:
            self.send(uid)

    def run(self) -> None:
        steps: list[Callable[[], Any]] = [
            self.work, self.work, self.link, self.link, self.unlink, self.undo, self.undo, self.rename, self.move,
            self.cancel, self.merge, self.unmerge, self.take_back, self.take_back, self.send_again, self.correct,
            self.state, self.use_again, self.decide, self.stray, self.stray, self.other_content, self.give,
            self.discard, self.register, self.place, self.message, self.message, self.resource, self.transaction,
        ]  # fmt: skip
        for _ in range(STEPS):
            step = self.chance.choice(steps)
            answer = step()
            self.done.append(f"{step.__name__} {self.about} {getattr(answer, 'status_code', '')}")
            self.about = ""
            assert getattr(answer, "status_code", 200) < 500, answer.text
        for later in (timedelta(), timedelta(), timedelta(), LATER, LATER):
            while jobs(self.api, self.folder, later).run():
                pass

    def uid(self) -> str:
        uid = self.chance.choice(self.uids)
        self.about += f"study {self.uids.index(uid)} "
        return uid

    def say(self, method: str, path: str, *roles: str, **body: Any) -> Any:
        self.about += str({name: value for name, value in body.items() if name != "expected"} or "")
        return self.api.call(method, f"/api/v1/{path}", *roles, json={"reason": "a reason", **body})

    def teller(self) -> str:
        """The EHR, or a person at the desk."""
        return self.chance.choice(("service", "reception"))

    def register(self) -> Any:
        """A patient at the desk: one with a name, or an emergency."""
        if self.chance.random() < 0.5:
            answer = self.api.call("POST", "/api/v1/patients/emergency", "reception", json={"sex": "female"})
            made = answer.json["patient"]
        else:
            answer = self.say("POST", "patients", "reception", family_name="Novak", given_name="Iva")
            made = answer.json
        self.people[made["mrn"]] = (made["family_name"], made["given_name"])
        return answer

    def place(self) -> Any:
        """An order at the desk."""
        mrn = self.chance.choice([*self.people])
        answer = self.say("POST", "orders", "reception", mrn=mrn, modality="MR", description="MR knee")
        if answer.status_code == 201:
            self.orders[answer.json["accession_number"]] = mrn
        return answer

    def send(self, uid: str, **headers: str) -> Any:
        return self.api.upload(small(StudyInstanceUID=uid, SeriesInstanceUID=f"{uid[:50]}.1"), headers=headers)

    def send_again(self) -> Any:
        headers = self.chance.choice(({}, {"X-Order-Id": self.chance.choice([*self.orders])}))
        return self.send(self.uid(), **headers)

    def stray(self) -> Any:
        """A stranger's image under the UID of a study: never stored, never lost."""
        data = small(StudyInstanceUID=self.uid(), PatientID="SCAN-8")
        before, answer = len(self.api.archive.instances), self.api.upload(data)
        assert (answer.status_code, len(self.api.archive.instances)) == (409, before), self.done
        return answer

    def other_content(self) -> Any:
        """Another image with all UIDs of a stored one."""
        data = self.chance.choice([*self.api.archive.instances.values()])
        ds = pydicom.dcmread(io.BytesIO(data))
        ds.PixelData = bytes(128)
        sender = Sender("c_store", "ae:MR1")
        self.api.services.quarantine.keep(encoded(ds), "same_uid_other_content", sender)

    def give(self) -> Any:
        waiting = self.api.get("/api/v1/quarantine", "technician").json["items"]
        if not waiting:
            return None
        to = self.chance.choice(({"order_id": self.chance.choice([*self.orders])}, {"patient_id": "MRN-2"}))
        return self.say("POST", f"quarantine/{self.chance.choice(waiting)['id']}/give", "technician", **to)

    def discard(self) -> Any:
        found = self.api.get("/api/v1/quarantine?status=all", "technician").json["items"]
        what = self.chance.choice(("discard", "reopen"))
        return self.say("POST", f"quarantine/{self.chance.choice(found)['id']}/{what}", "technician") if found else None

    def work(self) -> None:
        jobs(self.api, self.folder).run()

    def link(self) -> Any:
        uid = self.uid()
        to = self.chance.choice(
            ({"order_id": self.chance.choice([*self.orders])}, {"patient_id": self.chance.choice([*self.people])})
        )
        version = one(self.api, uid)["version"]
        return self.say("POST", f"reconciliation/{uid}/link", "technician", expected=version, **to)

    def unlink(self) -> Any:
        return self.say("POST", f"reconciliation/{self.uid()}/unlink", "technician")

    def undo(self) -> Any:
        made = self.api.get(f"/api/v1/dicom/studies/{self.uid()}/history", "nurse").json["items"]
        ids = [step["job_id"] for step in made if step.get("job_id")]
        if not ids:
            return None
        return self.say("POST", f"modifications/{self.chance.choice(ids[-3:])}/undo", "technician")

    def rename(self) -> Any:
        mrn = self.chance.choice([*self.people])
        body = {
            "family_name": self.chance.choice(("Berg", "Dahl", self.people[mrn][0])),
            "given_name": self.people[mrn][1],
        }
        return self.say("PUT", f"patients/{mrn}", self.teller(), **body)

    def use_again(self) -> Any:
        """The EHR puts another person on the number, or the former one again."""
        mrn = self.chance.choice([*self.people])
        other = ("Zimmer", "Zora", "1999-09-09", "male")
        family, given, born, sex = self.chance.choice((other, (*self.people[mrn], "1961-03-14", "female")))
        body = {"family_name": family, "given_name": given, "birth_date": born, "sex": sex}
        return self.api.call("PUT", f"/api/v1/patients/{mrn}", "service", json=body)

    def decide(self) -> Any:
        pending = self.api.get("/api/v1/changes?decision=pending", "nurse").json["items"]
        if not pending:
            return None
        word = self.chance.choice(("agree", "refuse"))
        return self.say("POST", f"changes/{self.chance.choice(pending)['id']}/{word}", "technician")

    def move(self) -> Any:
        accession, mrn = self.chance.choice([*self.orders]), self.chance.choice([*self.people])
        body = {"mrn": mrn, "modality": "MR", "description": "MR brain"}
        return self.say("PUT", f"orders/{accession}", self.teller(), **body)

    def state(self) -> Any:
        accession = self.chance.choice([*self.orders])
        mrn = self.api.get(f"/api/v1/orders/{accession}", "nurse").json["mrn"]
        said = self.chance.choice(("arrived", "completed", "reported"))
        body = {"mrn": mrn, "modality": "MR", "description": "MR brain", "status": said}
        return self.api.call("PUT", f"/api/v1/orders/{accession}", "service", json=body)

    def cancel(self) -> Any:
        return self.say("POST", f"orders/{self.chance.choice([*self.orders])}/cancel", self.teller())

    def merge(self) -> Any:
        mrn, into = self.chance.sample([*self.people], 2)
        return self.say("POST", f"patients/{mrn}/merge", self.teller(), into=into)

    def unmerge(self) -> Any:
        return self.say("POST", f"patients/{self.chance.choice([*self.people])}/unmerge", self.teller())

    def take_back(self) -> Any:
        found = self.api.get("/api/v1/changes?limit=4", "nurse").json["items"]
        return self.say("POST", f"changes/{self.chance.choice(found)['id']}/undo", self.teller()) if found else None

    def correct(self) -> Any:
        changes = {"StudyDate": self.chance.choice(("20260201", "20260202"))}
        return self.say("POST", "dicom/modify-tags", "technician", study_instance_uid=self.uid(), changes=changes)

    def somebody(self) -> tuple[str, str, str]:
        """A number, and a name for it: of a patient who is known, or of a new one."""
        mrn = self.chance.choice([*self.people, f"MRN-{self.chance.randrange(3, 6)}"])
        family, given = self.people.setdefault(mrn, ("Lindqvist", "Åsa"))
        return mrn, self.chance.choice(("Berg", "Dahl", family)), given

    def message(self) -> Any:
        """HL7 v2 of the EHR: a patient, an order, a merge, or a cancellation."""
        (mrn, family, given), accession = self.somebody(), self.chance.choice([*self.orders, "ACC-7", "ACC-8"])
        control = self.chance.choice(("NW", "XO", "CA"))
        text = self.chance.choice(
            (
                messages.adt(self.chance.choice(("A04", "A08", "A28")), mrn, f"{family}^{given}"),
                messages.orm(control, accession, mrn),
                messages.omi(control, accession, mrn),
                messages.merge("A40", mrn, self.chance.choice([*self.people])),
            )
        )
        answer = message_steps.send(self.api, text)
        self.about += f"{text.split('|')[8]} {control} {accession} {mrn} {family}: {answer.text[:400].split('MSA')[-1]}"
        self._follow(accession, mrn)
        return answer

    def resource(self) -> Any:
        """FHIR of the EHR: a conditional create or update of a patient or an order."""
        kind, method = self.chance.choice(("Patient", "ServiceRequest")), self.chance.choice(("POST", "PUT"))
        (mrn, family, given), accession = self.somebody(), self.chance.choice([*self.orders, "ACC-8", "ACC-9"])
        condition = f"identifier={mrn if kind == 'Patient' else accession}"
        body = self._patient(mrn, family, given) if kind == "Patient" else self._request(accession, mrn)
        headers = {"If-None-Exist": condition} if method == "POST" else {}
        path = f"/fhir/{kind}" if method == "POST" else f"/fhir/{kind}?{condition}"
        self.about += f"{method} {path} {mrn} {family}"
        answer = self.fhir.call(method, path, "service", json=body, headers=headers)
        self._follow(accession, mrn)
        return answer

    def transaction(self) -> Any:
        """A patient and an order for them, whole or not at all."""
        (mrn, family, given), accession = self.somebody(), self.chance.choice([*self.orders, "ACC-9"])
        entries = (
            fhir.entry("PUT", f"Patient?identifier={mrn}", self._patient(mrn, family, given)),
            fhir.entry("PUT", f"ServiceRequest?identifier={accession}", self._request(accession, mrn)),
        )
        self.about += f"{accession} {mrn} {family}"
        answer = self.fhir.call("POST", "/fhir", "service", json=fhir.bundle("transaction", *entries))
        self._follow(accession, mrn)
        return answer

    def _patient(self, mrn: str, family: str, given: str) -> dict[str, Any]:
        return fhir.patient(mrn, name=[{"use": "official", "family": family, "given": [given]}])

    def _request(self, accession: str, mrn: str) -> dict[str, Any]:
        whose = {"identifier": fhir.identifier("MR", mrn)}
        status = self.chance.choice(("active", "active", "revoked"))
        return fhir.request(accession) | {"subject": whose, "status": status}

    def _follow(self, accession: str, mrn: str) -> None:
        """What other steps may name from now on: only what exists."""
        if self.api.get(f"/api/v1/patients/{mrn}", "nurse").status_code != 200:
            self.people.pop(mrn, None)
        if self.api.get(f"/api/v1/orders/{accession}", "nurse").status_code == 200:
            self.orders.setdefault(accession, mrn)
