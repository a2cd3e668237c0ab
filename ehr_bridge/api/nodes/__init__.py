"""What is said of the nodes that serve this archive."""
