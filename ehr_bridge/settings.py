"""The settings, read once from environment variables.

Only `load_settings` reads the environment. Unknown `EHR_BRIDGE_…` variables and malformed values stop the start with a
message that names the variable. docs/configuration.md lists all of them; a test keeps it so.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from ehr_bridge import setting_checks
from ehr_bridge.backup_settings import BackupSettings
from ehr_bridge.derived_keys import SharedSecret
from ehr_bridge.disk_settings import StorageSettings
from ehr_bridge.network_settings import NetworkSettings, Port
from ehr_bridge.results_settings import ResultsSettings
from ehr_bridge.shared_folders import SharedFolders
from ehr_bridge.wrong_values import told, written

OURS = "EHR_BRIDGE_"


class SettingsError(Exception):
    """One line per variable that cannot be used."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


MEGABYTE = 1_000_000
Megabytes = Annotated[int, Field(ge=1, le=1_000_000)]


class Settings(SharedFolders, StorageSettings, NetworkSettings, ResultsSettings, BackupSettings):
    """All settings; the alias of a field is its environment variable."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_alias=True, validate_by_name=True)

    demo: bool = Field(True, alias="EHR_BRIDGE_DEMO", description="Create demo accounts, orders and a study.")
    ae_title: Annotated[str, Field(max_length=16), AfterValidator(setting_checks.ae_title)] = Field(
        "ORTHANC", alias="EHR_BRIDGE_AE_TITLE", description="AE title under which modalities call."
    )
    database_url: Annotated[SecretStr, AfterValidator(setting_checks.database_url)] | None = Field(
        None,
        alias="EHR_BRIDGE_DATABASE_URL",
        description="SQLAlchemy URL; SQLite in the data dir when unset.",
    )
    orthanc_database_url: Annotated[SecretStr, AfterValidator(setting_checks.orthanc_database_url)] | None = Field(
        None,
        alias="EHR_BRIDGE_ORTHANC_DATABASE_URL",
        description="PostgreSQL URL of Orthanc's own index; its SQLite when unset.",
    )
    jwt_secret: Annotated[SecretStr, AfterValidator(setting_checks.long_enough)] | None = Field(
        None, alias="EHR_BRIDGE_JWT_SECRET", description="HS256 secret shared with the EHR, at least 32 bytes."
    )
    jwt_secret_former: Annotated[SecretStr, AfterValidator(setting_checks.long_enough)] | None = Field(
        None,
        alias="EHR_BRIDGE_JWT_SECRET_FORMER",
        description="Another secret that is accepted, and signs nothing, while the secret is rotated.",
    )
    jwt_issuer: str | None = Field(
        None, alias="EHR_BRIDGE_JWT_ISSUER", min_length=1, description="Required `iss`; any when unset."
    )
    jwt_audience: str = Field(
        "orthanc-ehr-bridge", alias="EHR_BRIDGE_JWT_AUDIENCE", min_length=1, description="Required `aud`."
    )
    jwks: Annotated[str, AfterValidator(setting_checks.key_source)] | None = Field(
        None, alias="EHR_BRIDGE_JWKS", description="File or https address of the EHR's public keys (JWK Set)."
    )
    jwt_roles_claim: str = Field(
        "roles",
        alias="EHR_BRIDGE_JWT_ROLES_CLAIM",
        pattern=written(
            r"^[^.\s]+(\.[^.\s]+)*$", "the name of a claim, or several with dots between, such as realm_access.roles"
        ),
        description="Claim with the list of roles; dots lead into objects.",
    )
    jwt_role_names: Annotated[dict[str, tuple[str, ...]] | None, BeforeValidator(setting_checks.as_json)] = Field(
        None, alias="EHR_BRIDGE_JWT_ROLE_NAMES", description="Their role names to ours, as JSON."
    )
    roles: Path | None = Field(
        None, alias="EHR_BRIDGE_ROLES", description="TOML file with roles; the built-in ones when unset."
    )
    smart_scopes: bool = Field(
        False, alias="EHR_BRIDGE_SMART_SCOPES", description="SMART scopes of a token grant or narrow."
    )
    smart_patient_claim: str = Field(
        "patient",
        alias="EHR_BRIDGE_SMART_PATIENT_CLAIM",
        min_length=1,
        description="Claim with the patient of a scope.",
    )
    username: str | None = Field(
        None,
        alias="ORTHANC_USERNAME",
        pattern=written(r"^[^:\s]+$", "a name without blanks and colons"),
        description="Name of the Basic service account.",
    )
    password: SecretStr | None = Field(
        None, alias="ORTHANC_PASSWORD", min_length=12, description="Its password, 12 characters or more."
    )
    ohif_viewer_url: Annotated[str, AfterValidator(setting_checks.site_path)] = Field(
        "/ohif", alias="OHIF_VIEWER_URL", description="Where OHIF is served."
    )
    frame_ancestors: Annotated[str, AfterValidator(setting_checks.origins)] | None = Field(
        None,
        alias="EHR_BRIDGE_FRAME_ANCESTORS",
        description="Origins whose pages may show ours in a frame, with blanks between; none but our own when unset.",
    )
    max_dicom_file_size_mb: Megabytes = Field(
        100, alias="MAX_DICOM_FILE_SIZE_MB", description="Largest single DICOM file."
    )
    max_dicom_files_per_upload: Annotated[int, Field(ge=1)] = Field(
        500, alias="MAX_DICOM_FILES_PER_UPLOAD", description="Most files in one upload request."
    )
    max_upload_size_mb: Megabytes = Field(2048, alias="MAX_UPLOAD_SIZE_MB", description="Largest upload request.")
    uploads_per_minute: Annotated[int, Field(ge=1)] = Field(
        20_000, alias="EHR_BRIDGE_UPLOADS_PER_MINUTE", description="Most upload requests of one sender in a minute."
    )
    lock_minutes: Annotated[int, Field(ge=0, le=480)] = Field(
        10, alias="EHR_BRIDGE_LOCK_MINUTES", description="Minutes without work after which pages are locked; 0: never."
    )
    sign_ins_per_minute: Annotated[int, Field(ge=1)] = Field(
        10,
        alias="EHR_BRIDGE_SIGN_INS_PER_MINUTE",
        description="Most sign-ins to one name from one address in a minute.",
    )
    small_stacks: bool = Field(
        False,
        alias="EHR_BRIDGE_SMALL_STACKS",
        description="Serve on Orthanc's own thread stacks, which nested data can exhaust.",
    )
    deletion_grace_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        7, alias="EHR_BRIDGE_DELETION_GRACE_DAYS", description="Days between approving a deletion and the purge."
    )

    other_content_status: Literal["0x0000", "0x0111"] = Field(
        "0x0000",
        alias="EHR_BRIDGE_OTHER_CONTENT_STATUS",
        description="C-STORE status for an image whose UID the archive has with other content; it is in quarantine.",
    )

    fixity_days: Annotated[float, AfterValidator(setting_checks.fixity_days)] = Field(
        30, alias="EHR_BRIDGE_FIXITY_DAYS", description="Days within which every stored file is read again; 0: never."
    )

    coercion_rules: Path | None = Field(
        None,
        alias="EHR_BRIDGE_COERCION_RULES",
        description="File with the coercion rules, TOML or JSON; the built-in ones when unset.",
    )

    stable_age: Annotated[int, Field(ge=1, le=86_400)] = Field(
        60,
        alias="EHR_BRIDGE_STABLE_AGE",
        description="Seconds without a new instance until a study counts as complete.",
    )

    match_automatic: Literal["order", "patient_id", "near_patient_id", "demographics"] = Field(
        "patient_id",
        alias="EHR_BRIDGE_MATCH_AUTOMATIC",
        description="The weakest ground on which a study is linked without a person.",
    )
    match_probability: Annotated[float, Field(ge=0.9, lt=1)] = Field(
        0.99,
        alias="EHR_BRIDGE_MATCH_PROBABILITY",
        description="How likely a patient must be for it, where no key names an order.",
    )
    match_order_keys: Annotated[str, AfterValidator(setting_checks.order_keys)] = Field(
        ",".join(setting_checks.ORDER_KEYS),
        alias="EHR_BRIDGE_MATCH_ORDER_KEYS",
        description="Keys that name an order, in the order in which the evidence lists them.",
    )
    match_accession_issuer: str | None = Field(
        None,
        alias="EHR_BRIDGE_MATCH_ACCESSION_ISSUER",
        min_length=1,
        description="The issuer of the orders' accession numbers; another issuer's number points to no order.",
    )
    authorities: Annotated[str, AfterValidator(setting_checks.authorities)] | None = Field(
        None,
        alias="EHR_BRIDGE_AUTHORITIES",
        description="Who gives MRNs, where that is more than one: NAME or NAME=UNIVERSAL ID, with commas between.",
    )
    hl7_port: Port | None = Field(None, alias="EHR_BRIDGE_HL7_PORT", description="Port of HL7 v2; off when unset.")
    hl7_sources: Path | None = Field(
        None, alias="EHR_BRIDGE_HL7_SOURCES", description="TOML file of the systems that send HL7 v2."
    )
    match_order_days: Annotated[int, Field(ge=0, le=365)] = Field(
        7,
        alias="EHR_BRIDGE_MATCH_ORDER_DAYS",
        description="Most days between appointment and study date, where no key names the order.",
    )

    @property
    def known_authorities(self) -> tuple[tuple[str, str], ...]:
        """Name and universal ID ('' for none) of each authority; empty where there is only one."""
        parted = (entry.partition("=") for entry in (self.authorities or "").split(", ") if entry)
        return tuple((name, universal) for name, _, universal in parted)

    dicom_access: Literal["open", "known"] = Field(
        "open",
        alias="EHR_BRIDGE_DICOM_ACCESS",
        description="open: every AE title may store, registered ones ask for the worklist; known: only registered ones "
        "do either, from their own host.",
    )
    worklist_charset: setting_checks.Charset = Field(
        "latin1",
        alias="EHR_BRIDGE_WORKLIST_CHARSET",
        description="Character set of worklist answers, and of files that name none where Orthanc reads them.",
    )
    worklist_keep: Annotated[float, Field(ge=0, le=168)] = Field(
        4,
        alias="EHR_BRIDGE_WORKLIST_KEEP",
        description="Hours for which an order whose images have stopped coming stays on the worklist.",
    )
    time_zone: Annotated[str, AfterValidator(setting_checks.time_zone)] = Field(
        "UTC", alias="EHR_BRIDGE_TIME_ZONE", description="IANA name: worklist times, and HL7 times without offset."
    )
    local_mrn: Annotated[str, AfterValidator(setting_checks.local_mrn)] = Field(
        "L{n:07}", alias="EHR_BRIDGE_LOCAL_MRN", description="Pattern of MRNs that are given here."
    )
    local_accession: Annotated[str, AfterValidator(setting_checks.local_accession)] = Field(
        "A{date}{n:04}",
        alias="EHR_BRIDGE_LOCAL_ACCESSION",
        description="Pattern of accession numbers that are given here.",
    )

    log_format: Literal["text", "json"] = Field(
        "text", alias="EHR_BRIDGE_LOG_FORMAT", description="Lines of ours in the log: text, or JSON objects."
    )
    log_max_mb: Megabytes = Field(
        20, alias="EHR_BRIDGE_LOG_MAX_MB", description="Size at which the log file is turned over."
    )
    log_kept: Annotated[int, Field(ge=1, le=1000)] = Field(
        5, alias="EHR_BRIDGE_LOG_KEPT", description="How many former log files are kept."
    )

    @property
    def thumbnail_path(self) -> Path:
        return self.data_dir / "thumbnails"

    @property
    def shared_secret(self) -> SharedSecret:
        """Needs `jwt_secret`, which is made at the first start."""
        assert self.jwt_secret is not None
        other = self.jwt_secret_former
        return SharedSecret(self.jwt_secret.get_secret_value(), None if other is None else other.get_secret_value())

    @property
    def jwks_is_address(self) -> bool:
        return self.jwks is not None and "://" in self.jwks

    @property
    def keys_copy_path(self) -> Path:
        return self.data_dir / "ehr-keys.json"

    @property
    def log_path(self) -> Path:
        return self.data_dir / "orthanc.log"

    @property
    def restarts_path(self) -> Path:
        return self.data_dir / "restarts.log"

    @property
    def draining_path(self) -> Path:
        return self.data_dir / "draining"

    @property
    def sqlalchemy_url(self) -> str:
        if self.database_url:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.data_dir / 'ehr-bridge.sqlite3').resolve()}"

    @property
    def orthanc_libpq_url(self) -> str | None:
        if self.orthanc_database_url is None:
            return None
        return self.orthanc_database_url.get_secret_value().replace("postgresql+psycopg://", "postgresql://", 1)


def variables() -> dict[str, str]:
    return {str(f.alias): f.description or "" for f in Settings.model_fields.values()}


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from environment variables; empty values count as unset. Raises SettingsError when a variable of ours is
    unknown or malformed; each problem names its variable."""
    known = variables()
    given = {k: v for k, v in environ.items() if k in known and v != ""}
    problems = [
        f"{name}: unknown setting; see docs/configuration.md for the names"
        for name in sorted(environ)
        if name.startswith(OURS) and name not in known
    ]
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        problems += [f"{name.partition('.')[0]}: {what}" for name, what in told(error)]
        raise SettingsError(problems) from None
    if (settings.username is None) != (settings.password is None):
        problems.append("ORTHANC_USERNAME: set it together with ORTHANC_PASSWORD, or neither")
    problems += settings.storage_problems
    if settings.lacks_public_url:
        where = "set it where EHR_BRIDGE_BIND is 0.0.0.0"
        problems.append(f"EHR_BRIDGE_PUBLIC_URL: FHIR, SMART and shared links lead to it; {where}")
    if settings.mpps_tls_is_incomplete:
        problems.append("EHR_BRIDGE_MPPS_CERTIFICATE: set it, _KEY and _CLIENTS together with EHR_BRIDGE_MPPS_PORT")
    if settings.lacks_backup_settings:
        problems.append("DICOM_BACKUP_ENABLED: set DICOM_BACKUP_PATH and EHR_BRIDGE_BACKUP_PASSWORD with it")
    if problems:
        raise SettingsError(problems)
    return settings
