"""The permission that each of our routes needs: one table for code, docs and tests. Unlisted routes are refused."""

from __future__ import annotations

from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.errors import NotPermitted

PUBLIC = "public"
SIGNED_IN = "signed in"
"""Any valid user token; the route itself checks the rest."""
VIEWER = "viewer token"
"""Only a viewer token; all other routes refuse viewer tokens."""
OF_SHARE = "share token"
"""Only the viewer token of a share."""

ANNOTATING = ("POST", "/api/v1/dicom-web/studies")
"""Here a viewer token with the operation annotate is accepted too; the route then takes annotations only."""
SEE_DELETIONS = f"{Permission.APPROVE_DELETION} or {Permission.REQUEST_DELETION}"
RECEIVE_PATIENTS = f"{Permission.UPLOAD} or {Permission.WRITE_ORDERS} or {Permission.REGISTER}"
ATTACH = f"{Permission.UPLOAD} or {Permission.REGISTER}"
"""Documents: also at the desk, where referrals arrive."""
PRINT_LABELS = f"{Permission.DOWNLOAD} or {Permission.REGISTER} or {Permission.UPLOAD}"
"""And `read`. Also the desk and those who make images: a label goes to the patient it names, not away."""
KEEP_RECORDS = f"{Permission.WRITE_ORDERS} or {Permission.REGISTER}"
"""The EHR, or people at the desk; what the latter may do to what the EHR told says `services.registry.desk`."""
ASSIGN_ORDERS = f"{Permission.UPLOAD} or {Permission.REGISTER} or {Permission.RECONCILE} or {Permission.WRITE_ORDERS}"
"""Those who make images, or plan who makes them: people, the desk, and the system that plans."""
SEE_MODALITIES = f"{Permission.INTERFACES} or {Permission.REGISTER} or {Permission.DOWNLOAD}"
"""The latter two to choose the station of an order, or where to send a study."""
SEE_IMAGES = f"{Permission.VIEW} or {Permission.VIEW_TO_DECIDE}"
SEND_MESSAGES = f"{Permission.WRITE_ORDERS} or {Permission.BRING_REPORTS}"
"""The one for patients and orders, the other for reports: which, the message says."""
TRY_MESSAGES = f"{SEND_MESSAGES} or {Permission.INTERFACES}"
SEE_SHARES = f"{Permission.DOWNLOAD} or {Permission.ACCOUNTS}"
"""Of all people; who may share may end what others have shared, and so may who manages accounts."""
METRICS = ("GET", "/api/v1/metrics")
"""Also open to the addresses of EHR_BRIDGE_METRICS_FROM (`api.metrics.addresses`)."""
SEE_SYSTEM = f"{Permission.ACCOUNTS} or {Permission.AUDIT}"

ACCESS: dict[tuple[str, str], Permission | str] = {
    ("GET", "/api/v1/health"): PUBLIC,
    ("GET", "/api/v1/ready"): PUBLIC,
    ("GET", "/api/v1/openapi.json"): PUBLIC,
    ("GET", "/api/v1/docs"): PUBLIC,
    ("GET", "/api/v1/problems"): PUBLIC,
    ("GET", "/api/v1/problems/{code}"): PUBLIC,
    ("GET", "/api/v1/version"): SIGNED_IN,
    ("GET", "/api/v1/system"): SEE_SYSTEM,
    METRICS: Permission.METRICS,
    ("POST", "/api/v1/auth/login"): PUBLIC,
    ("GET", "/api/v1/auth/me"): SIGNED_IN,
    ("POST", "/api/v1/auth/logout"): SIGNED_IN,
    ("POST", "/api/v1/auth/password"): SIGNED_IN,
    ("GET", "/api/v1/accounts"): Permission.ACCOUNTS,
    ("POST", "/api/v1/accounts"): Permission.ACCOUNTS,
    ("GET", "/api/v1/accounts/{username}"): Permission.ACCOUNTS,
    ("PUT", "/api/v1/accounts/{username}"): Permission.ACCOUNTS,
    ("POST", "/api/v1/accounts/{username}/password"): Permission.ACCOUNTS,
    ("GET", "/api/v1/service-keys"): Permission.SERVICE_PERMISSIONS,
    ("POST", "/api/v1/service-keys"): Permission.SERVICE_PERMISSIONS,
    ("DELETE", "/api/v1/service-keys/{key_id}"): Permission.SERVICE_PERMISSIONS,
    ("GET", "/api/v1/authorities"): SIGNED_IN,
    ("POST", "/api/v1/patients"): KEEP_RECORDS,
    ("POST", "/api/v1/patients/emergency"): KEEP_RECORDS,
    ("PUT", "/api/v1/patients/{patient}"): KEEP_RECORDS,
    ("POST", "/api/v1/patients/{patient}/patch"): Permission.WRITE_ORDERS,
    ("POST", "/api/v1/orders/{order}/patch"): Permission.WRITE_ORDERS,
    ("POST", "/api/v1/patients/batch"): Permission.WRITE_ORDERS,
    ("POST", "/api/v1/orders/batch"): Permission.WRITE_ORDERS,
    ("POST", "/api/v1/match"): Permission.READ,
    ("GET", "/api/v1/patients"): Permission.READ,
    ("GET", "/api/v1/patients/{patient}"): Permission.READ,
    ("POST", "/api/v1/orders"): KEEP_RECORDS,
    ("PUT", "/api/v1/orders/{order}"): KEEP_RECORDS,
    ("GET", "/api/v1/orders"): Permission.READ,
    ("GET", "/api/v1/orders/{order}"): Permission.READ,
    ("POST", "/api/v1/orders/{order}/cancel"): KEEP_RECORDS,
    ("POST", "/api/v1/orders/{order}/arrival"): RECEIVE_PATIENTS,
    ("DELETE", "/api/v1/orders/{order}/arrival"): RECEIVE_PATIENTS,
    ("POST", "/api/v1/orders/{order}/assignment"): ASSIGN_ORDERS,
    ("DELETE", "/api/v1/orders/{order}/assignment"): ASSIGN_ORDERS,
    ("POST", "/api/v1/orders/{order}/accession-number"): Permission.WRITE_ORDERS,
    ("POST", "/api/v1/patients/{patient}/documents"): ATTACH,
    ("POST", "/api/v1/orders/{order}/documents"): ATTACH,
    ("GET", "/api/v1/documents"): Permission.READ,
    ("GET", "/api/v1/timeline"): Permission.READ,
    ("GET", "/api/v1/documents/{document_id}"): Permission.READ,
    ("GET", "/api/v1/documents/{document_id}/content"): SEE_IMAGES,
    ("GET", "/api/v1/day/counts"): Permission.READ,
    ("GET", "/api/v1/day/change"): Permission.READ,
    ("GET", "/api/v1/dashboard"): Permission.READ,
    ("GET", "/api/v1/dashboard/turnaround"): Permission.READ,
    ("GET", "/api/v1/dashboard/turnaround/examinations"): Permission.READ,
    ("GET", "/api/v1/dashboard/dose"): Permission.READ,
    ("GET", "/api/v1/dashboard/dose/studies"): Permission.READ,
    ("GET", "/api/v1/day/people"): ASSIGN_ORDERS,
    ("GET", "/api/v1/day/views"): Permission.READ,
    ("POST", "/api/v1/day/views"): Permission.READ,
    ("GET", "/api/v1/day/views/{view_id}"): Permission.READ,
    ("PUT", "/api/v1/day/views/{view_id}"): Permission.READ,
    ("DELETE", "/api/v1/day/views/{view_id}"): Permission.READ,
    ("GET", "/api/v1/day/choices"): Permission.READ,
    ("PUT", "/api/v1/day/choices"): Permission.READ,
    ("GET", "/api/v1/notices"): Permission.READ,
    ("POST", "/api/v1/notices/seen"): Permission.READ,
    ("GET", "/api/v1/events"): Permission.READ,
    ("POST", "/api/v1/hl7"): SEND_MESSAGES,
    ("POST", "/api/v1/hl7/validate"): TRY_MESSAGES,
    ("GET", "/api/v1/hl7/messages"): Permission.INTERFACES,
    ("GET", "/api/v1/hl7/messages/{message_id}"): Permission.INTERFACES,
    ("POST", "/api/v1/hl7/messages/{message_id}/replay"): Permission.INTERFACES,
    ("GET", "/api/v1/hl7/sources"): Permission.INTERFACES,
    ("POST", "/api/v1/patients/{patient}/merge"): KEEP_RECORDS,
    ("POST", "/api/v1/patients/{patient}/merge/preview"): KEEP_RECORDS,
    ("POST", "/api/v1/patients/{patient}/unmerge"): KEEP_RECORDS,
    ("GET", "/api/v1/changes"): Permission.READ,
    ("GET", "/api/v1/changes/{change_id}"): Permission.READ,
    ("POST", "/api/v1/changes/{change_id}/agree"): Permission.RECONCILE,
    ("POST", "/api/v1/changes/{change_id}/refuse"): Permission.RECONCILE,
    ("POST", "/api/v1/changes/{change_id}/undo"): KEEP_RECORDS,
    ("GET", "/api/v1/reconciliation"): Permission.RECONCILE,
    ("GET", "/api/v1/reconciliation/{study_uid}"): Permission.RECONCILE,
    ("GET", "/api/v1/reconciliation/{study_uid}/compare"): Permission.RECONCILE,
    ("POST", "/api/v1/reconciliation/{study_uid}/link"): Permission.RECONCILE,
    ("POST", "/api/v1/reconciliation/{study_uid}/unlink"): Permission.RECONCILE,
    ("POST", "/api/v1/reconciliation/{study_uid}/split"): Permission.RECONCILE,
    ("POST", "/api/v1/reconciliation/{study_uid}/split/compare"): Permission.RECONCILE,
    ("POST", "/api/v1/reconciliation/{study_uid}/create-order"): Permission.RECONCILE,
    ("POST", "/api/v1/reconciliation/{study_uid}/create-patient"): Permission.RECONCILE,  # and register
    ("GET", "/api/v1/quarantine"): Permission.RECONCILE,
    ("GET", "/api/v1/quarantine/{quarantine_id}"): Permission.RECONCILE,
    ("GET", "/api/v1/quarantine/{quarantine_id}/compare"): Permission.RECONCILE,
    ("POST", "/api/v1/quarantine/{quarantine_id}/give"): Permission.RECONCILE,
    ("POST", "/api/v1/quarantine/{quarantine_id}/discard"): Permission.RECONCILE,
    ("POST", "/api/v1/quarantine/{quarantine_id}/reopen"): Permission.RECONCILE,
    ("GET", "/api/v1/dicom/studies/{study_uid}/history"): Permission.READ,
    ("GET", "/api/v1/dicom/upload-limits"): Permission.UPLOAD,
    ("POST", "/api/v1/dicom/upload"): Permission.UPLOAD,
    ("POST", "/api/v1/dicom/upload-multiple"): Permission.UPLOAD,
    ("POST", "/api/v1/dicom/upload-zip"): Permission.UPLOAD,
    ("POST", "/api/v1/dicom/validate"): Permission.UPLOAD,
    ("POST", "/api/v1/dicom/read-tags"): Permission.UPLOAD,
    ("POST", "/api/v1/dicom/known"): Permission.UPLOAD,
    ("POST", "/api/v1/dicom-web/studies"): Permission.UPLOAD,
    ("POST", "/instances"): Permission.UPLOAD,
    ("GET", "/api/v1/dicom/studies"): Permission.READ,
    ("GET", "/api/v1/dicom/studies/{study_uid}"): Permission.READ,
    ("GET", "/api/v1/dicom/studies/{study_uid}/series"): Permission.READ,
    ("DELETE", "/api/v1/dicom/studies/{study_uid}"): Permission.REQUEST_DELETION,
    ("POST", "/api/v1/dicom/studies/{study_uid}/rejections"): Permission.MODIFY_TAGS,
    ("GET", "/api/v1/dicom/rejections"): Permission.READ,
    ("GET", "/api/v1/dicom/rejections/{rejection_id}"): Permission.READ,
    ("GET", "/api/v1/dicom/rejections/{rejection_id}/pictures/{number}"): Permission.MODIFY_TAGS,  # and view
    ("POST", "/api/v1/dicom/rejections/{rejection_id}/undo"): Permission.MODIFY_TAGS,
    ("POST", "/api/v1/dicom/rejections/{rejection_id}/agree"): Permission.MODIFY_TAGS,
    ("POST", "/api/v1/dicom/rejections/{rejection_id}/refuse"): Permission.MODIFY_TAGS,
    ("GET", "/api/v1/dicom/studies/{study_uid}/hold"): Permission.READ,
    ("POST", "/api/v1/dicom/studies/{study_uid}/hold"): Permission.REQUEST_DELETION,
    ("DELETE", "/api/v1/dicom/studies/{study_uid}/hold"): Permission.APPROVE_DELETION,
    ("GET", "/api/v1/deletions"): SEE_DELETIONS,
    ("POST", "/api/v1/deletions/{deletion_id}/approve"): Permission.APPROVE_DELETION,
    ("POST", "/api/v1/deletions/{deletion_id}/reject"): Permission.APPROVE_DELETION,
    ("POST", "/api/v1/deletions/{deletion_id}/restore"): Permission.APPROVE_DELETION,
    ("POST", "/api/v1/deletions/{deletion_id}/withdraw"): Permission.REQUEST_DELETION,
    ("GET", "/api/v1/retention/proposals"): Permission.REQUEST_DELETION,
    ("POST", "/api/v1/retention/batches"): Permission.REQUEST_DELETION,
    ("GET", "/api/v1/retention/batches"): SEE_DELETIONS,
    ("POST", "/api/v1/retention/batches/{batch_id}/approve"): Permission.APPROVE_DELETION,
    ("POST", "/api/v1/retention/batches/{batch_id}/reject"): Permission.APPROVE_DELETION,
    ("POST", "/api/v1/retention/batches/{batch_id}/withdraw"): Permission.REQUEST_DELETION,
    ("GET", "/api/v1/dicom/studies/patient/{patient}"): Permission.READ,
    ("GET", "/api/v1/dicom/studies/order/{order}"): Permission.READ,
    ("GET", "/api/v1/dicom/studies/accession/{accession_number}"): Permission.READ,
    ("GET", "/api/v1/dicom/download/{study_uid}"): Permission.DOWNLOAD,
    ("GET", "/api/v1/dicom/thumbnail/{study_uid}"): SEE_IMAGES,
    ("GET", "/api/v1/dicom/viewer-url/{study_uid}"): SEE_IMAGES,
    ("POST", "/api/v1/dicom/viewer-token"): SIGNED_IN,
    ("GET", "/api/v1/dicom/viewer-token"): SIGNED_IN,
    ("DELETE", "/api/v1/dicom/viewer-token/{token_id}"): SIGNED_IN,
    ("POST", "/api/v1/dicom/viewer-token/exchange"): VIEWER,
    ("POST", "/api/v1/dicom/shares"): Permission.DOWNLOAD,
    ("GET", "/api/v1/dicom/shares"): SEE_SHARES,
    ("DELETE", "/api/v1/dicom/shares/{share_id}"): SEE_SHARES,
    ("POST", "/api/v1/share/open"): PUBLIC,
    ("GET", "/api/v1/share/reports/{report_id}/pdf"): OF_SHARE,
    ("GET", "/api/v1/dicom/uploads"): Permission.READ,
    ("GET", "/api/v1/dicom/uploads/patient/{patient}"): Permission.READ,
    ("GET", "/api/v1/dicom/uploads/{upload_id}"): Permission.READ,
    ("GET", "/api/v1/dicom/tags/{study_uid}"): Permission.READ,
    ("POST", "/api/v1/dicom/modify-tags"): Permission.MODIFY_TAGS,
    ("POST", "/api/v1/modifications/{modification_id}/undo"): Permission.MODIFY_TAGS,
    ("GET", "/api/v1/jobs/{job_id}"): Permission.READ,
    ("POST", "/api/v1/jobs/{job_id}/retry"): Permission.ACCOUNTS,
    ("POST", "/api/v1/jobs/{job_id}/give-up"): Permission.ACCOUNTS,
    ("PUT", "/api/v1/access/restrictions/{patient}"): Permission.PRIVACY,
    ("DELETE", "/api/v1/access/restrictions/{patient}"): Permission.PRIVACY,
    ("GET", "/api/v1/access/restrictions"): Permission.PRIVACY,
    ("GET", "/api/v1/access/patients/{patient}"): Permission.READ,
    ("POST", "/api/v1/access/break-glass"): Permission.READ,
    ("GET", "/api/v1/access/break-glass"): Permission.PRIVACY,
    ("POST", "/api/v1/access/break-glass/{glass_id}/review"): Permission.PRIVACY,
    ("GET", "/api/v1/modalities"): SEE_MODALITIES,
    ("GET", "/api/v1/modalities/{ae_title}"): Permission.INTERFACES,
    ("PUT", "/api/v1/modalities/{ae_title}"): Permission.INTERFACES,
    ("DELETE", "/api/v1/modalities/{ae_title}"): Permission.INTERFACES,
    ("POST", "/api/v1/modalities/{ae_title}/echo"): Permission.INTERFACES,
    ("POST", "/api/v1/dicom/studies/{study_uid}/send"): Permission.DOWNLOAD,
    ("GET", "/api/v1/dicom/studies/{study_uid}/sendings"): Permission.DOWNLOAD,
    ("GET", "/api/v1/sendings/{sending_id}"): Permission.DOWNLOAD,
    ("POST", "/api/v1/sendings/{sending_id}/cancel"): Permission.DOWNLOAD,
    ("GET", "/api/v1/performed-steps"): Permission.READ,
    ("GET", "/api/v1/performed-steps/{step_uid}"): Permission.READ,
    ("POST", "/api/v1/performed-steps/{step_uid}/close"): Permission.RECONCILE,
    ("GET", "/api/v1/destinations"): Permission.INTERFACES,
    ("GET", "/api/v1/delivery-queues"): Permission.INTERFACES,
    ("GET", "/api/v1/destinations/{name}"): Permission.INTERFACES,
    ("PUT", "/api/v1/destinations/{name}"): Permission.INTERFACES,
    ("DELETE", "/api/v1/destinations/{name}"): Permission.INTERFACES,
    ("POST", "/api/v1/destinations/{name}/secret"): Permission.INTERFACES,
    ("POST", "/api/v1/destinations/{name}/start"): Permission.INTERFACES,
    ("GET", "/api/v1/destinations/{name}/deliveries"): Permission.INTERFACES,
    ("POST", "/api/v1/destinations/{name}/resend"): Permission.INTERFACES,
    ("GET", "/api/v1/deliveries/{delivery_id}"): Permission.INTERFACES,
    ("POST", "/api/v1/deliveries/{delivery_id}/resend"): Permission.INTERFACES,
    ("POST", "/api/v1/deliveries/{delivery_id}/drop"): Permission.INTERFACES,
    ("GET", "/api/v1/reports"): Permission.READ,
    ("POST", "/api/v1/reports"): Permission.WRITE_REPORTS,
    ("GET", "/api/v1/reports/{report_id}"): Permission.READ,
    ("PUT", "/api/v1/reports/{report_id}"): Permission.WRITE_REPORTS,
    ("POST", "/api/v1/reports/{report_id}/claim"): Permission.WRITE_REPORTS,
    ("POST", "/api/v1/reports/{report_id}/release"): Permission.WRITE_REPORTS,
    ("POST", "/api/v1/reports/{report_id}/discard"): Permission.WRITE_REPORTS,
    ("POST", "/api/v1/reports/{report_id}/preliminary"): Permission.WRITE_REPORTS,
    ("POST", "/api/v1/reports/{report_id}/sign"): Permission.SIGN_REPORTS,
    ("POST", "/api/v1/reports/{report_id}/amend"): Permission.WRITE_REPORTS,
    ("POST", "/api/v1/reports/{report_id}/withdraw"): Permission.SIGN_REPORTS,
    ("POST", "/api/v1/reports/{report_id}/keep"): Permission.SIGN_REPORTS,
    ("POST", "/api/v1/reports/{report_id}/seen"): Permission.READ,
    ("GET", "/api/v1/reports/{report_id}/pdf"): Permission.READ,
    ("GET", "/api/v1/reading-list"): Permission.WRITE_REPORTS,
    ("GET", "/api/v1/reports/{report_id}/versions/{number}/attachments/{position}"): Permission.READ,
    ("GET", "/api/v1/reports/{report_id}/priors"): Permission.READ,
    ("GET", "/api/v1/reports/{report_id}/communications"): Permission.READ,
    ("POST", "/api/v1/reports/{report_id}/communications"): Permission.WRITE_REPORTS,
    ("GET", "/api/v1/report-templates"): Permission.WRITE_REPORTS,
    ("GET", "/api/v1/report-templates/{name}"): Permission.WRITE_REPORTS,
    ("PUT", "/api/v1/report-templates/{name}"): Permission.WRITE_REPORTS,
    ("DELETE", "/api/v1/report-templates/{name}"): Permission.WRITE_REPORTS,
    ("GET", "/api/v1/report-macros"): Permission.WRITE_REPORTS,
    ("GET", "/api/v1/report-macros/{name}"): Permission.WRITE_REPORTS,
    ("PUT", "/api/v1/report-macros/{name}"): Permission.WRITE_REPORTS,
    ("DELETE", "/api/v1/report-macros/{name}"): Permission.WRITE_REPORTS,
    ("GET", "/api/v1/reports/{report_id}/versions"): Permission.READ,
    ("GET", "/api/v1/reports/{report_id}/versions/{number}"): Permission.READ,
    ("GET", "/api/v1/reports/{report_id}/versions/{number}/pdf"): Permission.READ,
    ("GET", "/api/v1/reports/{report_id}/versions/{number}/verify"): Permission.READ,
    ("POST", "/api/v1/labels"): PRINT_LABELS,
    ("POST", "/api/v1/printouts"): Permission.READ,
    ("GET", "/api/v1/audit"): Permission.AUDIT,
    ("GET", "/api/v1/audit/verify"): Permission.AUDIT,
    ("GET", "/api/v1/audit/export"): Permission.AUDIT,
}


def permissions_for(need: Permission | str) -> frozenset[Permission]:
    """The permissions of which a caller needs one; empty where the table requires none."""
    return (
        frozenset() if need in (PUBLIC, SIGNED_IN, VIEWER, OF_SHARE) else frozenset(map(Permission, need.split(" or ")))
    )


def admit(authenticator: Authenticator, method: str, path: str, authorization: str | None) -> Caller | None:
    """The verified caller of a route in the table, or None for a public route.

    Raises:
        NotAuthenticated: the route needs a token and there is no valid one.
        NotPermitted: the caller lacks the permission, or the table does not list the route.
    """
    need = ACCESS.get((method, path))
    if need == PUBLIC:
        return None
    caller = authenticator.authenticate(authorization)
    if need is None:
        raise NotPermitted("permission_missing", "This route is closed.")
    if need == OF_SHARE:
        if not caller.is_share:
            raise NotPermitted("permission_missing", "Call this with the token of an opened share.")
        return caller
    if need == VIEWER:
        if not (caller.is_bound and caller.token_id == caller.grant):
            raise NotPermitted("permission_missing", "Call this with the viewer token to be exchanged.")
        return caller
    if (method, path) == ANNOTATING and caller.may_only_annotate:
        return caller
    if caller.is_bound:
        raise NotPermitted("permission_missing", "A viewer token opens images in the viewer and nothing else.")
    if need != SIGNED_IN and permissions_for(need).isdisjoint(caller.permissions):
        raise caller.lacks(permissions_for(need))
    return caller
