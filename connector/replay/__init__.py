"""Recorded events through a destination: rehearsed, or delivered, and what it comes to."""
