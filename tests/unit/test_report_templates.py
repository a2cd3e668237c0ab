"""Templates of reports: the shipped examples, and pages of IHE MRRT."""

from __future__ import annotations

import pytest

from ehr_bridge.reporting.templates.mrrt import NotMrrt, read_mrrt
from ehr_bridge.reporting.templates.template import shipped

PAGE = """<!DOCTYPE html>
<html><head><title>CT Brain</title>
<meta name="dcterms.title" content="CT Brain"/><meta name="dcterms.language" content="en"/>
<meta name="dcterms.type" content="IMAGE_REPORT_TEMPLATE"/>
<link rel="stylesheet" href="https://elsewhere.example/style.css">
<script type="text/xml"><template_attributes><coded_content>
  <entry ORIGTXT="T8_1"><term><code meaning="Procedure" value="55111-9" scheme="LOINC"/></term></entry>
  <entry ORIGTXT="T8_3"><term><code meaning="Impression" value="RID13170" scheme="RADLEX"/></term></entry>
</coded_content></template_attributes></script></head>
<body onload="alert(1)">
<section id="T8_1" class="level1" data-section-name="Procedure"><header class="level1">Procedure</header>
  <p><label for="a">Slice thickness</label><input id="a" type="text" value="5 mm"></p>
  <p><textarea id="b">Axial slices,\n no contrast.</textarea></p></section>
<section id="T8_2" class="level1" data-section-name="Findings"><header class="level1">Findings</header>
  <script>steal()</script>
  <p><label for="c">Midline</label><select id="c"><option>central</option><option>shifted</option></select></p>
  <p><input type="checkbox" checked onclick="steal()">no haemorrhage</p>
  <section class="level2" data-section-name="Ventricles"><header>Ventricles</header>
    <p><select required><option>normal</option><option selected>wide</option></select></p></section></section>
<section id="T8_3" class="level1" data-section-name="Impression"><p><input type="text"></p></section>
</body></html>"""


def test_a_page_becomes_sections_of_plain_text() -> None:
    """With the LOINC codes it has, its choices to choose from, and nothing that could run."""
    template = read_mrrt(PAGE, "ct-brain")
    assert (template.title, template.language, template.modalities) == ("CT Brain", "en", ("CT",))
    assert [(one.code, one.title, one.required) for one in template.sections] == [
        ("55111-9", "Procedure", False),
        ("findings", "Findings", True),
        ("impression", "Impression", False),
    ]
    procedure, findings, impression = (one.text for one in template.sections)
    assert procedure == "Slice thickness 5 mm\nAxial slices,\nno contrast."
    assert findings == "Midline [central / shifted]\n[x] no haemorrhage\nVentricles\nwide"
    assert impression == "___"
    assert "steal" not in str(template) and "alert" not in str(template)


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("", "no HTML"),
        ("plain words", "no <section>"),
        ("<html><body><section>no name</section></body></html>", "no <section>"),
        ("<section data-section-name='x'></section>" * 41, "more than 40"),
        ("<meta name='dcterms.language' content='a b'><section data-section-name='x'></section>", "language"),
    ],
)
def test_what_is_no_template_says_what_is_missing(page: str, why: str) -> None:
    """Nothing half read."""
    with pytest.raises(NotMrrt, match=why):
        read_mrrt(page, "x")


def test_sections_with_one_name_have_codes_of_their_own() -> None:
    """Also where a code of the page looks like one that was made; and however many there are, the page is refused."""
    names = ["a" * 60 + "-1", "a" * 60 + "-1", "a" * 60, "a" * 60, "Findings", "Findings"]
    template = read_mrrt("".join(f"<section data-section-name='{name}'>x</section>" for name in names), "x")
    codes = [one.code for one in template.sections]
    assert len(set(codes)) == len(names) and codes[-2:] == ["findings", "findings-5"]
    with pytest.raises(NotMrrt, match="more than 40"):
        read_mrrt(f"<section data-section-name='{names[0]}'>x</section>" * 20_000, "x")


def test_entities_of_the_attributes_are_not_followed() -> None:
    """Neither into a file, nor into billions of laughs."""
    types = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd"><!ENTITY b "&a;&a;">]>'
    bomb = f'{types}<x><entry ORIGTXT="s">&b;</entry></x>'
    page = f"<script type='text/xml'>{bomb}</script><section id='s' data-section-name='Findings'>x</section>"
    (section,) = read_mrrt(page, "x").sections
    assert (section.code, section.text) == ("findings", "x")


def test_the_shipped_examples_are_whole() -> None:
    """CT of head and chest, MRI of the knee; findings and impression must be written."""
    assert set(shipped()) == {"ct-chest", "ct-head", "mr-knee"}
    for template in shipped().values():
        assert {"59776-5", "19005-8"} <= template.required
        assert len({one.code for one in template.sections}) == len(template.sections)
        assert template.begin()[-1].text == ""
