"""Coercion rules: what a file of rules may say, what stops the start, and what the rules make of an instance."""

from __future__ import annotations

import json
import re
import tomllib
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ehr_bridge.dicom import read_header
from ehr_bridge.matching import Match, MatchKind
from ehr_bridge.services.coercion.rules import BUILT_IN, CoercionRules, Rule, load_rules
from ehr_bridge.services.identity.attributes import EHR_VALUES
from ehr_bridge.services.uploads.arrivals import Decision, Door
from ehr_bridge.settings import SettingsError
from tests.support.samples import ROOT, small

PATIENT_ID = {"attribute": "PatientID", "from": "patient.mrn"}
FACTS = dict.fromkeys(EHR_VALUES, "") | {
    "patient.mrn": "MRN-1",
    "patient.name": "Doe^Jane",
    "patient.birth_date": "19700101",
    "order.description": "Brain with contrast",
}


def decision(**changes: Any) -> Decision:
    match = Match(MatchKind.EXACT, 1.0, (), None, None)
    found = Decision(uuid.uuid4(), "1.2", match, True, uuid.uuid4(), None, wanted={"PatientID": "MRN-1"}, facts=FACTS)
    return replace(found, **changes)


def written(tmp_path: Path, *rules: Any, name: str = "rules.json") -> Path:
    path = tmp_path / name
    path.write_text(json.dumps({"rule": list(rules)}))
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_rules(path)
    return caught.value.problems


def rules(*entries: dict[str, Any]) -> CoercionRules:
    return CoercionRules(tuple(Rule.model_validate(entry) for entry in (PATIENT_ID, *entries)))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"attribute": "PatientsName", "from": "patient.name"}, "'PatientsName' is not a DICOM keyword"),
        ({"attribute": "StudyInstanceUID", "value": "1.2"}, "StudyInstanceUID cannot be changed in a file"),
        ({"attribute": "PixelData", "value": "1"}, "PixelData cannot be changed in a file"),
        ({"attribute": "SpecificCharacterSet", "value": "ISO_IR 192"}, "cannot be changed in a file"),
        ({"attribute": "RequestAttributesSequence", "value": "x"}, "cannot be changed in a file"),
        ({"attribute": "PixelSpacing", "value": "1"}, "says how the picture is to be read"),
        ({"attribute": "PatientName", "from": "patient.nick"}, "'from' is one of patient.mrn"),
        ({"attribute": "PatientBirthDate", "from": "patient.name"}, "PatientBirthDate is not a valid DA|not a day"),
        ({"attribute": "PatientName"}, "give either 'from' or 'value'"),
        ({"attribute": "PatientName", "from": "patient.name", "value": "X"}, "give either 'from' or 'value'"),
        ({"attribute": "PatientName", "from": "patient.name", "when": "often"}, "when: .*'always' or 'empty'"),
        ({"attribute": "PatientName", "from": "patient.name", "on_conflict": "ask"}, "on_conflict"),
        ({"attribute": "PatientName", "from": "patient.name", "doors": ["fax"]}, r"doors\.0"),
        ({"attribute": "PatientName", "from": "patient.name", "doors": []}, "at least one door"),
        ({"attribute": "PatientName", "from": "patient.name", "door": ["upload"]}, "door: it is not known here"),
        (
            {"attribute": "StationName", "value": "1", "doors": ["upload"], "calling_ae_titles": ["CT1"]},
            "only c_store has calling AE titles",
        ),
        ({"attribute": "PatientID", "from": "patient.mrn", "when": "empty"}, "PatientID always becomes patient.mrn"),
        ({"attribute": "PatientID", "value": "X"}, "PatientID always becomes patient.mrn"),
    ],
)
def test_a_rule_that_cannot_be_is_named(tmp_path: Path, entry: dict[str, str], said: str) -> None:
    """By the variable, its number in the file and its attribute; the rules beside it are fine."""
    (problem,) = problems(written(tmp_path, PATIENT_ID, entry))
    assert problem.startswith(f"EHR_BRIDGE_COERCION_RULES: rule 2 ({entry['attribute']}): ")
    assert re.search(said, problem)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rule]", "neither TOML nor"),
        ("\xff", "neither TOML nor"),
        ("rules = []", "holds a list of rules"),
        ("rule = 1", "holds a list of rules"),
        ("rule = [1]", "rule 1 .without an attribute."),
        ("rule = []", "no rule makes PatientID patient.mrn at every door"),
        ('[[rule]]\nattribute = "PatientID"\nfrom = "patient.mrn"\ndoors = ["upload"]', "at every door"),
    ],
)
def test_a_file_that_holds_no_rules_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """With what it should hold."""
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="latin-1")
    (problem,) = problems(path)
    assert re.search(said, problem)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """By the variable, not as a crash."""
    assert problems(tmp_path / "none.toml") == [
        "EHR_BRIDGE_COERCION_RULES: the file cannot be read: No such file or directory"
    ]


def test_the_documented_default_is_the_built_in_one(tmp_path: Path) -> None:
    """The example in docs/configuration.md can be copied and changes nothing."""
    page = (ROOT / "docs" / "configuration.md").read_text()
    block = page.split("\n## Coercion rules\n")[1].split("```toml\n")[1].split("```")[0]
    (tmp_path / "rules.toml").write_text(block)
    assert load_rules(tmp_path / "rules.toml").rules == BUILT_IN
    assert tomllib.loads(block)["rule"]


def test_every_source_and_door_is_documented() -> None:
    """In docs/configuration.md."""
    section = (ROOT / "docs" / "configuration.md").read_text().split("\n## Coercion rules\n")[1].split("\n## ")[0]
    for name in (*EHR_VALUES, *Door, *Rule.model_fields):
        assert f"`{'from' if name == 'source' else name}`" in section, name


def test_without_a_file_the_decision_is_the_rule() -> None:
    """The built-in rules are the values the decision brought."""
    header = read_header(small())
    assert CoercionRules().rule(header, decision(), Door.UPLOAD).wanted == {"PatientID": "MRN-1"}


@pytest.mark.parametrize(
    ("entry", "in_file", "wanted", "contradicts"),
    [
        ({"on_conflict": "replace"}, "ROE^JANE", "Doe^Jane", False),
        ({"on_conflict": "keep"}, "ROE^JANE", None, False),
        ({"on_conflict": "flag"}, "ROE^JANE", None, True),
        ({"on_conflict": "flag"}, "Doe^Jane^", "Doe^Jane", False),
        ({"on_conflict": "flag"}, "", "Doe^Jane", False),
        ({"when": "empty"}, "ROE^JANE", None, False),
        ({"when": "empty"}, "", "Doe^Jane", False),
    ],
)
def test_when_and_on_conflict(entry: dict[str, str], in_file: str, wanted: str | None, contradicts: bool) -> None:
    """Replace, keep, or keep and ask a person; a file that says nothing contradicts nothing."""
    header = read_header(small(PatientName=in_file))
    ruling = rules({"attribute": "PatientName", "from": "patient.name", **entry}).rule(header, decision(), Door.C_STORE)
    assert (ruling.wanted.get("PatientName"), ruling.contradicts) == (wanted, contradicts)
    assert ruling.wanted["PatientID"] == "MRN-1"


def test_what_the_ehr_does_not_know_is_kept_or_cleared() -> None:
    """As the rule says."""
    header = read_header(small(ReferringPhysicianName="WHO^EVER"))
    keep = {"attribute": "ReferringPhysicianName", "from": "order.ordered_by"}
    for entry, wanted in ((keep, None), (keep | {"if_unknown": "clear"}, "")):
        assert rules(entry).rule(header, decision(), Door.UPLOAD).wanted.get("ReferringPhysicianName") == wanted


def test_a_value_too_long_for_its_attribute_is_left_out() -> None:
    """A piece of a description would be worse than what the device wrote."""
    facts = FACTS | {"order.description": "x" * 65}
    entry = {"attribute": "StudyDescription", "from": "order.description"}
    assert "StudyDescription" not in rules(entry).rule(read_header(small()), decision(facts=facts), Door.REST).wanted


def test_the_last_rule_that_holds_counts() -> None:
    """For everybody, then for a door, then for one caller."""
    ruled = rules(
        {"attribute": "InstitutionName", "value": "All"},
        {"attribute": "InstitutionName", "value": "Modalities", "doors": ["c_store"]},
        {"attribute": "InstitutionName", "value": "Bus", "calling_ae_titles": ["BUS1", "BUS2"]},
    )
    header = read_header(small())

    def institution(door: Door, caller: str | None = None) -> str:
        return ruled.rule(header, decision(), door, caller).wanted["InstitutionName"]

    assert ruled.name_callers and not rules().name_callers
    assert institution(Door.STOW_RS) == "All"
    assert institution(Door.C_STORE) == institution(Door.C_STORE, "MR1") == "Modalities"
    assert institution(Door.C_STORE, "BUS2") == "Bus"
    assert institution(Door.UPLOAD, "BUS2") == "All"


def test_a_study_that_is_not_linked_keeps_what_it_says() -> None:
    """Only what its sender corrected is written; one that contradicts its study gets nothing."""
    header, ruled = read_header(small()), rules({"attribute": "InstitutionName", "value": "All"})
    corrected = decision(facts={}, corrections={"StudyDate": "20260101"}, wanted={"StudyDate": "20260101"})
    assert ruled.rule(header, corrected, Door.UPLOAD).wanted == {"StudyDate": "20260101"}
    assert ruled.rule(header, decision(wanted={}), Door.UPLOAD).wanted == {}


def test_a_door_that_is_not_known_hears_only_rules_for_all_doors() -> None:
    """Of a stored image nobody knows any more how it came."""
    own = rules(
        {"attribute": "StudyDescription", "from": "order.description", "doors": ["c_store"]},
        {"attribute": "InstitutionName", "value": "Mobile unit", "calling_ae_titles": ["BUS1"]},
        {"attribute": "PatientName", "from": "patient.name"},
    )
    wanted = own.rule(read_header(small()), decision(), None).wanted
    assert wanted == {"PatientID": "MRN-1", "PatientName": "Doe^Jane"}
    assert own.attributes == {"PatientID", "StudyDescription", "InstitutionName", "PatientName"}


def test_a_stored_file_is_judged_by_what_it_said_when_it_came() -> None:
    """Its birth date was empty and was filled in since, with another patient's: the gap is filled anew."""
    own = rules({"attribute": "PatientBirthDate", "from": "patient.birth_date", "when": "empty"})
    header = read_header(small(PatientBirthDate="19500101"))
    assert "PatientBirthDate" not in own.rule(header, decision(), Door.UPLOAD).wanted
    then = own.rule(header, decision(), Door.UPLOAD, None, {"PatientBirthDate": ""}).wanted
    assert then["PatientBirthDate"] == "19700101"
