"""Jobs that rewrite the stored files of a study."""
