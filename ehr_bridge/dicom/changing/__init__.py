"""Changing attributes of a file, and keeping what it said before."""
