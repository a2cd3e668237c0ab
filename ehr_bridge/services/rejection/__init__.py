"""Images that are not to be used: rejected with a reason, kept apart, and taken back (IHE RAD IOCM)."""
