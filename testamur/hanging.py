"""Ends a process whose work hangs, so that another one can take it over.

Python waits for ever for a thread whose stack found no memory, and so does a call to storage that
never returns. What such a process holds, a claim or a turn, nobody else gets while it lives. Only
for processes whose end is safe at any moment.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Final

HUNG: Final = 3
"""The exit code of a process that ended since its work hung."""
HANG_SECONDS: Final = 300.0
"""Longer than any step that goes on: one on a bucket is retried for a minute and a half."""
END_SECONDS: Final = 20.0
"""How long the work may take to end when its process is told to."""
_LOOKS: Final = 20


def end_when_hung(
    step: Callable[[], int | None], said: Callable[[str], None], seconds: float = HANG_SECONDS
) -> None:
    """End this process from now on once `step` has stayed the same for `seconds`, unless None.

    Then `said` is called first, with the reason. `step` counts what the work has done, and is None
    while it waits; another thread calls it.
    """

    def watch() -> None:
        before, looks = None, 0
        # Looks are counted, and not time: a process that was stopped meanwhile does not hang.
        while looks < _LOOKS:
            time.sleep(seconds / _LOOKS)
            now = step()
            looks = looks + 1 if now is not None and now == before else 0
            before = now
        said(f"has hung for {seconds:.0f} s, and begins anew")
        end_now()

    threading.Thread(target=watch, name="hanging", daemon=True).start()


def end_now() -> None:
    """End this process at once; nothing that hangs is waited for."""
    os._exit(HUNG)
