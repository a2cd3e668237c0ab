"""Taking studies out: asked for, approved by another, purged."""
