"""People's decisions about files in quarantine."""
