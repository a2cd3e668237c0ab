"""Who may not see whom: restricted patients, studies that are deleted, what a person has in sight."""
