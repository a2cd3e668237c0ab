"""Reads a file: its header, whole datasets, pictures, and what is wrong with it."""
