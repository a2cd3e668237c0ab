"""Our pages, and who opens each; for what every page has to keep."""

from __future__ import annotations

PAGES = {
    "/studies": "radiologist",
    "/studies/{uid}": "radiologist",
    "/studies/{uid}/objects": "radiologist",
    "/notices": "doctor",
    "/reports": "doctor",
    "/reports?show=all": "doctor",
    "/reading": "radiologist",
    "/report-templates": "radiologist",
    "/reconciliation": "radiographer",
    "/reconciliation?study={uid}": "radiographer",
    "/dashboard": "admin",
    "/dashboard/examinations": "manager",
    "/dashboard/studies": "manager",
    "/patients": "reception",
    "/deletions": "manager",
    "/uploads": "nurse",
    "/uploads/{upload}": "nurse",
    "/uploads?study={uid}&status=failed": "nurse",
    "/viewer-links": "admin",
    "/audit": "admin",
    "/audit?study={uid}": "admin",
    "/accounts": "admin",
    "/service-keys": "admin",
    "/destinations": "admin",
    "/modalities": "admin",
    "/system": "admin",
    "/password": "nurse",
    "/nowhere": "nurse",
}
