"""What a file says: its header, whole datasets, pictures, and what is wrong with it."""
