"""The version of the product: CONTRIBUTING.md says when it changes, and in which files."""

VERSION = "0.2.0"
