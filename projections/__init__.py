"""Read models, rebuilt from the published log by the reader that outsiders use."""
