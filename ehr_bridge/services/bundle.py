"""All services of one process, built together; nothing else builds them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.auth.tokens import TokenRules, TokenVerifier
from ehr_bridge.db.database import Database
from ehr_bridge.services.accounts import Accounts
from ehr_bridge.services.audit_anchor import FILE_NAME, Anchors, anchor_key
from ehr_bridge.services.audit_export import AuditExport
from ehr_bridge.services.claims import Claims
from ehr_bridge.services.intake import Intake
from ehr_bridge.services.orders import Orders
from ehr_bridge.services.patients import Patients
from ehr_bridge.services.recorder import Recorder
from ehr_bridge.services.refusals import Refusals
from ehr_bridge.services.studies import Studies
from ehr_bridge.services.uploads import Uploads
from ehr_bridge.services.viewer import Revocations, Viewer
from ehr_bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    database: Database
    authenticator: Authenticator
    accounts: Accounts
    patients: Patients
    orders: Orders
    claims: Claims
    recorder: Recorder
    intake: Intake
    studies: Studies
    uploads: Uploads
    revocations: Revocations
    viewer: Viewer
    refusals: Refusals
    anchors: Anchors
    audit_export: AuditExport
    clock: Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_study_instance_uid() -> str:
    """A UID made from a UUID (PS3.5 annex B.2); needs no registered root."""
    return f"2.25.{uuid.uuid4().int}"


def build_services(settings: Settings, database: Database, clock: Callable[[], datetime] = utc_now) -> Services:
    """Wire the services for these settings. `settings.jwt_secret` must be set by now."""
    assert settings.jwt_secret is not None
    rules = TokenRules(settings.jwt_secret.get_secret_value(), settings.jwt_audience, settings.jwt_issuer)
    revocations = Revocations(database, clock)
    account = None
    if settings.username is not None and settings.password is not None:
        account = (settings.username, settings.password.get_secret_value())
    recorder = Recorder(database, clock)
    claims = Claims(database, clock)
    authenticator = Authenticator(TokenVerifier(rules, revocations, revocations.is_issued, clock), account)
    return Services(
        settings=settings,
        database=database,
        authenticator=authenticator,
        accounts=Accounts(database, rules, clock),
        patients=Patients(database, clock),
        orders=Orders(database, clock, new_study_instance_uid),
        claims=claims,
        recorder=recorder,
        intake=Intake(claims, recorder, clock, settings.max_dicom_file_size_mb * 1_000_000),
        studies=Studies(database, recorder),
        uploads=Uploads(database, recorder),
        revocations=revocations,
        viewer=Viewer(database, rules, revocations, clock, settings.ohif_viewer_url),
        refusals=Refusals(database, authenticator, clock),
        anchors=Anchors(database, settings.data_dir / FILE_NAME, anchor_key(rules.secret), clock),
        audit_export=AuditExport(database, clock),
        clock=clock,
    )
