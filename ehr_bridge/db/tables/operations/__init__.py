"""The tables of running the installation itself."""
