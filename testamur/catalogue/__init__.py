"""What can be said on the log: members, events, lines, their table, lifecycles and submissions."""
