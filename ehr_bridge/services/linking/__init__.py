"""Which patient and order a study belongs to, and how that changes."""
