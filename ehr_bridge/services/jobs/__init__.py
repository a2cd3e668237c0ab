"""One job per study: its place in the queue, replacing a file safely, the spool."""
