"""Tests of the command line, one module for what each of its users does."""
