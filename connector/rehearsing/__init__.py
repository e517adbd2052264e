"""Recorded events through two versions of a destination at once; nothing is sent."""
