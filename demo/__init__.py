"""A realistic story, played through the public HTTP API with keys only the providers hold."""
