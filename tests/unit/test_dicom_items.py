"""A text from inside a sequence."""

from __future__ import annotations

import io

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom import read_header
from ehr_bridge.dicom.reading.items import first_item_text
from ehr_bridge.matching import RequestAttributes
from ehr_bridge.services.identity.attributes import identity_to_json, read_identity, stored_identity
from tests.support.samples import encoded, small

REQUEST, STEP = 0x00400275, 0x00400009


def with_request(syntax: str, *, is_open: bool, item: Dataset | None) -> bytes:
    """A small file with a Request Attributes Sequence of that item."""
    ds = dcmread(io.BytesIO(small()))
    ds.RequestAttributesSequence = Sequence([item] if item is not None else [])
    ds["RequestAttributesSequence"].is_undefined_length = is_open
    if item is not None:
        item.is_undefined_length_sequence_item = is_open
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds["PixelData"].VR = "OW"
    return encoded(ds)


def request(step: str | None) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "X", "99LOCAL", "head"
    item = Dataset()
    item.AccessionNumber = "ACC-7"
    item.ScheduledProtocolCodeSequence = Sequence([code])
    if step is not None:
        item.ScheduledProcedureStepID = step
    return item


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_the_step_is_read_from_the_request_in_every_encoding(syntax: str, is_open: bool) -> None:
    """Behind another sequence, whose items may have lengths or not."""
    data = with_request(syntax, is_open=is_open, item=request("STEP-1 "))
    assert first_item_text(read_header(data), REQUEST, STEP) == "STEP-1"
    assert read_identity(read_header(data)).scheduled_procedure_step_id == "STEP-1"


@pytest.mark.parametrize("item", [None, request(None), Dataset()])
def test_a_request_without_step_says_nothing(item: Dataset | None) -> None:
    """Nor does a file without request."""
    data = with_request(ExplicitVRLittleEndian, is_open=False, item=item)
    assert first_item_text(read_header(data), REQUEST, STEP) == ""
    assert first_item_text(read_header(small()), REQUEST, STEP) == ""


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_each_request_is_read_in_every_encoding(syntax: str, is_open: bool) -> None:
    """Items and what is in them may have lengths or not; an issuer is in a sequence of its own. One item is none."""
    ds = dcmread(io.BytesIO(small()))
    items = [request("STEP-1"), Dataset(), request(None)]
    issuer = Dataset()
    issuer.LocalNamespaceEntityID = "SITE-A"
    items[2].IssuerOfAccessionNumberSequence, items[2].RequestedProcedureID = Sequence([issuer]), "RP-3"
    ds.RequestAttributesSequence = Sequence(items)
    for item in (*items, issuer):
        item.is_undefined_length_sequence_item = is_open
    for sequence in (ds["RequestAttributesSequence"], items[2]["IssuerOfAccessionNumberSequence"]):
        sequence.is_undefined_length = is_open
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds["PixelData"].VR = "OW"
    assert read_identity(read_header(encoded(ds))).requests == (
        RequestAttributes("ACC-7", "", "STEP-1", ""),
        RequestAttributes(),
        RequestAttributes("ACC-7", "SITE-A", "", "RP-3"),
    )
    data = with_request(syntax, is_open=is_open, item=request("STEP-1"))
    assert read_identity(read_header(data)).requests == ()


def test_requests_come_back_as_they_were_stored() -> None:
    """By keyword, in the row of the study."""
    ds = dcmread(io.BytesIO(small()))
    ds.RequestAttributesSequence = Sequence([request("STEP-1"), request(None)])
    identity = read_identity(read_header(encoded(ds)))
    study = Study(received_identity=identity_to_json(identity), corrections={}, modalities=[])
    assert stored_identity(study).requests == identity.requests
