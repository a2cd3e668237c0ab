"""Whose a study is: candidates, what was confirmed, one opinion."""
