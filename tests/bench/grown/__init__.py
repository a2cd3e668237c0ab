"""scripts/bench grown: an archive of a million studies as rows, and how long it takes to find anything."""
