"""Makes `blockcerts.json`: Blockcerts alone, with the verdict due on the receipt of each.

python -m tests.vectors.make_blockcerts
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.vectors.cases_blockcert import documents
from tests.vectors.files import compact

FILE: Final = Path(__file__).parent / "blockcerts.json"


def text() -> str:
    """Return the text of the file: a case a line."""
    return "[\n" + ",\n".join(f" {compact(each)}" for each in documents()) + "\n]\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
