"""The text of vector files, and the folders that hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def render(document: Mapping[str, Any]) -> str:
    """Return the text of a vector file: a member a line, each in the form of an evidence file."""
    members = [f" {compact(name)}: {compact(value)}" for name, value in document.items()]
    return "{\n" + ",\n".join(members) + "\n}\n"


def compact(value: Any) -> str:
    """Return JSON in one line, with the members in order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Make the folder hold these files and no other vectors."""
    folder.mkdir(exist_ok=True)
    for stale in set(folder.glob("*.json")) - {folder / name for name in files}:
        stale.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
