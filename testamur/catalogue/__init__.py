"""What can be said on the log: events, their spelling, what may follow, what is signed."""
