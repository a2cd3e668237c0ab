"""Versions of reports as files of their studies: which are due, making and storing them, and PDFs for readers."""
