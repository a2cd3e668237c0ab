"""What Prometheus reads: counts of what this process does, and the state of the installation as numbers."""
