"""Promises, checked."""
