"""Starts the product: settings, secret, schema, configuration, Orthanc (scripts/run and scripts/serve).

Modules that only some starts need (demo data, a file of rules) are imported where they are used: they import half the
product, which Orthanc loads again.
"""

from __future__ import annotations

import argparse
import ctypes.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from sqlalchemy.exc import OperationalError

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.nodes.register import NameTaken
from ehr_bridge.services.registry.authorities import advice, authorities_of, numbers_on_record, obstacle
from ehr_bridge.settings import Settings, SettingsError, load_settings
from plugin.backup import begun
from plugin.running import advisories
from plugin.starting import orthanc_config
from plugin.starting.kept_secret import kept_secret
from plugin.starting.orthanc_config import ORTHANC
from plugin.starting.own_bucket import NotOurs, settle
from plugin.starting.own_name import NotMounted, Runs, become_node, hold, not_mounted
from plugin.starting.sharing_folders import bring_along
from plugin.starting.shown_log import ShownLog
from plugin.starting.supervisor import Drain, Supervisor

OPTIONS = {
    "http_port": "EHR_BRIDGE_HTTP_PORT",
    "dicom_port": "EHR_BRIDGE_DICOM_PORT",
    "data_dir": "EHR_BRIDGE_DATA_DIR",
    "bind": "EHR_BRIDGE_BIND",
}
READY_SECONDS = 180
DEPTH = Path(sys.prefix) / "lib" / "ehr-bridge-depth.so"
"""Built by scripts/setup from plugin/native."""


class CannotStart(Exception):
    """What prevents the start, and what to do about it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal; returns the exit code."""
    options = _parse(arguments)
    try:
        settings = prepare(options)
        if warning := advisories.sentence(advisories.installed_version(ORTHANC)):
            print(f"warning: {warning}", file=sys.stderr)  # noqa: T201
        return _serve(settings, is_foreground=options.foreground)
    except SettingsError as error:
        for line in error.problems:
            print(f"setting {line}", file=sys.stderr)  # noqa: T201
        return 2
    except (CannotStart, NotOurs, Unavailable, migrate.NewerSchema) as error:
        print(f"cannot start: {getattr(error, 'detail', error)}", file=sys.stderr)  # noqa: T201
        return 1
    except (OSError, OperationalError) as error:
        cause = getattr(error, "orig", None) or error
        what = "the database or the data directory cannot be written; is the disk full?"
        print(f"cannot start: {what} ({cause})", file=sys.stderr)  # noqa: T201
        return 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/run", description="Run Orthanc with the EHR bridge inside.")
    parser.add_argument("--http-port", help="HTTP and DICOMweb (EHR_BRIDGE_HTTP_PORT, 8042)")
    parser.add_argument("--dicom-port", help="DIMSE (EHR_BRIDGE_DICOM_PORT, 4242)")
    parser.add_argument("--data-dir", help="database, images, secrets (EHR_BRIDGE_DATA_DIR, ./var)")
    parser.add_argument("--bind", help="127.0.0.1 or 0.0.0.0 (EHR_BRIDGE_BIND)")
    parser.add_argument("--no-demo", action="store_true", help="no demo data (EHR_BRIDGE_DEMO=0)")
    parser.add_argument(
        "--foreground",
        action="store_true",
        help="show the log on the terminal (containers, systemd)",
    )
    return parser.parse_args(arguments)


def prepare(options: argparse.Namespace) -> Settings:
    """Everything before Orthanc starts; afterwards the environment holds what the plugin reads.

    Raises:
        SettingsError: a variable or option is wrong.
        CannotStart: a port is taken or a folder cannot be written.
        NotOurs: the bucket, or the folder in which files wait for it, is another installation's.
        Unavailable: the database does not answer.
        NewerSchema: the database belongs to a newer version.
    """
    os.umask(0o077)  # images, database and log hold patient data: readable only by the server's user
    for name, variable in OPTIONS.items():
        if (value := getattr(options, name)) is not None:
            os.environ[variable] = value
    if options.no_demo:
        os.environ["EHR_BRIDGE_DEMO"] = "0"
    settings = load_settings(os.environ)
    _check_rules(settings.coercion_rules)
    _check_sources(settings)
    _check_mpps(settings)
    os.environ["EHR_BRIDGE_DATA_DIR"] = str(settings.data_dir.resolve())
    if (said := begun.obstacle(settings)) is not None:
        raise CannotStart(said)
    try:
        hold(Path(os.environ["EHR_BRIDGE_DATA_DIR"]) / "modifying")
        if settings.jwt_secret is None:
            os.environ["EHR_BRIDGE_JWT_SECRET"] = kept_secret(settings.data_dir.resolve() / "jwt-secret")
    except Runs:
        raise CannotStart(f"a server runs on {settings.data_dir}; set EHR_BRIDGE_DATA_DIR to another") from None
    except OSError as error:
        raise CannotStart(f"EHR_BRIDGE_DATA_DIR cannot be written: {error.strerror}") from error
    settings = load_settings(os.environ)
    _check_tokens(settings)
    os.environ.setdefault("TCP_NODELAY", "1")  # DCMTK: otherwise each C-STORE answer waits 40 ms for the next packet
    _preload(settings.small_stacks)
    for port, variable in (
        (settings.http_port, "EHR_BRIDGE_HTTP_PORT"),
        (settings.dicom_port, "EHR_BRIDGE_DICOM_PORT"),
        (settings.hl7_port, "EHR_BRIDGE_HL7_PORT"),
        (settings.fhir_port or None, "EHR_BRIDGE_FHIR_PORT"),
        (settings.mpps_port, "EHR_BRIDGE_MPPS_PORT"),
    ):
        if port is not None:
            _require_free(port, variable)
    database = Database(settings.sqlalchemy_url)
    migrate.upgrade(database)
    _check_authorities(settings, database)
    settle(settings, database)
    _complete_index(settings)
    _take_name(settings, database)
    database.dispose()
    try:
        bring_along(settings)
    except OSError as error:
        raise CannotStart(f"{settings.shared_path} cannot be written: {error.strerror}") from error
    return settings


def _take_name(settings: Settings, database: Database) -> None:
    """Raises CannotStart when another node has this one's name, or the folder of the images is not mounted."""
    try:
        settings.draining_path.unlink(missing_ok=True)  # of the stop before
        become_node(settings, database, lambda line: print(line, flush=True))  # noqa: T201
    except (NameTaken, NotMounted) as error:
        raise CannotStart(str(error)) from None


def _complete_index(settings: Settings) -> None:
    """Raises CannotStart when Orthanc's index lacks what the installed Orthanc needs of it, and cannot be opened."""
    if not orthanc_config.needs_md5(advisories.installed_version(ORTHANC)):
        return
    from plugin.starting import index_md5

    try:
        index_md5.complete(settings, lambda line: print(line, flush=True))  # noqa: T201
    except Unavailable as error:
        raise CannotStart("Orthanc's index cannot be opened; is another Orthanc running on it?") from error


def _check_authorities(settings: Settings, database: Database) -> None:
    """Raises CannotStart when recorded numbers would be taken for another issuer's."""
    known = authorities_of(settings)
    with database.read() as session:
        numbers = numbers_on_record(session, known)
    if (said := obstacle(numbers, known)) is not None:
        raise CannotStart(said)
    if (said := advice(numbers, known)) is not None:
        print(f"warning: {said}", file=sys.stderr)  # noqa: T201


def _check_rules(file: Path | None) -> None:
    """Raises SettingsError when the site's coercion rules cannot be used."""
    if file is not None:
        from ehr_bridge.services.coercion.rules import load_rules

        load_rules(file)


def _check_sources(settings: Settings) -> None:
    """Raises SettingsError when the site's list of HL7 sources cannot be used."""
    if settings.hl7_sources is not None:
        from ehr_bridge.hl7.sources import VARIABLE, load_sources
        from plugin.serving.mllp import contexts_of

        try:
            contexts_of(load_sources(settings.hl7_sources, settings.time_zone))
        except OSError as error:
            raise SettingsError([f"{VARIABLE}: a certificate or key cannot be used: {error}"]) from error


def _check_mpps(settings: Settings) -> None:
    """Raises SettingsError when the certificates of the port of MPPS cannot be used."""
    if settings.mpps_tls is not None:
        from plugin.dimse.tls import problem_with

        if (problem := problem_with(settings.mpps_tls)) is not None:
            raise SettingsError([problem])


def _check_tokens(settings: Settings) -> None:
    """Raises SettingsError when the site's roles, their names in tokens, the EHR's keys, or the list of EHRs that may
    open our pages cannot be used."""
    if settings.roles or settings.jwt_role_names or settings.jwks or settings.smart_ehrs:
        from ehr_bridge.services.accounts.smart_ehrs import load_ehrs
        from ehr_bridge.services.accounts.token_rules import key_source, token_rules

        rules = token_rules(settings)
        key_source(settings)
        load_ehrs(settings.smart_ehrs, rules.claims.roles)


def _preload(small_stacks: bool) -> None:
    """Libraries that Orthanc loads before everything else. Raises CannotStart when ours is missing.

    Ours limits what nested data may do to Orthanc's threads (ADR 0017). jemalloc is used if it is installed: reading a
    file makes many small allocations, which take a tenth of Orthanc's time with glibc (ADR 0007). Setting LD_PRELOAD,
    even to nothing, overrides the choice of the allocator.
    """
    allocator = os.environ.get("LD_PRELOAD", ctypes.util.find_library("jemalloc") or "")
    if "jemalloc" in allocator:
        os.environ.setdefault("MALLOC_CONF", "background_thread:true")  # an idle server returns memory
    else:
        os.environ.setdefault("MALLOC_ARENA_MAX", "4")  # each arena keeps freed image cache for a while
    if not small_stacks and not DEPTH.is_file():
        raise CannotStart(f"{DEPTH} is missing; run scripts/setup, which compiles it")
    ours = "" if small_stacks else str(DEPTH)
    os.environ["LD_PRELOAD"] = ":".join(filter(None, [ours, allocator]))


def _require_free(port: int, variable: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104  (Orthanc 1.12.7 listens on all interfaces)
        except OSError:
            raise CannotStart(f"port {port} is in use; choose another with {variable}") from None


def _serve(settings: Settings, *, is_foreground: bool) -> int:
    """Run Orthanc until a signal, logging to a file, in the foreground to the terminal too; returns its exit code."""
    if (said := orthanc_config.altering_switch(orthanc_config.render(settings))) is not None:
        raise CannotStart(said)
    command, log = [ORTHANC, str(orthanc_config.write(settings))], settings.log_path
    shown = ShownLog(log) if is_foreground else None
    drain = Drain(settings.draining_path, settings.drain_seconds)
    supervisor = Supervisor(command, log, settings.restarts_path, drain=drain, obstacle=lambda: not_mounted(settings))
    process = supervisor.start()
    if shown is not None:
        shown.start()
    try:
        if not _becomes_ready(settings.http_port, process, None if is_foreground else READY_SECONDS):
            if is_foreground:  # an exit code is Orthanc's own answer; a signal means that it died
                code = process.wait()
                return code if code >= 0 else supervisor.watch()
            raise CannotStart(f"{_why_not(process)}; see {log}\n{_tail(log)}")
        lines = []
        if settings.demo:
            from plugin.starting import demo

            lines = demo.create(settings)
        print(f"ready: http://127.0.0.1:{settings.http_port}/ehr/", flush=True)  # noqa: T201
        for line in lines:
            print(line, flush=True)  # noqa: T201
        with _backups(settings):
            return supervisor.watch()
    finally:
        supervisor.end()
        if shown is not None:
            shown.end()


@contextmanager
def _backups(settings: Settings) -> Iterator[None]:
    """Make those that are scheduled meanwhile."""
    if not settings.backup_enabled:
        yield
        return
    from plugin.backup.schedule import Schedule

    schedule = Schedule(settings)
    schedule.start()
    try:
        yield
    finally:
        schedule.end()


def _becomes_ready(port: int, process: subprocess.Popen[bytes], seconds: float | None) -> bool:
    """Whether Orthanc answers with its gate open before it ends; waits at most `seconds`, or without limit."""
    deadline = None if seconds is None else time.monotonic() + seconds
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while deadline is None or time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        try:
            with opener.open(f"http://127.0.0.1:{port}/api/v1/health", timeout=10) as response:
                if json.load(response)["checks"]["gate"] == "ok":
                    return True
        except (OSError, ValueError, HTTPException):
            pass  # it has not begun, or it ended in the middle of its answer
        time.sleep(0.1)
    return False


def _why_not(process: subprocess.Popen[bytes]) -> str:
    if process.returncode is None:
        return f"Orthanc did not answer within {READY_SECONDS} s"
    return f"Orthanc ended with code {process.returncode}"


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


if __name__ == "__main__":
    sys.exit(main())
