"""Deleting studies: requested by one person, approved by another, purged after a grace period."""
