"""A copy of a log on another disk, and the log begun again from it: never behind what is public."""
