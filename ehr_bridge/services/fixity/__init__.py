"""Stored files are read again, and damaged ones take the place they had."""
