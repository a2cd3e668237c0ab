"""What a DiagnosticReport of another system says: the examples of the specification, and what senders make of it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ehr_bridge.errors import InvalidInput
from ehr_bridge.fhir.incoming.forms import forms_of, text_of_html
from ehr_bridge.fhir.incoming.reports import Named, report_said
from ehr_bridge.fhir.structures import require_resource
from tests.support.fhir import identifier

EXAMPLES = json.loads((Path(__file__).parent / "fhir_reports.json").read_text())


def example(name: str, **elements: Any) -> dict[str, Any]:
    """One of the package `hl7.fhir.r4.examples` 4.0.1 (CC0-1.0)."""
    return require_resource("DiagnosticReport", EXAMPLES[name] | elements)


def sections(resource: dict[str, Any]) -> dict[str, str]:
    return {one.title: one.text for one in report_said(resource).received.sections}


def test_a_ct_of_the_specification_is_read() -> None:
    """f201: title, who stands for it, when, and what it comes to; its narrative repeats that, and is left out."""
    said = report_said(example("f201")).received
    assert (said.title, said.author, said.status, said.said) == ("CT of head-neck", "Blijdorp MC", "final", "final")
    assert said.said_at == said.said_until == datetime(2012, 12, 1, 11, tzinfo=UTC)
    assert sections(example("f201")) == {
        "Impression": "CT brains: large tumor sphenoid/clivus.",
        "Conclusion (codes)": "Malignant tumor of craniopharyngeal duct",
    }


def test_a_report_that_is_all_narrative_is_not_lost() -> None:
    """A cytology report says everything in its narrative; a bone densitometry refers to results that did not come."""
    assert report_said(example("pap")).received.title is None  # a code without words: the order says what it is
    lines = sections(example("pap"))["Report"].splitlines()
    assert "GYN CYTOLOGY (PAP SMEAR) REPORT" in lines and "<br/>" not in "".join(lines)
    said = sections(example("102"))
    assert said["Results"] == "[1 results are kept by the sender, and did not come with this report.]"
    assert "Report" in said and said["Conclusion (codes)"] == "At risk of osteoporotic fracture"


def test_what_says_that_it_is_a_pdf_and_is_none_is_refused() -> None:
    """As in the example of pharmacogenetics."""
    with pytest.raises(InvalidInput, match=r"presentedForm\[0\]: it is no PDF"):
        report_said(example("example-pgx"))


def test_a_number_is_the_fillers_else_the_first_that_is_no_orders() -> None:
    """An accession number among the identifiers names the order."""
    numbers = [identifier("PLAC", "P-1"), identifier("ACSN", "ACC-1"), {"value": " R\t1 "}, identifier("FILL", "F-1")]
    for given, number in ((numbers, "F-1"), (numbers[:3], "R 1"), (numbers[:2], "")):
        said = report_said(example("ultrasound", identifier=given))
        assert said.received.number == number
        assert [one.identifiers[0]["value"] for one in said.orders] == ["ACC-1"]


def test_authors_are_people_before_organizations_and_may_come_inside() -> None:
    """By display, or by the name of what is contained."""
    inside = [
        {"resourceType": "Practitioner", "id": "p", "name": [{"prefix": ["Dr."], "given": ["Ada"], "family": "Berg"}]},
        {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "#p"}},
        {"resourceType": "Organization", "id": "o", "name": "Telerad"},
    ]
    for element, references, author in (
        ("resultsInterpreter", [{"reference": "#p"}, {"display": "Dr. Eva Ek"}], "Dr. Ada Berg, Dr. Eva Ek"),
        ("performer", [{"reference": "#o"}, {"reference": "#r"}], "Dr. Ada Berg"),
        ("performer", [{"reference": "#o"}], "Telerad"),
        ("performer", [{"reference": "Practitioner/7"}], ""),
        ("resultsInterpreter", [{"reference": "#o"}], "Dr. P"),
    ):
        elements = {"performer": [{"display": "Dr. P"}]} | {element: references}
        assert report_said(example("ultrasound", contained=inside, **elements)).received.author == author


def test_orders_and_studies_are_named_by_reference_by_number_or_inside() -> None:
    """What is neither an order nor a study is passed over."""
    number = {"value": "ACC-1"}
    inside = [{"resourceType": "ServiceRequest", "id": "s", "identifier": [number], "status": "active",
               "intent": "order", "subject": {"display": "x"}}]  # fmt: skip
    given = [{"reference": "#s"}, {"reference": "CarePlan/1"}, {"reference": "ServiceRequest/2/_history/1"},
             {"display": "x"}]  # fmt: skip
    said = report_said(example("ultrasound", contained=inside, basedOn=given))
    assert said.orders == (
        Named("basedOn[0]", None, (number,)),
        Named("basedOn[2]", "ServiceRequest/2/_history/1", ()),
    )


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>a<br/>b</p><script>x</script>", "a\nb"),
        ("<table><tr><th>Size</th><td>5 mm</td></tr><tr><td>Side</td><td>left</td></tr></table>",
         "Size 5 mm\nSide left"),
        ("<img src=x onerror=alert(1)>&lt;b&gt; 3 < 5", "<b> 3 < 5"),
        ("<div><style>p{}</style><!-- c --></div>", ""),
        ("<a href='https://x'>see</a> <b>bold</b>", "see bold"),
    ],
)  # fmt: skip
def test_html_is_read_as_text(page: str, text: str) -> None:
    """Lines where a person sees lines; nothing of it is markup afterwards."""
    assert text_of_html(page) == text


def test_text_is_read_in_the_character_set_that_it_says() -> None:
    """Else as UTF-8, else as Latin-1."""
    for kind, content in (
        ("text/plain; charset=ISO-8859-1", "Größe".encode("latin-1")),
        ('text/plain;charset="utf-16"', "Größe".encode("utf-16")),
        ("text/plain; charset=klingon", "Größe".encode()),
        ("text/plain; charset=idna", "Größe".encode()),
        ("text/plain", "Größe".encode("latin-1")),
    ):
        data = base64.b64encode(content).decode()
        parts, _ = forms_of([{"contentType": kind, "data": f"{data[:4]}\n {data[4:]}"}])
        assert parts == [("report", "Report", "Größe")]


def test_text_is_decoded_by_no_other_codec_of_python() -> None:
    """With some of them a text of megabytes takes minutes; it is read as UTF-8."""
    for kind in ("punycode", "utf-7", "unicode_escape", "raw-unicode-escape"):
        data = base64.b64encode(b"Gr+AOQ-e-5qa\\u0041").decode()
        parts, _ = forms_of([{"contentType": f"text/plain; charset={kind}", "data": data}])
        assert parts == [("report", "Report", "Gr+AOQ-e-5qa\\u0041")]
