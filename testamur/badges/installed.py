"""Are the libraries there that reading a Blockcert takes?

They are an extra, and slow to import: each is imported on its first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from testamur.errors import Unavailable

NEEDED: Final = (
    "reading a Blockcert takes more: pip install 'testamur[blockcerts]', then "
    "pip install --no-deps merkletools==1.0.3"
)
"""merkletools asks for pysha3, which no longer builds; `safe-pysha3` of the extra stands in."""


def library(name: str) -> Any:
    """Return a module of cbor2, merkletools or PyLD; raises `Unavailable` where it is missing."""
    try:
        return import_module(name)
    except ImportError:
        raise Unavailable(NEEDED) from None
