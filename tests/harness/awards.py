"""Real credentials for a story: prepared as a provider would, with blinds and commitments.

prepared = awards(story, 3)
log.append(story.submission(story.provider, *prepared.events))
prepared.holders[0]          # what the first holder gets
"""

from __future__ import annotations

from datetime import UTC, datetime

from testamur.badges.cohort_csv import Offering, Provider, read_cohort
from testamur.badges.prepare import Prepared, prepare_cohort
from tests.harness.story import Story


def provider(story: Story) -> Provider:
    """Return the story's provider, as the issuer of credentials."""
    return Provider(country="NL", did=story.provider.did, name="An Organization")


def offering(story: Story) -> Offering:
    """Return the story's achievement, under its accreditation."""
    return Offering(
        achievement=story.achievement,
        accreditation=story.accreditation,
        criteria="Pass the examination.",
        definition=story.definition(),
        description="What soils are made of, and what they do.",
    )


def cohort(size: int) -> bytes:
    """Return a cohort of `size` learners, as a spreadsheet saves it."""
    rows = (f"learner{number}@example.org,2026-11-20\r\n" for number in range(size))
    return "".join(("learner,awarded\r\n", *rows)).encode()


def awards(story: Story, size: int) -> Prepared:
    """Return `size` awards of the story's achievement."""
    found, refused = read_cohort(cohort(size), [offering(story)])
    return prepare_cohort(
        found,
        provider(story),
        now=datetime.fromtimestamp(story.now, UTC),
        log=story.origin,
        refused=refused,
    )
