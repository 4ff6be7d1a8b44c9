"""Makes `evidence/`: a file for each case, with a credential, its evidence and the verdicts due.

    python -m tests.vectors.make_evidence

Keys, ids and times are fixed, so the files only change when a format or a case does.
"""

from __future__ import annotations

import importlib
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from tests.vectors.cases import CASES
from tests.vectors.files import render, write
from tests.vectors.scene import Scene

FOLDER: Final = Path(__file__).parent / "evidence"
_MODULES: Final = (
    "blockcert",
    "credential",
    "learner",
    "log",
    "names",
    "standing",
    "chain",
    "succession",
    "theft",
    "recovery",
    "omission",
)


@cache
def evidence_files() -> dict[str, str]:
    """Return each file's name and text."""
    for module in _MODULES:
        importlib.import_module(f"tests.vectors.cases_{module}")
    found: dict[str, str] = {}
    for each in CASES:
        assert each.file_name not in found, f"two cases are called {each.desc!r}"
        with tempfile.TemporaryDirectory() as folder:
            scene = Scene(Path(folder), each.story())
            each.act(scene)
            document = scene.document(each.desc, each.expected, each.evidence_from)
            found[each.file_name] = render(document)
    return found


if __name__ == "__main__":
    write(FOLDER, evidence_files())
