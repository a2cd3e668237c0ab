"""People decide about files that are kept apart."""
