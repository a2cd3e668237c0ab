"""Everything that knows Orthanc. Logic lives in `ehr_bridge`; this package carries it to and from the PACS."""
