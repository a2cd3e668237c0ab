"""Backup and restore, in processes of their own beside the server."""
