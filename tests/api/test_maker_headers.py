"""Files with the headers that real modalities write, sent as they are: each finds its order, and none another."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from datetime import date

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from ehr_bridge.matching import PatientFacts
from tests.api.conftest import Api
from tests.bench.headers import Sample, accented, filled, samples
from tests.support.samples import small

NAMES = (("Lindqvist", "Asa"), ("Muller", "Jorg"), ("Okafor", "Chidi"), ("Tanaka", "Yuki"), ("Grosse", "Paula"))


def patient(number: int) -> PatientFacts:
    family, given = NAMES[number % len(NAMES)]
    born = date(1950 + number % 50, 1 + number % 12, 1 + number % 28)
    sex = ("female", "male")[number % 2]
    return PatientFacts(
        uuid.uuid4(), f"{47_100_000 + number * 137}", None, accented(family), accented(given), born, sex
    )


def tell(api: Api, number: int, sample: Sample) -> str:
    """A patient and the order of these images; its id. Every other order has step and procedure ids of our own."""
    person = patient(number)
    body = {
        "family_name": person.family_name,
        "given_name": person.given_name,
        "birth_date": f"{person.birth_date}",
        "sex": person.sex,
    }
    api.call("PUT", f"/api/v1/patients/{person.mrn}", "service", json=body)
    own = {"scheduled_procedure_step_id": f"S{number}", "requested_procedure_id": f"R{number}"} if number % 2 else {}
    order = {"mrn": person.mrn, "modality": sample.modality, "description": "x", "scheduled_at": "2026-11-24T09:00:00Z"}
    answer = api.call("PUT", f"/api/v1/orders/A{number}", "service", json=order | own)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


@pytest.mark.parametrize("maker", sorted({sample.maker for sample in samples()}))
def test_headers_of_this_maker_find_their_orders(api: Api, maker: str) -> None:
    """Foreign steps and study UIDs, issuers, padded numbers, capitals, spelled out letters."""
    chance = random.Random(11)
    mine = [(number, one) for number, one in enumerate(samples()) if one.maker == maker]
    orders = [tell(api, number, sample) for number, sample in mine]
    for (number, sample), order_id in zip(mine, orders, strict=True):
        header = filled(sample, patient(number), f"A{number}", chance)
        items = []
        for each in header.pop("RequestAttributesSequence", []):
            item = Dataset()
            for keyword, value in each.items():
                setattr(item, keyword, value)
            items.append(item)
        header |= {"StudyInstanceUID": generate_uid(), "StudyDate": "20261124", "SpecificCharacterSet": "ISO_IR 192"}
        empty = {"AccessionNumber": "", "PatientBirthDate": "", "PatientSex": "", "PatientName": ""}
        if items:
            header["RequestAttributesSequence"] = items
        study = api.upload(small(**empty | header)).json["studies"][0]
        assert (study["match"]["kind"], study["match"]["order_id"]) == ("exact", order_id), (sample, study["match"])


def test_the_corpus_has_many_makers() -> None:
    """What it is for: headers of more than one vendor, with what RIS and worklists put there."""
    assert len(Counter(sample.maker for sample in samples())) >= 10
    foreign = [sample for sample in samples() if "SPS2032" in str(sample.header) or "10139735" in str(sample.header)]
    assert len(foreign) == 2
    assert any(sample.header.get("IssuerOfPatientID") for sample in samples())
    assert any(str(sample.header["PatientID"]).startswith("0") for sample in samples())
