"""Makes `evidence/`: a file for each case, with a credential, its evidence and the verdicts due.

    python -m tests.vectors.make_evidence

Keys, ids and times are fixed, so the files only change when a format or a case does.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.vectors.cases import CASES
from tests.vectors.scene import Scene

FOLDER: Final = Path(__file__).parent / "evidence"
_MODULES: Final = ("credential", "log", "standing", "theft", "omission")


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


def render(document: Mapping[str, Any]) -> str:
    """Return the text of a vector file: a member a line, each in the form of an evidence file."""
    members = [f" {_compact(name)}: {_compact(value)}" for name, value in document.items()]
    return "{\n" + ",\n".join(members) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def write(folder: Path, files: dict[str, str]) -> None:
    """Make the folder hold these files and no other vectors."""
    folder.mkdir(exist_ok=True)
    for stale in set(folder.glob("*.json")) - {folder / name for name in files}:
        stale.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER, evidence_files())
