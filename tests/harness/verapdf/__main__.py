"""Fetch and build the validator."""

from __future__ import annotations

import sys

from tests.harness.verapdf import build

missing = build()
if missing:
    sys.stderr.write(f"{missing}\n")
