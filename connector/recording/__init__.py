"""Recorded events with pseudonyms: read, proven to take the same way through every mapping, and written."""
