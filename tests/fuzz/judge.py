"""One input to one parser: what it did is one of the things that it may do, or is told."""

from __future__ import annotations

import resource
import time
import traceback
from typing import Final

from tests.fuzz.row import Row

SECONDS: Final = 5.0
"""Of processor time, on a busy machine: more is work that an outsider can make for nothing."""
MEGABYTES: Final = 256
"""By which one input may make the most memory of the process grow."""
_SECRET: Final = 12  # characters of one in a row


def fault_of(row: Row, data: bytes) -> str | None:
    """Return what is wrong with what `row` does of `data`, None if nothing is."""
    memory, begun = _peak(), time.thread_time()
    try:
        found = row.read(data)
    except row.errors as error:
        fault = _shown_secret(row, str(error))
    except BaseException as error:  # that it is another one is what is looked for
        last = traceback.extract_tb(error.__traceback__)[-1]
        fault = f"{type(error).__name__} at {last.filename}:{last.lineno}: {str(error)[:200]!r}"
        if isinstance(error, KeyboardInterrupt):
            raise
    else:
        fault = _not_again(row, data, found)
    took, grew = time.thread_time() - begun, _peak() - memory
    if took > SECONDS:
        return f"it took {took:.1f} s"
    if grew > MEGABYTES:
        return f"it took {grew:.0f} MB"
    return fault


def _not_again(row: Row, data: bytes, found: object) -> str | None:
    if row.render is None:
        return None
    again = row.render(found)
    # What makes the one form of a text is written out and read once more.
    expected = found if isinstance(found, bytes) else data
    return None if again == expected else f"written again it is {again[:200]!r}"


def _shown_secret(row: Row, said: str) -> str | None:
    for secret in row.secrets:
        for at in range(len(secret) - _SECRET + 1):
            if secret[at : at + _SECRET] in said:
                return f"the error shows a secret: {said[:200]!r}"
    return None


def _peak() -> float:
    """Return the most memory that this process had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
