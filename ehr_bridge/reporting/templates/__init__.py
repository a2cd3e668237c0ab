"""Templates of reports: what one is, the examples that are shipped, and IHE MRRT pages read as such."""
