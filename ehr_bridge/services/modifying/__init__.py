"""Jobs that rewrite stored files."""
