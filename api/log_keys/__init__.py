"""The keys of a log: which there are, from when to when each signs, and where each is."""
