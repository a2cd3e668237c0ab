"""The tables, one file for what belongs together."""
