"""Roles and permissions of a site's own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ehr_bridge.auth.permissions import ROLE_PERMISSIONS, Permission
from ehr_bridge.services.accounts.roles import load_roles
from ehr_bridge.settings import SettingsError


def written(folder: Path, text: str) -> Path:
    file = folder / "roles.toml"
    file.write_text(text)
    return file


def test_without_a_file_the_roles_are_the_built_in_ones() -> None:
    assert load_roles(None).permissions == ROLE_PERMISSIONS


def test_what_the_file_names_is_as_it_says_and_the_rest_stays(tmp_path: Path) -> None:
    """Taken away, added, emptied, and a new one."""
    text = '[roles]\nnurse = ["read"]\narchivist = ["read", "audit"]\ndoctor = []\n'
    roles = load_roles(written(tmp_path, text))
    assert roles.permissions == ROLE_PERMISSIONS | {
        "nurse": frozenset({Permission.READ}),
        "archivist": frozenset({Permission.READ, Permission.AUDIT}),
        "doctor": frozenset(),
    }
    assert roles.require_known(["archivist"]) == ["archivist"]
    assert roles.permissions_of(["doctor", "nurse", "janitor"]) == {Permission.READ}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[roles]\nnurse = ["raed"]', "nurse: there is no permission 'raed'; permissions are upload, read"),
        ('[roles]\nnurse = "read"', "nurse: write a list of permissions"),
        ("[roles]\nnurse = [1]", "nurse: write a list of permissions"),
        ('[roles]\n"Head Nurse" = ["read"]', "'Head Nurse' cannot be a role's name"),
        ('[roles]\nadmin = ["read"]', "no role has the permission 'accounts' any more"),
        ('nurse = ["read"]', "write one table [roles]"),
        ('[roles]\nnurse = ["read"]\n[other]', "write one table [roles]"),
        ("roles = 3", "write one table [roles]"),
        ("[roles\n", "is not TOML"),
        ("\x00", "is not TOML"),
    ],
)
def test_what_cannot_be_right_is_said_plainly(tmp_path: Path, text: str, said: str) -> None:
    """The setting, the role, and what to write instead."""
    with pytest.raises(SettingsError) as caught:
        load_roles(written(tmp_path, text))
    (problem,) = caught.value.problems
    assert problem.startswith("EHR_BRIDGE_ROLES: ") and said in problem


def test_every_problem_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_roles(written(tmp_path, '[roles]\nnurse = ["raed", "veiw"]\ndoctor = 3\n'))
    assert len(caught.value.problems) == 3


def test_a_file_that_is_not_there_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="EHR_BRIDGE_ROLES: the file cannot be read: No such file"):
        load_roles(tmp_path / "none.toml")


def test_bytes_that_are_no_text_are_no_toml(tmp_path: Path) -> None:
    file = tmp_path / "roles.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is not TOML"):
        load_roles(file)
