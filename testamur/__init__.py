"""Testamur: certificate transparency for credentials.

What outsiders install and trust: formats, rules, proofs, verification, client and CLI.
"""

__version__ = "0.1.0"
