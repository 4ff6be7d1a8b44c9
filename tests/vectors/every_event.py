"""Submissions that hold every event that an opened log does not hold yet, each of them admitted."""

from __future__ import annotations

from datetime import date

from testamur.catalogue import events as e
from tests.harness.story import Party, Story, party

_DAY = date(2026, 11, 20)


def every_event(story: Story) -> list[bytes]:
    """Return the submissions, in order, after `Story.opening`."""
    agency, branch = party("vectors agency"), party("vectors second branch")
    return [
        *_keys(story),
        *_grants(story, agency, branch),
        *_credentials(story, branch),
        *_endings(story, agency, branch),
    ]


def _keys(story: Story) -> list[bytes]:
    """Let the provider's signing key be stolen, and another take its place."""
    provider, further = story.provider, story.provider.with_key("vectors further recovery")
    fresh = provider.with_key("vectors fresh")
    listing = story.submission(provider.founding, story.key_listed(further, "recovery"))
    # In entries.json the thief suspended at 18; the owner reinstated at 20 and issued at 22.
    stolen = story.key_compromised(provider, since=18, kept=((20, 22),))
    renewal = story.submission(provider.recovery, stolen, story.key_listed(fresh))
    retirement = story.submission(provider.founding, story.key_retired(further))
    return [listing, renewal, retirement]


def _grants(story: Story, agency: Party, branch: Party) -> list[bytes]:
    authority, accreditor = story.authority, story.accreditor
    recognition, accreditation = story.new_id(), story.new_id()
    return [
        story.submission(
            authority,
            story.registered(authority, agency, "accreditor", "authority"),
            story.recognised(recognition, as_="authority", of=agency),
            story.recognition_restated("The Agency"),
        ),
        story.submission(
            accreditor,
            story.registered(accreditor, branch, "provider"),
            story.accredited(accreditation, of=branch),
            e.AccreditationSuspended(accreditation=accreditation, reason="qualityConcern"),
            e.AccreditationReinstated(accreditation=accreditation),
            story.accreditation_restated("The College", "BE"),
        ),
        story.submission(
            authority, e.RecognitionWithdrawn(reason="administrative", recognition=recognition)
        ),
        story.submission(
            accreditor, e.AccreditationWithdrawn(accreditation=accreditation, reason="voluntary")
        ),
    ]


def _credentials(story: Story, branch: Party) -> list[bytes]:
    achievement = story.new_id()
    old, new = (story.issued(achievement=achievement, accredited=False) for _ in range(2))
    revised = e.AchievementRevised(
        achievement=achievement, definition=story.definition(), version=2
    )
    return [
        story.submission(branch, story.defined(achievement), revised),
        story.submission(branch, old, new),
        story.submission(
            branch,
            e.CredentialSuspended(credential=new.credential, reason="administrative"),
            e.CredentialReinstated(credential=new.credential, effective_at=_DAY),
            e.CredentialSuperseded(credential=old.credential, successor=new.credential),
            e.CredentialRevoked(credential=new.credential, reason="issuedInError"),
            e.AchievementRetired(achievement=achievement),
        ),
    ]


def _endings(story: Story, agency: Party, branch: Party) -> list[bytes]:
    return [
        story.submission(story.accreditor, story.succeeded(of=branch, by=agency)),
        story.submission(branch, story.updated("A Branch"), story.objected()),
        story.submission(branch, story.succeeded(of=branch, by=story.accreditor), story.closed()),
    ]
