"""Everything that knows Orthanc. The logic is in `ehr_bridge`; this package connects it to the PACS."""
