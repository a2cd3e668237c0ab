"""The numbers that are looked at when somebody asks: name, what it is, and its labels (docs/metrics.md)."""

from __future__ import annotations

GAUGES: dict[str, tuple[str, ...]] = {
    "ehr_bridge_build_info": ("1; the versions are its labels", "version", "orthanc", "python", "database"),
    "ehr_bridge_start_timestamp_seconds": ("When this process started (Unix time)",),
    "ehr_bridge_restarts_total": ("How often Orthanc died on this node and was started again",),
    "ehr_bridge_resident_bytes": ("Memory of this process",),
    "ehr_bridge_open_files": ("Open files and connections of this process",),
    "ehr_bridge_threads": ("Threads of this process",),
    "ehr_bridge_check": ("1 where a check of health is well, else 0", "check"),
    "ehr_bridge_worklist_age_seconds": ("Seconds since the worklist was read that answers without the database",),
    "ehr_bridge_storage_write_seconds": ("Seconds until a small file reached the disk of the images",),
    "ehr_bridge_storage_free_bytes": ("Free on the disk of the images",),
    "ehr_bridge_storage_size_bytes": ("Size of that disk",),
    "ehr_bridge_database_connections": ("Connections to the database that are in use",),
    "ehr_bridge_database_seconds": ("Seconds for a connection and a statement that reads nothing",),
    "ehr_bridge_archive_bytes": ("Size of all images",),
    "ehr_bridge_archive_studies": ("Studies in the archive",),
    "ehr_bridge_archive_instances": ("Instances in the archive",),
    "ehr_bridge_instances_to_record": ("Instances stored through this node whose rows are not written yet",),
    "ehr_bridge_changes_to_check": (
        "Entries of the archive's log of changes that were not compared with the rows yet",
    ),
    "ehr_bridge_jobs": ("Jobs that modify studies or their links, by state", "state"),
    "ehr_bridge_jobs_oldest_seconds": ("Seconds since the oldest unfinished job was requested; 0: none",),
    "ehr_bridge_sendings": ("Studies that are being sent to modalities",),
    "ehr_bridge_sendings_oldest_seconds": ("Seconds since the first of them was requested; 0: none",),
    "ehr_bridge_uploads_under_way": ("Uploads that have not ended",),
    "ehr_bridge_quarantined_files": ("Files in quarantine that wait for a decision",),
    "ehr_bridge_damaged_files": ("Stored files that were missing, changed or unreadable when last read",),
    "ehr_bridge_fixity_timestamp_seconds": ("Until when all files due by then have been read again (Unix time)",),
    "ehr_bridge_attention": ("How many things need attention, by what the System page says; 0: none", "code"),
    "ehr_bridge_studies_waiting": ("Studies without a certain link", "status"),
    "ehr_bridge_studies_waiting_oldest_seconds": ("Seconds since the first of them came; 0: none", "status"),
    "ehr_bridge_second_looks": ("Studies that are to be judged again",),
    "ehr_bridge_second_looks_oldest_seconds": ("Seconds for which the first of them has waited; 0: none",),
    "ehr_bridge_deliveries_waiting": ("Deliveries that are not sent yet, by kind of destination", "kind"),
    "ehr_bridge_deliveries_waiting_oldest_seconds": ("Seconds since the first of them happened; 0: none", "kind"),
    "ehr_bridge_reports_unfiled": ("Documents of reports that cannot be filed in their studies",),
    "ehr_bridge_viewer_tokens": ("Viewer tokens with which studies can be opened now",),
    "ehr_bridge_audit_events_total": ("Number of the newest event of the audit trail",),
    "ehr_bridge_audit_whole": (
        "1 if the trail has had each event that was noted last, unchanged; 0 until a restart: it was cut or changed",
    ),
}
COUNTED = frozenset(name for name in GAUGES if name.endswith("_total"))
