"""What a caller may not see: restricted patients and deleted studies."""
