"""Verifies stored files, and replaces damaged ones."""
