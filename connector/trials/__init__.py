"""What became of tests, shown as a diff, and written into their file in place of what was expected."""
