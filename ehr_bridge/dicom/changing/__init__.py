"""Changes attributes of a file, and keeps what they were before."""
