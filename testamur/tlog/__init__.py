"""The log as C2SP defines it: trees, tiles, notes, checkpoints; it knows no credential."""
