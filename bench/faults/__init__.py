"""Faults at the system calls of a registry under load: nothing acknowledged is lost."""
