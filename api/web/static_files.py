"""The files that pages need: style sheets and scripts of ours, under names that hold their digest.

A file of another digest has another name, so browsers may keep what they have for good.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from api.http.kept import Kept

FOLDER: Final = Path(__file__).parent / "static"
PREFIX: Final = "/static"
KEPT_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@cache
def digest() -> str:
    """Return the digest of all files together, 16 hex digits.

    Scripts import one another by relative names, so all of them change their folder at once.
    """
    hashed = sha256()
    for path in _paths():
        hashed.update(f"{path.relative_to(FOLDER)}\n".encode() + sha256(path.read_bytes()).digest())
    return hashed.hexdigest()[:16]


def address(name: str) -> str:
    """Return where the file `name` is served; raises KeyError for none."""
    if name not in files():
        raise KeyError(name)
    return f"{PREFIX}/{digest()}/{name}"


@cache
def files() -> dict[str, Kept]:
    """Return every file by its name, such as `style.css`."""
    return {
        str(path.relative_to(FOLDER)): Kept(path.read_bytes(), _TYPES[path.suffix])
        for path in _paths()
    }


def _paths() -> list[Path]:
    return sorted(path for path in FOLDER.rglob("*") if path.suffix in _TYPES)
