"""Requests that write: no lost update, no second effect."""
