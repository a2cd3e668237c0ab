"""The PACS as the services see it: storing, reading, digests, the folder of what is kept apart."""
