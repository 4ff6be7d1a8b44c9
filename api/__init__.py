"""The HTTP face, and the only place that wires the other packages together."""
