"""Health of the installation, for load balancers; numbers and problems, for administrators."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from typing import Literal, cast

from flask import Response, current_app
from pydantic import Field

from ehr_bridge.api.features import FeaturesAnswer, features_of
from ehr_bridge.api.http import docs_page
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, services
from ehr_bridge.api.http.schemas import Model, Moment
from ehr_bridge.api.nodes.ready import CHECKS, NodeAnswer
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.auth.permissions import ROLE_PERMISSIONS
from ehr_bridge.db.states import BackupKind, BackupStatus, JobKind, JobStatus
from ehr_bridge.services.system.state import ADVICE, SystemState
from ehr_bridge.version import VERSION

LOGGER = logging.getLogger(__name__)
HANDED_OVER = "ehr_bridge_handed_over"
ORTHANC_VERSION = "ehr_bridge_orthanc_version"
State = Literal["ok", "degraded"]

type Check = Callable[[], bool]
"""Whether a part works; an exception counts as no."""

blueprint = Blueprint("system", "System", is_public=True)


class HealthAnswer(Model):
    status: State
    checks: dict[str, State]
    worklist_age_seconds: float | None = Field(
        description="Seconds since the worklist was read that answers while the database is away; null: never"
    )


class VersionAnswer(Model):
    version: str = Field(description="Version of the product", examples=[VERSION])
    api_version: Literal["v1"] = Field(description="The part of every address that names the API")
    orthanc_version: str | None = Field(description="Version of Orthanc; null when it does not say")
    features: FeaturesAnswer = Field(description="What is switched on here")


class ForecastAnswer(Model):
    days: int = Field(description="Whole days whose arrivals are counted, 28 at most; at least 21 are needed")
    bytes_per_day: int | None = Field(
        description="What arrives in a day, as on the disk: the median of the weeks among these days; null: too few"
    )
    full_on: date | None = Field(description="When the disk will be full; null: not known, or in more than ten years")


class ObjectsAnswer(Model):
    waiting: int = Field(description="Files that are on this server's disk alone")
    waiting_bytes: int
    limit_bytes: int = Field(description="Bytes that may wait; beyond them nothing more is stored")
    oldest_at: Moment | None = Field(description="Since when the first of them waits")
    removing: int = Field(description="Files that are still to be removed from the bucket")
    error: Literal["away", "not_allowed", "no_bucket", "other_bucket", "too_large"] | None = Field(
        description="Why the last attempt failed, or that a file waits which is too large (5 GB); `null`: neither"
    )
    failing_since: Moment | None


class StorageAnswer(Model):
    archive_bytes: int | None
    uncompressed_bytes: int | None
    free_bytes: int | None
    total_bytes: int | None
    number_of_studies: int | None
    number_of_instances: int | None
    forecast: ForecastAnswer
    objects: ObjectsAnswer | None = Field(description="What waits for the object storage; `null`: there is none")


class JobCountsAnswer(Model):
    waiting: int
    running: int
    failed: int
    stuck: int


class QueueAnswer(Model):
    instances_to_record: int
    changes_to_check: int | None
    jobs: JobCountsAnswer
    uploads_under_way: int
    quarantined: int


class FailedJobAnswer(Model):
    id: uuid.UUID
    study_instance_uid: str
    kind: JobKind
    status: Literal[JobStatus.RUNNING, JobStatus.PARTIAL, JobStatus.FAILED]
    error_code: str | None
    finished_at: Moment | None
    failure: str | None


class DamagedFileAnswer(Model):
    study_instance_uid: str
    orthanc_instance_id: str
    damaged_at: Moment
    file: str | None


class FixityAnswer(Model):
    days: float
    checked_until: Moment | None
    damaged: int
    latest: list[DamagedFileAnswer]


class RestartsAnswer(Model):
    recent: int
    latest: Moment | None
    cause: str | None


class BackupRunAnswer(Model):
    kind: BackupKind
    status: BackupStatus
    repository: str
    begun_at: Moment
    ended_at: Moment | None
    number_of_files: int | None = Field(description="In the snapshot")
    size_bytes: int | None = Field(description="Of these files, in bytes")
    added_bytes: int | None = Field(description="Bytes that the repository got, compressed")
    failure: str | None = Field(description="Code of what prevented it; `backup.log` says more")


class BackupsAnswer(Model):
    is_scheduled: bool
    last_success_at: Moment | None = Field(description="When the last backup that succeeded began")
    last_check_at: Moment | None = Field(description="When a check began that read everything and found no error")
    last: BackupRunAnswer | None = Field(description="The last backup or check, or the present one")


class AttentionAnswer(Model):
    code: str
    count: int | None
    advice: str


class RoleAnswer(Model):
    name: str
    permissions: list[str]
    is_built_in: bool = Field(description="As without a file of roles (`EHR_BRIDGE_ROLES`)")


class SystemAnswer(Model):
    version: str
    orthanc_version: str | None = Field(description="Version of this node's Orthanc; null when it does not say")
    features: FeaturesAnswer = Field(description="What is switched on here")
    storage: StorageAnswer
    queue: QueueAnswer
    failed_jobs: list[FailedJobAnswer]
    fixity: FixityAnswer
    restarts: RestartsAnswer
    backups: BackupsAnswer
    roles: list[RoleAnswer]
    nodes: list[NodeAnswer] = Field(description="Those that run, and for a day those that have ended or are lost")
    attention: list[AttentionAnswer]


@blueprint.get("/health", responses={200: HealthAnswer})
def get_health() -> Response:
    """Whether all parts work. Answers 200 also when degraded, so that viewers of images are not cut off"""
    checks = {name: _state(name, check) for name, check in _checks().items()}
    worst: State = "degraded" if "degraded" in checks.values() else "ok"
    age = services().worklist.age_seconds
    shown = None if age is None else round(age, 1)
    return answer(HealthAnswer(status=worst, checks=checks, worklist_age_seconds=shown))


@blueprint.get("/version", responses={200: VersionAnswer})
def get_version() -> Response:
    """Which versions answer here, and what is switched on"""
    features = features_of(services().settings)
    return answer(VersionAnswer(version=VERSION, api_version="v1", orthanc_version=_orthanc(), features=features))


@blueprint.get("/system", responses={200: SystemAnswer})
def get_system() -> Response:
    """What is stored, what is waiting and what needs attention; `null` means not known at present"""
    handed_over = cast(Callable[[], int], current_app.extensions[HANDED_OVER])
    return answer(_system(services().system.look(archive(), handed_over())))


@blueprint.get("/docs", responses={200: docs_page.SHOWN})
def get_docs() -> Response:
    """A page to try the API"""
    return Response(docs_page.PAGE, content_type=docs_page.MEDIA_TYPE)


def _system(state: SystemState) -> SystemAnswer:
    usage, disk, jobs = state.usage, state.disk, state.jobs
    return SystemAnswer(
        version=VERSION,
        orthanc_version=_orthanc(),
        features=features_of(services().settings),
        storage=StorageAnswer(
            archive_bytes=usage and usage.size_bytes,
            uncompressed_bytes=usage and usage.uncompressed_bytes,
            free_bytes=disk and disk.free_bytes,
            total_bytes=disk and disk.total_bytes,
            number_of_studies=usage and usage.number_of_studies,
            number_of_instances=usage and usage.number_of_instances,
            forecast=ForecastAnswer.model_validate(state.forecast),
            objects=state.objects and ObjectsAnswer.model_validate(state.objects),
        ),
        queue=QueueAnswer(
            instances_to_record=state.instances_to_record,
            changes_to_check=state.changes_to_check,
            jobs=JobCountsAnswer.model_validate(jobs),
            uploads_under_way=state.uploads_under_way,
            quarantined=state.quarantined,
        ),
        failed_jobs=[FailedJobAnswer.model_validate(job) for job in jobs.latest_failed],
        fixity=FixityAnswer.model_validate(state.fixity),
        restarts=RestartsAnswer.model_validate(state.restarts),
        backups=BackupsAnswer.model_validate(state.backups),
        roles=[
            RoleAnswer(name=role, permissions=sorted(may), is_built_in=ROLE_PERMISSIONS.get(role) == may)
            for role, may in services().roles.permissions.items()
        ],
        nodes=[NodeAnswer.model_validate(node) for node in state.nodes],
        attention=[
            AttentionAnswer(code=each.code, count=each.count, advice=ADVICE[each.code]) for each in state.attention
        ],
    )


def _orthanc() -> str | None:
    return cast(str | None, current_app.extensions[ORTHANC_VERSION])


def _checks() -> Mapping[str, Check]:
    return cast(Mapping[str, Check], current_app.extensions[CHECKS])


def _state(name: str, check: Check) -> State:
    try:
        return "ok" if check() else "degraded"
    except Exception:
        LOGGER.warning("health check '%s' failed", name, exc_info=True)
        return "degraded"
