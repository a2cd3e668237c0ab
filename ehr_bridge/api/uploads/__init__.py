"""The doors for images over HTTP."""
