"""Results of other systems, read from their resources."""
