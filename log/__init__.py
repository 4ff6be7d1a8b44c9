"""Publishes the sequence as a C2SP tlog-tiles log; entries are opaque bytes to it."""
