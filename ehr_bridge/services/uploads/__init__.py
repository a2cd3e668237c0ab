"""Uploads: arrivals, the upload log and its counts."""
