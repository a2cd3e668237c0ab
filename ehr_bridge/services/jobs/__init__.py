"""Jobs on stored studies: one per study at a time, replacing files safely, the spool."""
