"""Reports of studies over HTTP."""
