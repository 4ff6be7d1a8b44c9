"""Settings of the allocator and the garbage collector for programs that read many submissions.

A submission takes a megabyte or two. glibc returns freed memory of that size to the kernel, which
then zeroes the pages again for the next submission: half of the time of decoding. A submission is
also thousands of small objects that die together, so the collector, which runs at every 700 new
ones, finds nothing. Only programs call this (server, command line, benches), never the library on
import.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

# mallopt(3), <malloc.h>; 32 MiB is the most that glibc takes for the mmap threshold.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_MMAP: Final = 32 * 1024 * 1024
_TRIM: Final = 256 * 1024 * 1024


def keep_freed_memory() -> None:
    """Keep up to 256 MiB of freed memory for reuse, where glibc is; collect garbage less often."""
    gc.set_threshold(50_000, 10, 50)
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, _MMAP)
    mallopt(_M_TRIM_THRESHOLD, _TRIM)
