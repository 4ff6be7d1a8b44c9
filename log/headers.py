"""With which headers a published file is served: by the API, and as an object in a bucket.

Tiles and bundles never change, so caches may keep them for ever; the checkpoint may be kept for a
second (c2sp.org/tlog-tiles, "Parameters" and "Checkpoints", for the media types).
"""

from __future__ import annotations

from typing import Final

from log.store import CHECKPOINT

CONTENT_TYPE: Final = "Content-Type"
CACHE_CONTROL: Final = "Cache-Control"

CHANGING: Final = {
    CONTENT_TYPE: "text/plain; charset=utf-8",
    CACHE_CONTROL: "public, max-age=1",
}
IMMUTABLE: Final = {
    CONTENT_TYPE: "application/octet-stream",
    CACHE_CONTROL: "public, max-age=31536000, immutable",
}


def headers_of(path: str) -> dict[str, str]:
    """Return the headers of the file at a path of the log, by their names."""
    return dict(CHANGING if path == CHECKPOINT else IMMUTABLE)
