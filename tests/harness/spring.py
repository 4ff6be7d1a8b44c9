"""A cohort as its registrar has it: prepared from a spreadsheet, and on a published log.

spring(log, story, "ada@example.org,Ada Lovelace,2026-11-20")      # the folder `spring`
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from testamur.badges.cohort_csv import read_cohort
from testamur.badges.columns import Reading
from testamur.badges.prepare import Prepared, prepare_cohort
from testamur.badges.prepared_folder import write_prepared
from tests.harness.awards import offering, provider
from tests.harness.published_log import PublishedLog
from tests.harness.story import Story

ADA = "ada@example.org,Ada Lovelace,2026-11-20"


def prepared(story: Story, *rows: str, plain: bool = True) -> Prepared:
    """Return what is made of rows of learner, name and day.

    A learner that is not `plain` is taken as it is written.
    """
    text = "\r\n".join(("learner,name,awarded", *rows)).encode()
    found, refused = read_cohort(text, [offering(story)], Reading(as_written=not plain))
    assert not refused, refused
    now = datetime.fromtimestamp(story.now, UTC)
    return prepare_cohort(found, provider(story), now=now, log=story.origin)


def spring(log: PublishedLog, story: Story, *rows: str, folder: str = "spring") -> Prepared:
    """Write the folder that `prepare` would, and submit the events."""
    found = prepared(story, *(rows or (ADA,)))
    submitted(log, story, found, folder)
    return found


def submitted(log: PublishedLog, story: Story, found: Prepared, folder: str) -> None:
    """Write what was prepared into a folder, and submit the events."""
    write_prepared(found, Path(folder))
    log.append(story.submission(story.provider, *found.events))
    log.publish()
