"""Whose is each credential of a cohort? What the index that `prepare` writes says.

The log knows no learner, so nobody but the holder of this file can tell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from testamur.cli.files import read
from testamur.errors import Refusal

_MAX_INDEX: Final = 64 * 1024 * 1024


def index_rows(index: Path, rule: str) -> Iterator[dict[str, str]]:
    """Yield the rows of an index by column; raises `Refusal` (`rule`) for one of another form."""
    try:
        text = read(index, _MAX_INDEX).decode("utf-8-sig")
        yield from csv.DictReader(io.StringIO(text, newline=""), strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refusal(rule, f"is not as prepare wrote it: {error}") from None
