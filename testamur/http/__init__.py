"""Talking to a registry over HTTP: bounded answers, typed errors."""
