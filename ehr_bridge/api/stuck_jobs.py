"""An administrator's decisions about jobs that cannot continue."""

from __future__ import annotations

from flask import Response

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import origin, services
from ehr_bridge.api.http.schemas import Input
from ehr_bridge.api.tags import CONFLICTS, JobAnswer, JobPath, Reason, accepted

blueprint = Blueprint("stuck_jobs", "System")


class JobDecisionBody(Input):
    reason: Reason


@blueprint.post("/jobs/<job_id>/retry", responses={202: JobAnswer, **CONFLICTS})
def retry_job(path: JobPath, body: JobDecisionBody) -> Response:
    """Retry a job that failed with an unexpected error"""
    return accepted(services().stuck_jobs.retry(path.job_id, body.reason, origin()))


@blueprint.post("/jobs/<job_id>/give-up", responses={202: JobAnswer, **CONFLICTS})
def give_up_job(path: JobPath, body: JobDecisionBody) -> Response:
    """Give up a job that cannot continue; files that it has changed are restored"""
    return accepted(services().stuck_jobs.give_up(path.job_id, body.reason, origin()))
