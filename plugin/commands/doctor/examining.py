"""The command `ehr-bridge doctor`: checks an installation, and says for each problem how to fix it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from ehr_bridge.auth.permissions import ROLE_PERMISSIONS
from ehr_bridge.reporting.pdf import has_font
from ehr_bridge.services.accounts.roles import load_roles
from ehr_bridge.settings import Settings, SettingsError
from ehr_bridge.storage.folder import disk_of
from ehr_bridge.storage.making import trouble_with_bucket
from plugin.commands.doctor.database import look_at_database
from plugin.commands.doctor.findings import Finding
from plugin.commands.doctor.server import look_at_server
from plugin.commands.installation import SECRET_FILE
from plugin.running import advisories
from plugin.starting import orthanc_config
from plugin.starting.orthanc_config import ORTHANC

ENOUGH_BYTES = 5_000_000_000
WORDS = {
    "away": "does not answer",
    "not_allowed": "refuses the key",
    "no_bucket": "there is none of this name",
    "other_bucket": "is another installation's, another one than before, or was emptied",
}
FIXES = {
    "away": "look at AWS_ENDPOINT_URL, AWS_REGION and the network; images wait on this disk meanwhile",
    "not_allowed": "look at AWS_ACCESS_KEY_ID and its rights: read, write, delete, list",
    "no_bucket": "make it, or correct EHR_BRIDGE_STORAGE_URL",
    "other_bucket": "correct EHR_BRIDGE_STORAGE_URL, or restore the bucket with its ehr-bridge.id; a start says more",
}
SAMPLES = {"Chinese": "漢", "Japanese": "か", "Korean": "한", "Arabic": "ع", "Hebrew": "א"}
"""A character of each script for which not every machine has a font."""


@click.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Check the installation and say what to fix. Exit code 1 when something does not work; changes nothing."""
    settings: Settings = context.obj
    failed = False
    for finding in examine(settings):
        word = "ok  " if finding.fix is None else "warn" if finding.is_warning else "FAIL"
        click.echo(f"{word}  {finding.name}: {finding.state}")
        if finding.fix is not None:
            click.echo(f"      -> {finding.fix}")
            failed |= not finding.is_warning
    context.exit(1 if failed else 0)


def examine(settings: Settings) -> Iterator[Finding]:
    """All checks; one that fails itself is reported as a finding."""
    checks: tuple[tuple[str, Callable[[Settings], Finding | list[Finding]]], ...] = (
        ("packages", _packages),
        ("Orthanc", _orthanc),
        ("pages", _pages),
        ("data directory", _data_dir),
        ("secret", _secret),
        ("former secret", _former_secret),
        ("roles", _roles),
        ("database", look_at_database),
        ("server", look_at_server),
        ("orthanc.json", _orthanc_json),
        ("disk", _disk),
        ("fonts", _fonts),
        ("bucket", _bucket),
    )
    for name, check in checks:
        try:
            found = check(settings)
            yield from found if isinstance(found, list) else [found]
        except OSError as error:
            yield Finding(name, f"cannot be looked at ({error.strerror})", "run this as the server's own user")


def _packages(_: Settings) -> Finding:
    wanted = (
        Path(ORTHANC),
        *(orthanc_config.PLUGINS / f"lib{name}.so" for name in ("OrthancPython", "OrthancDicomWeb")),
    )
    if missing := [path.name for path in wanted if not path.exists()]:
        return Finding("packages", f"missing {', '.join(missing)}", "run scripts/setup")
    return Finding("packages", "Orthanc and its plugins are there")


def _orthanc(_: Settings) -> Finding:
    version = advisories.installed_version(ORTHANC)
    if warning := advisories.sentence(version):
        return Finding("Orthanc", warning, "see docs/adr/0020-which-orthanc.md for the choices", True)
    return Finding("Orthanc", "none of its vulnerabilities is known to us")


def _pages(_: Settings) -> Finding:
    root = orthanc_config.ROOT
    built = (root / "plugin/web/dist/index.html", root / "ohif-config/dist/index.html")
    if all(path.exists() for path in built):
        return Finding("pages", "built")
    return Finding("pages", "the pages or OHIF are not built", "run scripts/setup")


def _data_dir(settings: Settings) -> Finding:
    folder = settings.data_dir
    if not folder.is_dir():
        return Finding(
            "data directory", f"{folder} does not exist", "start the server once, or set EHR_BRIDGE_DATA_DIR"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding("data directory", "cannot be written", f"make it the server's own: chown -R USER {folder}")
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return Finding("data directory", "others can enter it; it holds patient data", f"chmod 0700 {folder}")
    return Finding("data directory", str(folder))


def _secret(settings: Settings) -> Finding:
    if settings.jwt_secret is not None:
        return Finding("secret", "from EHR_BRIDGE_JWT_SECRET, long enough")
    path = settings.data_dir / SECRET_FILE
    if not path.exists():
        return Finding("secret", "there is none yet", "start the server once, or set EHR_BRIDGE_JWT_SECRET")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding(
            "secret", "others can read it", f"chmod 0600 {path}; if somebody may have, delete it and restart"
        )
    if len(path.read_text().strip().encode()) < 32:
        return Finding("secret", "shorter than 32 bytes", f"delete {path} and start again; users must sign in again")
    return Finding("secret", "kept in the data directory, long enough")


def _former_secret(settings: Settings) -> list[Finding]:
    """While the secret is rotated; nothing where no other one is set."""
    if settings.jwt_secret_former is None:
        return []
    said = "tokens of EHR_BRIDGE_JWT_SECRET_FORMER are still accepted"
    return [Finding("former secret", said, "docs/runbooks/secret.md says when to unset it", True)]


def _roles(settings: Settings) -> Finding:
    if settings.roles is None:
        return Finding("roles", "the built-in ones")
    try:
        roles = load_roles(settings.roles).permissions
    except SettingsError as error:
        return Finding(
            "roles", "; ".join(error.problems), f"correct {settings.roles}; the server does not start with it"
        )
    own = [role for role, may in roles.items() if ROLE_PERMISSIONS.get(role) != may]
    return Finding("roles", f"changed by {settings.roles}: {', '.join(own) or 'none'}")


def _orthanc_json(settings: Settings) -> Finding:
    path = settings.data_dir / "orthanc.json"
    if not path.exists():
        return Finding("orthanc.json", "not written yet", "start the server once; it writes it", True)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding("orthanc.json", "others can read it; it may hold a password", f"chmod 0600 {path}")
    try:
        written = json.loads(path.read_text())
        stale = [name for name, value in orthanc_config.render(settings).items() if written.get(name) != value]
    except (ValueError, AttributeError):  # no JSON, or no object
        return Finding("orthanc.json", "is not what the server writes", "restart the server; it writes the file")
    if stale:
        return Finding("orthanc.json", f"differs from the settings in {', '.join(stale)}", "restart the server", True)
    return Finding("orthanc.json", "as the settings say")


def _disk(settings: Settings) -> Finding:
    folder = settings.storage_path
    while not folder.exists():
        folder = folder.parent
    disk = disk_of(folder)
    free = disk.free_bytes if disk is not None else 0
    if free < ENOUGH_BYTES:
        return Finding("disk", f"{free / 1e9:.1f} GB free for images", "make room, or set DICOM_STORAGE_PATH")
    return Finding("disk", f"{free / 1e9:.0f} GB free for images")


def _bucket(settings: Settings) -> list[Finding]:
    """Whether the object storage answers with the bucket that is ours; nothing where images are in a folder."""
    if settings.bucket is None:
        return []
    why = trouble_with_bucket(settings)
    if why is None:
        return [Finding("bucket", "answers")]
    return [Finding("bucket", WORDS[why], FIXES[why])]


def _fonts(_: Settings) -> Finding:
    lacking = [name for name, sample in SAMPLES.items() if not has_font(sample)]
    if not lacking:
        return Finding("fonts", "reports in every script that we know of can be printed")
    state = f"none for {', '.join(lacking)}: such characters stand as numbers in the PDF of a report"
    return Finding("fonts", state, "if you need them: apt-get install fonts-noto-cjk fonts-noto-core", True)
