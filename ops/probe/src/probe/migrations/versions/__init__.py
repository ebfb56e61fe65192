"""Revisions; see README.md."""
