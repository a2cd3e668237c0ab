"""The tables of results: what is said of studies, and what becomes of it."""
