"""Signed submissions for a load, made before the clock starts, as providers would make them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from tests.harness.published_log import PublishedLog
from tests.harness.story import Story


def now_story() -> Story:
    """Return a story that takes place now, for a server that looks at its clock."""
    return Story(now=int(time.time()))


def cohorts(story: Story, events: int, batch: int) -> Iterator[bytes]:
    """Yield signed submissions of `batch` issuances each until there are `events`."""
    for start in range(0, events, batch):
        yield story.cohort(min(batch, events - start))


def published(folder: Path, events: int, batch: int) -> PublishedLog:
    """Return a whole log in `folder` that holds `events` issuances."""
    story = Story()
    log = PublishedLog(folder, story)
    log.append(*story.opening())
    for body in cohorts(story, events, batch):
        log.append(body)
    log.publish()
    return log
