"""The PACS as the services see it: storing, reading, file digests, the quarantine folder."""
