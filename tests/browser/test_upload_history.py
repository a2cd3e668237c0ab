"""The upload history: finding one upload among many, and from a study to what brought it."""

from __future__ import annotations

import re
import uuid

import pydicom
import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import People
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually

OCTETS = {"Content-Type": "application/dicom"}
ASKED = "Object.values(history.state?.usr?.texts ?? {}).sort()"


@pytest.fixture(scope="module")
def uploads(demo: Server) -> dict[str, str]:
    """A disc of which one of two announced files came, and a file that a program sent; the UID of each study."""
    uids = {}
    for source, name in (("cd_import", "disc-slice.dcm"), ("api", "program-slice.dcm")):
        uids[source] = str(pydicom.uid.generate_uid())
        headers = OCTETS | {"X-Upload-Source": source, "X-File-Name": name, "X-Upload-Id": str(uuid.uuid4())}
        token = user_token("technician", subject=f"sender-{source}")
        data = small(StudyInstanceUID=uids[source], PatientID="CD-9")
        answer = demo.request("POST", "/api/v1/dicom/upload", token, data=data, headers=headers)
        assert answer.status_code == 201, answer.text
    return uids


def found(page: Page, count: int) -> None:
    expect(page.get_by_text(f"{count} upload{'' if count == 1 else 's'}", exact=True)).to_be_visible()


def test_state_way_and_days_narrow_the_list_and_stand_in_the_address(people: People, uploads: dict[str, str]) -> None:
    """A reload asks the same question again; a day on which nothing came says so, and the way back is there."""
    page = people.go("nurse", "/uploads")
    page.get_by_label("Source").select_option(label="A disc")
    page.get_by_label("Status").select_option(label="Complete")
    expect(page).to_have_url(re.compile("status=success&source=cd_import"))
    expect(page.get_by_role("row", name=re.compile("sender-cd_import"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("sender-api"))).to_have_count(0)
    page.reload()
    expect(page.get_by_label("Source")).to_have_value("cd_import")
    expect(page.get_by_role("row", name=re.compile("sender-cd_import"))).to_be_visible()
    page.get_by_label("From", exact=True).fill("2020-01-01")
    page.get_by_label("To", exact=True).fill("2020-01-02")
    expect(page.get_by_text("No matching uploads")).to_be_visible()
    page.get_by_role("button", name="Show all uploads").click()
    expect(page.get_by_role("row", name=re.compile("sender-api"))).to_be_visible()


@pytest.mark.parametrize(
    ("texts", "count"),
    [
        ({"Sent by": "sender-api"}, 1),
        ({"Sent by": "sender"}, 0),
        ({"File name": "PROGRAM-sl"}, 1),
        ({"MRN": "nobody-has-this"}, 0),
        ({"MRN": "MRN-1002"}, 1),
        ({"Sent by": "radiographer", "MRN": "MRN-1002"}, 1),
        ({"Sent by": "sender-api", "MRN": "MRN-1002"}, 0),
        ({"Sent by": "sender-api", "File name": "program", "Network address": "127.0.0.1"}, 1),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_what_is_searched_for_narrows_the_list_together_and_stays_out_of_the_address(
    people: People, uploads: dict[str, str], texts: dict[str, str], count: int
) -> None:
    """Who, file, patient and address; a number nobody has finds nothing, which is no error; a reload asks again."""
    page = people.go("nurse", "/uploads")
    for label, text in texts.items():
        page.get_by_label(label, exact=True).fill(text)
    for _ in range(2):
        if count:
            found(page, count)
        else:
            expect(page.get_by_text("No matching uploads")).to_be_visible()
        assert page.url.endswith("/ehr/uploads")
        eventually(lambda: page.evaluate(ASKED) == sorted(texts.values()))  # all of it, not only what was typed first
        page.reload()
        for label, text in texts.items():
            expect(page.get_by_label(label, exact=True)).to_have_value(text)


def test_what_is_typed_goes_together_with_what_is_chosen(people: People, uploads: dict[str, str]) -> None:
    """A sender's discs of a day; showing all empties every field."""
    page = people.go("nurse", "/uploads")
    page.get_by_label("Sent by").fill("sender-cd_import")
    found(page, 1)
    page.get_by_label("Source").select_option(label="A program")
    expect(page.get_by_text("No matching uploads")).to_be_visible()
    expect(page.get_by_label("Sent by")).to_have_value("sender-cd_import")
    page.get_by_role("button", name="Show all uploads").click()
    expect(page.get_by_role("row", name=re.compile("sender-api"))).to_be_visible()
    expect(page.get_by_label("Sent by")).to_have_value("")


def test_a_study_leads_to_its_uploads_and_to_its_part_of_the_audit_trail(
    people: People, uploads: dict[str, str]
) -> None:
    """The trail only for who may read it."""
    page = people.go("nurse", f"/studies/{uploads['api']}")
    page.get_by_role("link", name="Uploads of this study").click()
    expect(page.get_by_text("Only uploads of the study")).to_be_visible()
    found(page, 1)
    expect(page.get_by_role("row", name=re.compile("sender-api"))).to_be_visible()
    page.get_by_role("button", name="Show all uploads").click()
    expect(page.get_by_role("row", name=re.compile("sender-cd_import"))).to_be_visible()
    page.go_back()
    page = people.go("nurse", f"/studies/{uploads['api']}")
    assert page.get_by_role("link", name="Audit trail of this study").count() == 0

    page = people.go("admin", f"/studies/{uploads['api']}")
    page.get_by_role("link", name="Audit trail of this study").click()
    expect(page.get_by_text("Only events of the study")).to_be_visible()
    rows = page.get_by_role("table", name="Events").get_by_role("row")
    expect(rows.nth(1).get_by_title(uploads["api"])).to_be_visible()
    expect(page.get_by_role("table", name="Events")).to_contain_text("Study received")
    expect(page.get_by_role("table", name="Events")).not_to_contain_text(uploads["cd_import"])
