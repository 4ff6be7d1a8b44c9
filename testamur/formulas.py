"""Text in a table that a spreadsheet must show and never run.

Organizations choose their own names, and a file name is anybody's. A cell that begins with one of
a few characters is a formula to a spreadsheet (OWASP, "CSV Injection"); so is, where the list
separator is a semicolon, what follows a semicolon or tab in a cell that was parted by commas.
"""

from __future__ import annotations

import re
from typing import Final

UTF8_MARK: Final = "\ufeff"
"""At the beginning of a file it tells a spreadsheet that the text is UTF-8."""

# Programs for East Asian text take the wide forms for the others.
_RUN: Final = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
_FIRST: Final = frozenset(_RUN)
_BEGINS: Final = re.compile(rf"(^|[;\t\r\n])(?=[{re.escape(_RUN)}])")
_AFTER: Final = re.compile(rf"(?<=;)[{re.escape(_RUN)}]")


def inert(text: str) -> str:
    """Return `text` with an apostrophe before whatever a spreadsheet would run."""
    # Millions of cells pass through here, and hardly one of them needs the slow way.
    parted = ";" in text or "\t" in text or "\n" in text or "\r" in text
    return _BEGINS.sub(r"\1'", text) if parted or text[:1] in _FIRST else text


def inert_json(text: str) -> str:
    """Return the same JSON value, spelt so that no part of an object or list would be run."""
    # In JSON text a semicolon stands in strings only, where any character may be escaped.
    return _AFTER.sub(lambda found: f"\\u{ord(found[0]):04x}", text) if ";" in text else text
