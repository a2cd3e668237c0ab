"""What is on its way and what came: arrivals, the upload log and its counts."""
