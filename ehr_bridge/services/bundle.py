"""All services of one process, built together; nothing else builds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.auth.fetching import fetch_json
from ehr_bridge.auth.jwks import KeySource
from ehr_bridge.auth.permissions import Roles
from ehr_bridge.auth.tokens import TokenVerifier
from ehr_bridge.db.database import Database
from ehr_bridge.db.decisive import on_decisive_change
from ehr_bridge.db.facts import tell_facts
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.row_changes import keep_dates, write_new_rows_later
from ehr_bridge.dicom.new_uids import new_uid
from ehr_bridge.fhir.systems import Systems
from ehr_bridge.hl7.sources import Sources, load_sources
from ehr_bridge.services.accounts.accounts import Accounts
from ehr_bridge.services.accounts.given_answers import GivenAnswers
from ehr_bridge.services.accounts.rate_limits import RateLimits, limits_of
from ehr_bridge.services.accounts.revocations import Revocations
from ehr_bridge.services.accounts.service_keys import KeyVerifier, ServiceKeys
from ehr_bridge.services.accounts.sign_in import Hashing, SignIn
from ehr_bridge.services.accounts.smart_ehrs import load_ehrs, telling_people_apart
from ehr_bridge.services.accounts.smart_launch import SmartLaunch
from ehr_bridge.services.accounts.token_rules import introspection, key_source, token_rules
from ehr_bridge.services.archive.quarantine import Quarantine
from ehr_bridge.services.audit.anchors import FILE_NAME, Anchors, anchor_keys
from ehr_bridge.services.audit.export import AuditExport
from ehr_bridge.services.audit.refusals import Refusals
from ehr_bridge.services.changes.commands import IdentityChanges
from ehr_bridge.services.changes.feed import Feed
from ehr_bridge.services.changes.ledger import Followers
from ehr_bridge.services.coercion.rules import load_rules
from ehr_bridge.services.deletion.holds import Holds
from ehr_bridge.services.deletion.purge import Purge
from ehr_bridge.services.deletion.requests import Deletions
from ehr_bridge.services.delivery.enqueue import enqueue
from ehr_bridge.services.delivery.outbox import Outbox
from ehr_bridge.services.intake.annotations import Annotations
from ehr_bridge.services.intake.claims import Claims
from ehr_bridge.services.intake.intake import Intake
from ehr_bridge.services.intake.known_files import KnownFiles
from ehr_bridge.services.intake.prediction import Matching
from ehr_bridge.services.intake.quarantine_records import QuarantineRecords
from ehr_bridge.services.intake.recorder import Recorder
from ehr_bridge.services.interfaces.commitment import Commitments
from ehr_bridge.services.interfaces.commitment_requests import CommitmentRequests
from ehr_bridge.services.interfaces.fhir.search import FhirSearch
from ehr_bridge.services.interfaces.modalities import Modalities
from ehr_bridge.services.interfaces.performed import PerformedSteps
from ehr_bridge.services.interfaces.performed_listing import PerformedListing
from ehr_bridge.services.interfaces.sendings import Sendings
from ehr_bridge.services.interfaces.worklist import Worklist
from ehr_bridge.services.jobs.spool import spool_of
from ehr_bridge.services.linking.late_links import SecondLooks
from ehr_bridge.services.linking.reconciliation import Reconciliation
from ehr_bridge.services.messages.inbox import Inbox
from ehr_bridge.services.messages.listing import Messages
from ehr_bridge.services.modifying.requests import Modifications
from ehr_bridge.services.modifying.splits import Splits
from ehr_bridge.services.modifying.stuck import StuckJobs
from ehr_bridge.services.nodes.register import Nodes
from ehr_bridge.services.privacy import Privacy
from ehr_bridge.services.quarantine.desk import QuarantineDesk
from ehr_bridge.services.registry.assignment import Assignment
from ehr_bridge.services.registry.authorities import authorities_of
from ehr_bridge.services.registry.completion import Completion
from ehr_bridge.services.registry.local_numbers import LocalNumbers
from ehr_bridge.services.registry.orders import Orders
from ehr_bridge.services.registry.patients import Patients
from ehr_bridge.services.registry.registration import Registration
from ehr_bridge.services.results_bundle import Results, build_results
from ehr_bridge.services.selftest.removal import SelfTestRecords
from ehr_bridge.services.sharing.bundle import Sharing, build_sharing
from ehr_bridge.services.sharing.standing import end_shares_of
from ehr_bridge.services.storing_bundle import build_storing
from ehr_bridge.services.studies.availability import Availability
from ehr_bridge.services.studies.downloads import Downloads
from ehr_bridge.services.studies.history import StudyHistory
from ehr_bridge.services.studies.listing import Studies
from ehr_bridge.services.studies.thumbnails import Thumbnails
from ehr_bridge.services.system.state import System
from ehr_bridge.services.uploads.log import Uploads
from ehr_bridge.services.verdict.site_rules import rules_of
from ehr_bridge.services.viewing.grants import Grants
from ehr_bridge.services.viewing.sessions import ViewerSessions
from ehr_bridge.services.viewing.tokens import Viewer
from ehr_bridge.services.viewing.viewings import Viewings
from ehr_bridge.services.visibility.deleted_studies import HiddenStudies
from ehr_bridge.services.visibility.restrictions import Restrictions
from ehr_bridge.services.visibility.sight import Sight
from ehr_bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    roles: Roles
    database: Database
    fresh: Fresh
    authenticator: Authenticator
    accounts: Accounts
    sign_in: SignIn
    service_keys: ServiceKeys
    key_verifier: KeyVerifier
    given_answers: GivenAnswers
    rate_limits: RateLimits
    patients: Patients
    assignment: Assignment
    matching: Matching
    orders: Orders
    registration: Registration
    claims: Claims
    recorder: Recorder
    intake: Intake
    known_files: KnownFiles
    studies: Studies
    downloads: Downloads
    thumbnails: Thumbnails
    uploads: Uploads
    modifications: Modifications
    splits: Splits
    stuck_jobs: StuckJobs
    revocations: Revocations
    grants: Grants
    ehr_keys: KeySource | None
    viewer: Viewer
    viewer_sessions: ViewerSessions
    viewings: Viewings
    clock: Callable[[], datetime]
    refusals: Refusals
    anchors: Anchors
    audit_export: AuditExport
    hidden: HiddenStudies
    restrictions: Restrictions
    sight: Sight
    privacy: Privacy
    annotations: Annotations
    deletions: Deletions
    holds: Holds
    purge: Purge
    completion: Completion
    availability: Availability
    feed: Feed
    sources: Sources
    inbox: Inbox
    messages: Messages
    identity_changes: IdentityChanges
    second_looks: SecondLooks
    reconciliation: Reconciliation
    study_history: StudyHistory
    nodes: Nodes
    system: System
    quarantine: QuarantineRecords
    quarantine_desk: QuarantineDesk
    modalities: Modalities
    sendings: Sendings
    worklist: Worklist
    fhir_search: FhirSearch
    smart_launch: SmartLaunch
    performed: PerformedSteps
    performed_listing: PerformedListing
    commitments: Commitments
    commitment_requests: CommitmentRequests
    selftest: SelfTestRecords
    outbox: Outbox
    results: Results
    sharing: Sharing


def utc_now() -> datetime:
    return datetime.now(UTC)


def build_services(settings: Settings, database: Database, clock: Callable[[], datetime] = utc_now) -> Services:
    """Build the services for these settings, which must have their `jwt_secret`."""
    authorities = authorities_of(settings)
    of_tokens, ehr_keys = token_rules(settings), key_source(settings)
    revocations, grants = Revocations(database, clock), Grants(database)
    account = None
    if settings.username is not None and settings.password is not None:
        account = (settings.username, settings.password.get_secret_value())
    roles, hashing = of_tokens.claims.roles, Hashing()
    ehrs = load_ehrs(settings.smart_ehrs, roles)
    keys = KeyVerifier(database, revocations, clock, roles)
    rules, systems = rules_of(settings), Systems(authorities, settings.fhir_mrn_system)
    hidden, restrictions = HiddenStudies(database, clock), Restrictions(database, clock)
    coercion = load_rules(settings.coercion_rules)
    storing = build_storing(settings, database, clock, rules, coercion, hidden, restrictions)
    recorder, claims, quarantine = storing.recorder, storing.claims, storing.quarantine
    fresh = Fresh(database, recorder.settle)
    keep_dates(database, clock)
    tell_facts(database, clock, enqueue)
    write_new_rows_later(database)
    on_decisive_change(database, claims.forget)
    followers = Followers(coercion.order_fields)
    sources = load_sources(settings.hl7_sources, settings.time_zone)
    messages = Messages(database, clock, sources.known)
    patients = Patients(database, clock, followers, authorities)
    orders = Orders(database, fresh, clock, new_uid, followers)
    numbers = LocalNumbers(settings.local_mrn, settings.local_accession, settings.time_zone)
    sight = Sight(hidden, restrictions)
    thumbnails, grace = Thumbnails(fresh, settings.thumbnail_path), timedelta(days=settings.deletion_grace_days)
    verifier = TokenVerifier(of_tokens, revocations, grants, clock, ehr_keys)
    opaque = introspection(settings, of_tokens, grants, clock)
    authenticator = Authenticator(verifier, account, keys, roles, opaque)
    refusals = Refusals(database, authenticator, clock)
    spool, nodes, views = spool_of(settings), Nodes(database, settings, clock), Viewings(database, clock)
    performed_listing = PerformedListing(database, clock)
    outbox = Outbox.of(
        database, clock, settings.shared_secret, settings.base_url, settings.time_zone, systems, settings.fhir_base_url
    )

    def settle_all() -> None:
        recorder.settle()
        quarantine.flush()

    modalities = Modalities(database, clock)
    commitments = Commitments(database, settle_all, clock, rejected=Quarantine(settings.rejected_path))
    return Services(
        settings=settings,
        roles=roles,
        database=database,
        fresh=fresh,
        authenticator=authenticator,
        refusals=refusals,
        anchors=Anchors(database, settings.data_dir / FILE_NAME, anchor_keys(settings.shared_secret), clock),
        audit_export=AuditExport(database, clock),
        accounts=Accounts(database, revocations, hashing, clock, roles, end_shares_of),
        sign_in=SignIn(database, of_tokens, revocations, hashing, clock, telling_people_apart(ehrs, roles)),
        service_keys=ServiceKeys(database, revocations, clock, roles),
        key_verifier=keys,
        given_answers=GivenAnswers(database, settings.shared_secret, clock),
        rate_limits=RateLimits(database, clock, limits_of(settings)),
        patients=patients,
        assignment=Assignment(database, clock, followers, authorities),
        matching=Matching(database, rules),
        orders=orders,
        registration=Registration(database, clock, numbers, patients, orders),
        claims=claims,
        recorder=recorder,
        intake=storing.intake,
        known_files=storing.known_files,
        studies=Studies(database, fresh),
        downloads=Downloads(database, clock),
        thumbnails=thumbnails,
        uploads=Uploads(fresh),
        modifications=Modifications(database, clock),
        splits=Splits(database, fresh, rules, clock, new_uid),
        stuck_jobs=StuckJobs(database, clock),
        revocations=revocations,
        grants=grants,
        ehr_keys=ehr_keys,
        viewer=Viewer(database, of_tokens, revocations, restrictions, clock, settings.ohif_viewer_url),
        viewer_sessions=ViewerSessions(database, of_tokens, sight, clock),
        viewings=views,
        clock=clock,
        hidden=hidden,
        restrictions=restrictions,
        sight=sight,
        privacy=Privacy(database, restrictions, clock),
        annotations=Annotations(database, sight),
        deletions=Deletions(database, hidden, fresh, clock, grace),
        holds=Holds(database, clock),
        purge=Purge(database, hidden, thumbnails, clock, lambda: spool.node),
        completion=Completion(database, clock, timedelta(seconds=settings.stable_age)),
        availability=Availability(database, clock, timedelta(seconds=settings.stable_age)),
        feed=Feed(database, clock),
        sources=sources,
        inbox=Inbox(database, clock),
        messages=messages,
        identity_changes=IdentityChanges(database, clock),
        second_looks=SecondLooks(database, rules, clock),
        reconciliation=Reconciliation(database, fresh, rules, clock, new_uid),
        study_history=StudyHistory(fresh),
        nodes=nodes,
        system=System(
            database,
            recorder,
            refusals,
            clock,
            quarantine,
            settings.fixity_days,
            settings.restarts_path,
            messages,
            performed_listing,
            outbox.deliveries,
            nodes,
            settings.backup_enabled,
        ),
        quarantine=quarantine,
        quarantine_desk=QuarantineDesk(database, quarantine, storing.intake, rules, clock),
        modalities=modalities,
        sendings=Sendings(database, restrictions, clock),
        selftest=SelfTestRecords(database, clock),
        outbox=outbox,
        worklist=Worklist(
            database, clock, settings.time_zone, settings.worklist_charset, timedelta(hours=settings.worklist_keep)
        ),
        fhir_search=FhirSearch(fresh, ZoneInfo(settings.time_zone), systems),
        smart_launch=SmartLaunch(ehrs, of_tokens, systems, settings.base_url, database, clock, fetch_json),
        performed=PerformedSteps(database, rules, clock, settings.time_zone, new_uid),
        performed_listing=performed_listing,
        commitments=commitments,
        commitment_requests=CommitmentRequests(database, commitments, modalities, clock),
        results=build_results(
            settings, database, fresh, clock, roles, storing.intake, restrictions, hidden, views.flush
        ),
        sharing=build_sharing(settings, database, of_tokens, revocations, restrictions, clock),
    )
