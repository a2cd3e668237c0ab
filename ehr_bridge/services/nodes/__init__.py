"""The nodes that serve this archive: their names, their signs of life, and whether this one is ready."""
