"""An executable model of who can say what in a register, and when it counts; see README.md."""
