"""Where the published test vectors are, for the tests that read them.

They live beside the project, not in it, because they belong to other projects and carry
other licences. Elsewhere these tests are counted as skipped.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

SHARED = Path(
    os.environ.get("TESTAMUR_VECTORS", Path(__file__).resolve().parents[3] / "shared" / "vectors")
)


def needs_shared(test: T) -> T:
    """Mark a test that reads the published vectors, and skip it where they are absent."""
    skip = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no published vectors at {SHARED}")
    marked: T = pytest.mark.shared(skip(test))  # type: ignore[assignment]
    return marked


def load(path: str) -> Any:
    """Return the JSON document at `path` below the vectors folder."""
    return json.loads((SHARED / path).read_text(encoding="utf-8"))
