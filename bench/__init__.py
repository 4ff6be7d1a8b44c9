"""Measurements, each a module with a small command line."""
