"""Two versions of a destination compared: what an edit changes in the files, and what that changes for one event.

Nothing is read or sent here. The recordings are gone through by rehearsing, and the command `plan` prints it.
"""
