"""The files of deploy/, with addresses of this machine in the place of those of containers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

DEPLOY: Final = Path(__file__).resolve().parents[1]
PROJECT: Final = DEPLOY.parent


def configured(file: Path, places: Mapping[str, str]) -> str:
    """Return the text of a file in which each key of `places` is replaced by its value.

    Raises `ValueError` if one is not there: then the file says something else than we think.
    """
    text = file.read_text(encoding="utf-8")
    for name, place in places.items():
        if name not in text:
            raise ValueError(f"{file.name} does not mention {name}")
        text = text.replace(name, place)
    return text
