"""The HTTP server, and the only place that wires the other packages together."""
