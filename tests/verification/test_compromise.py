"""A thief can neither help a credential nor spoil one; nor can who has nothing to do with it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from testamur.badges.commitment import HolderFile
from testamur.catalogue import events as e
from testamur.rules import MAX_AHEAD
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import on_terms, refuted, signed, unchecked
from tests.harness.story import NOW, Party, party


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    """A log whose provider awarded three credentials: entries 10 to 13."""
    return IssuedLog(tmp_path / "log")


def _stolen(who: Party, since: int) -> e.KeyCompromised:
    return e.KeyCompromised(key=who.key_id, organization=who.did, since=since)


@pytest.mark.parametrize("since", [6, 7, 8, 9, 10, 11, 12, 13])
def test_a_theft_cuts_off_at_its_position_and_not_before(issued: IssuedLog, since: int) -> None:
    """The provider's key was added at 6 and signed the issuance at 10: from 11 on it is spared."""
    issued.says(issued.story.accreditor, _stolen(issued.story.provider, since))

    report = issued.report(issued.holders[0])

    assert refuted(report) == ({"signature"} if since <= 10 else set())


def test_a_theft_that_only_the_stolen_key_can_report_spares_what_came_before(
    issued: IssuedLog,
) -> None:
    provider = issued.story.provider
    position = len(issued.log.entries)
    issued.says(provider, _stolen(provider, position))

    assert issued.report(issued.holders[0]).exit_code == 0


def test_a_revocation_by_a_thief_stands_and_is_told_as_such(issued: IssuedLog) -> None:
    """Nothing is ever deleted; but nobody should believe that the provider meant it."""
    provider, holder = issued.story.provider, issued.holders[0]
    position = len(issued.log.entries)
    issued.says(
        provider,
        e.CredentialRevoked(credential=holder.id, reason="misconduct"),
        _stolen(provider, position),
    )

    report = issued.report(holder)
    assert refuted(report) == {"status"}
    assert any(f"submission at {position} was signed with" in note for note in report.notes)


def test_a_thief_cannot_bring_a_credential_back(issued: IssuedLog) -> None:
    story, holder = issued.story, issued.holders[0]
    issued.says(story.provider, e.CredentialSuspended(credential=holder.id, reason="misconduct"))
    position = issued.says(story.provider, e.CredentialReinstated(credential=holder.id))
    assert issued.report(holder).exit_code == 0
    issued.says(story.accreditor, _stolen(story.provider, position))

    assert refuted(issued.report(holder)) == {"signature"}


def test_a_thief_cannot_spoil_what_was_issued_before(issued: IssuedLog) -> None:
    """A key he adds, and particulars he restates, are nothing that the credential owes him."""
    story, holder = issued.story, issued.holders[0]
    thief = story.provider.with_key("thief")
    position = issued.says(
        story.provider,
        story.key_added(story.provider, thief),
        e.OrganizationUpdated(country="BE", name="Mill", organization=story.provider.did),
        e.CredentialSuspended(credential=holder.id, reason="misconduct"),
    )
    issued.says(story.accreditor, _stolen(story.provider, position))
    issued.says(
        story.accreditor,
        story.key_added(
            story.provider, owner := story.provider.with_key("new"), by=story.accreditor
        ),
    )
    issued.says(owner, e.CredentialReinstated(credential=holder.id))

    report = issued.report(holder)
    assert report.exit_code == 0, report


def test_an_organization_that_recovered_from_a_theft_is_believed_again(issued: IssuedLog) -> None:
    story = issued.story
    thief, fresh = story.accreditor.with_key("thief"), story.accreditor.with_key("fresh")
    position = issued.says(story.accreditor, story.key_added(story.accreditor, thief))
    issued.says(story.authority, _stolen(story.accreditor, position))
    issued.says(story.authority, story.key_added(story.accreditor, fresh, by=story.authority))
    issued.says(fresh, _stolen(thief, position + 1))
    (holder,) = issued.award(awards(story, 1))

    assert issued.report(holder).exit_code == 0


def test_what_was_signed_with_a_key_that_a_thief_added_is_refuted(issued: IssuedLog) -> None:
    story = issued.story
    thief = story.provider.with_key("thief")
    position = issued.says(story.provider, story.key_added(story.provider, thief))
    (holder,) = issued.award(awards(story, 1), by=thief)
    assert issued.report(holder).exit_code == 0
    # Whoever cut off the stolen key alone has cut off what it brought in.
    issued.says(story.accreditor, _stolen(story.provider, position))

    assert refuted(issued.report(holder)) == {"signature"}


@pytest.mark.parametrize("version", [1, 2])
def test_a_definition_by_a_thief_spoils_only_what_was_issued_by_it(
    issued: IssuedLog, version: int
) -> None:
    story, fresh = issued.story, issued.story.provider.with_key("fresh")
    revised = e.AchievementRevised(
        achievement=story.achievement, definition=story.defined().definition, version=2
    )
    position = issued.says(story.provider, revised)
    issued.says(story.accreditor, story.key_added(story.provider, fresh, by=story.accreditor))
    (holder,) = issued.award(on_terms(awards(story, 1), achievement_version=version), by=fresh)
    assert issued.report(holder).exit_code == 0
    issued.says(story.accreditor, _stolen(story.provider, position))

    assert refuted(issued.report(holder)) == ({"signature"} if version == 2 else set())


def test_what_a_thief_of_the_accreditor_says_later_spoils_nothing(issued: IssuedLog) -> None:
    story = issued.story
    issued.says(
        story.accreditor,
        e.AccreditationSuspended(accreditation=story.accreditation, reason="qualityConcern"),
    )
    mended = e.AccreditationReinstated(accreditation=story.accreditation)
    position = issued.says(story.accreditor, mended)
    (later,) = issued.award(awards(story, 1))
    issued.says(story.authority, _stolen(story.accreditor, position))
    assert refuted(issued.report(later)) == {"signature"}

    # The earlier credential owes that reinstatement nothing, though its evidence shows it.
    earlier = issued.holders[0]
    shown = dict(issued.positions(later.id)[:-1]) | dict(issued.positions(earlier.id))
    evidence = issued.evidence(earlier, positions=sorted(shown.items()))
    assert issued.report(earlier, evidence).exit_code == 0


@pytest.mark.parametrize("since", [0, 1])
def test_particulars_count_by_who_stated_them_last_before_the_issuance(
    issued: IssuedLog, since: int
) -> None:
    story = issued.story
    stated = e.OrganizationUpdated(country="BE", name="X", organization=story.provider.did)
    position = issued.says(story.provider, stated)
    fresh = story.provider.with_key("fresh")
    issued.says(story.accreditor, story.key_added(story.provider, fresh, by=story.accreditor))
    if since:
        issued.says(fresh, msgspec.structs.replace(stated, country="NL"))
    (holder,) = issued.award(awards(story, 1), by=fresh)
    issued.says(story.accreditor, _stolen(story.provider, position))

    assert refuted(issued.report(holder)) == (set() if since else {"signature"})


def test_what_a_thief_issued_is_refuted(issued: IssuedLog) -> None:
    story = issued.story
    position = len(issued.log.entries)
    (holder,) = issued.award(awards(story, 1))
    assert issued.report(holder).exit_code == 0

    issued.says(story.accreditor, _stolen(story.provider, position))

    assert refuted(issued.report(holder)) == {"signature"}
    assert issued.report(issued.holders[0]).exit_code == 0


def test_a_credential_outlives_the_key_it_was_issued_with(issued: IssuedLog) -> None:
    story, provider = issued.story, issued.story.provider
    fresh = provider.with_key("k2")
    issued.says(provider, story.key_added(provider, fresh))
    issued.says(fresh, e.KeyRetired(key=provider.key_id, organization=provider.did))
    (later,) = issued.award(awards(story, 1), by=fresh)

    assert issued.report(issued.holders[0]).exit_code == 0
    assert issued.report(later).exit_code == 0


def test_a_credential_outlives_its_accreditation_and_its_issuer(issued: IssuedLog) -> None:
    """Judged at the position of issuance: what ended later does not reach back."""
    story = issued.story
    issued.says(
        story.accreditor,
        e.AccreditationWithdrawn(accreditation=story.accreditation, reason="voluntary"),
        e.OrganizationClosed(organization=story.provider.did),
    )
    issued.says(
        story.authority, e.RecognitionWithdrawn(reason="voluntary", recognition=story.recognition)
    )

    assert issued.report(issued.holders[0]).exit_code == 0


def test_a_credential_is_in_force_again_after_a_suspension(issued: IssuedLog) -> None:
    holder = issued.holders[0]
    provider = issued.story.provider
    issued.says(provider, e.CredentialSuspended(credential=holder.id, reason="administrative"))
    issued.says(provider, e.CredentialReinstated(credential=holder.id))

    assert issued.report(holder).exit_code == 0


def _suspended_and_back(issued: IssuedLog, what: str) -> tuple[e.Event, e.Event]:
    if what == "credential":
        credential = issued.holders[0].id
        return (
            e.CredentialSuspended(credential=credential, reason="misconduct"),
            e.CredentialReinstated(credential=credential),
        )
    accreditation = issued.story.accreditation
    return (
        e.AccreditationSuspended(accreditation=accreditation, reason="qualityConcern"),
        e.AccreditationReinstated(accreditation=accreditation),
    )


@pytest.mark.parametrize("what", ["credential", "accreditation"])
def test_what_a_thief_suspended_and_reinstated_its_owner_can_make_good(
    issued: IssuedLog, what: str
) -> None:
    story, there_and_back = issued.story, _suspended_and_back(issued, what)
    owner = story.provider if what == "credential" else story.accreditor
    sponsor = story.accreditor if what == "credential" else story.authority
    fresh = owner.with_key("fresh")
    position = issued.says(owner, *there_and_back)
    issued.says(sponsor, _stolen(owner, position), story.key_added(owner, fresh, by=sponsor))
    holder = issued.holders[0] if what == "credential" else _award_by(issued, fresh)
    assert refuted(issued.report(holder)) == {"signature"}

    issued.says(fresh, *there_and_back)

    holder = holder if what == "credential" else _award_by(issued, fresh)
    assert not refuted(issued.report(holder))


def _award_by(issued: IssuedLog, accreditor: Party) -> HolderFile:
    """Return a credential awarded now; it is the provider who awards, whoever accredits."""
    assert accreditor.did == issued.story.accreditor.did
    (holder,) = issued.award(awards(issued.story, 1))
    return holder


# --- Who has nothing to do with it ---


@pytest.mark.parametrize("withdrawn", [False, True])
def test_an_authority_that_nobody_trusts_spoils_nothing_by_recognising_and_recanting(
    issued: IssuedLog, *, withdrawn: bool
) -> None:
    story, rogue = issued.story, party("rogue authority")
    recognition = story.new_id()
    issued.says(story.authority, story.registered(story.authority, rogue, "authority"))
    position = issued.says(rogue, story.recognised(recognition))
    if withdrawn:
        gone = e.RecognitionWithdrawn(reason="voluntary", recognition=recognition)
        issued.says(rogue, gone)
    (holder,) = issued.award(awards(story, 1))
    issued.says(rogue, _stolen(rogue, position))

    assert issued.report(holder).exit_code == 0


def test_of_several_recognitions_up_to_an_anchor_one_good_one_is_enough(issued: IssuedLog) -> None:
    story = issued.story
    thief, fresh = story.authority, story.authority.with_key("fresh")
    issued.says(story.authority, story.key_added(story.authority, fresh))
    position = issued.says(thief, story.recognised(story.new_id()))
    issued.says(
        fresh,
        e.RecognitionWithdrawn(reason="administrative", recognition=story.recognition),
    )
    (holder,) = issued.award(awards(story, 1))
    issued.says(fresh, _stolen(thief, position))
    assert refuted(issued.report(holder)) == {"signature"}

    issued.says(fresh, story.recognised(story.new_id()))
    (holder,) = issued.award(awards(story, 1))
    assert issued.report(holder).exit_code == 0


def test_when_a_thief_may_have_said_whose_key_was_stolen_nobody_can_tell(
    issued: IssuedLog,
) -> None:
    """It cannot be taken back; but it may have been true, and the thief the one who undoes it."""
    story = issued.story
    position = issued.says(story.accreditor, _stolen(story.provider, 6))
    assert refuted(issued.report(issued.holders[0])) == {"signature"}
    issued.says(story.authority, _stolen(story.accreditor, position))

    report = issued.report(issued.holders[0])

    assert (unchecked(report), refuted(report)) == ({"signature"}, set())
    assert f"but the declaration at {position} was signed with" in report.check("signature").detail


@pytest.mark.parametrize("which", ["an earlier one", "a later one", "by keys of the thief's own"])
def test_many_recognitions_by_a_thief_do_not_hide_the_good_one(
    issued: IssuedLog, which: str
) -> None:
    story = issued.story
    fresh = story.authority.with_key("fresh")
    issued.says(story.authority, story.key_added(story.authority, fresh))
    if which == "by keys of the thief's own":
        own = [story.authority.with_key(f"thief-{number}") for number in range(20)]
        added = [story.key_added(story.authority, key) for key in own]
        position = issued.says(story.authority, *added)
        for key in own:
            issued.says(key, story.recognised(story.new_id()))
    else:
        many = [story.recognised(story.new_id()) for _ in range(50)]
        position = issued.says(story.authority, *many)
    if which == "a later one":
        gone = e.RecognitionWithdrawn(reason="administrative", recognition=story.recognition)
        issued.says(fresh, gone, story.recognised(story.new_id()))
    (holder,) = issued.award(awards(story, 1))
    issued.says(fresh, _stolen(story.authority, position))

    assert issued.report(holder).exit_code == 0


def test_who_was_brought_in_with_a_stolen_key_recognises_nobody(issued: IssuedLog) -> None:
    story, minor = issued.story, party("minor authority")
    fresh = story.authority.with_key("fresh")
    issued.says(story.authority, story.key_added(story.authority, fresh))
    gone = e.RecognitionWithdrawn(reason="administrative", recognition=story.recognition)
    issued.says(fresh, gone)
    position = issued.says(story.authority, story.registered(story.authority, minor, "authority"))
    issued.says(minor, story.recognised(story.new_id()))
    (holder,) = issued.award(awards(story, 1))
    assert issued.report(holder).exit_code == 0
    issued.says(fresh, _stolen(story.authority, position))

    assert refuted(issued.report(holder)) == {"signature"}


def test_what_was_told_before_a_theft_is_not_disputed_by_it(issued: IssuedLog) -> None:
    story = issued.story
    position = issued.says(story.accreditor, _stolen(story.provider, 6))
    issued.says(story.authority, _stolen(story.accreditor, position + 1))

    assert refuted(issued.report(issued.holders[0])) == {"signature"}


def test_nor_of_another_key_of_the_same_owner(issued: IssuedLog) -> None:
    story, second = issued.story, issued.story.provider.with_key("second")
    position = issued.says(story.provider, story.key_added(story.provider, second))
    issued.says(second, _stolen(story.provider, 6))
    assert refuted(issued.report(issued.holders[0])) == {"signature"}
    issued.says(story.accreditor, _stolen(second, position + 1))

    report = issued.report(issued.holders[0])
    assert (unchecked(report), refuted(report)) == ({"signature"}, set())


def test_whoever_disputes_a_dispute_settles_nothing(issued: IssuedLog) -> None:
    story = issued.story
    fresh = story.authority.with_key("fresh")
    issued.says(story.authority, story.key_added(story.authority, fresh))
    first = issued.says(story.accreditor, _stolen(story.provider, 6))
    second = issued.says(story.authority, _stolen(story.accreditor, first))
    assert unchecked(issued.report(issued.holders[0])) == {"signature"}
    issued.says(fresh, _stolen(story.authority, second))

    report = issued.report(issued.holders[0])
    assert (unchecked(report), refuted(report)) == ({"signature"}, set())


# --- Names ---


@pytest.mark.parametrize("who", ["provider", "accreditor", "authority"])
def test_a_report_names_by_the_name_that_others_gave(issued: IssuedLog, who: str) -> None:
    story = issued.story
    renamed = {
        "provider": story.provider,
        "accreditor": story.accreditor,
        "authority": story.authority,
    }[who]
    issued.says(
        renamed,
        e.OrganizationUpdated(country="NL", name="Famous University", organization=renamed.did),
    )
    (later,) = issued.award(awards(story, 1))

    for holder in (later, issued.holders[0]):
        report = issued.report(holder)
        assert report.exit_code == 0
        assert "Famous" not in str((report.subject, report.checks))
        (note,) = report.notes
        assert note.endswith(f"({renamed.did}) calls itself Famous University")


# --- The credential's own proof ---


def test_a_proof_by_a_stolen_key_counts_for_nothing(issued: IssuedLog) -> None:
    """It says itself when it was made, and a thief can say what he likes."""
    story = issued.story
    holder = signed(issued.holders[0], story.provider.key)
    assert issued.report(holder).check("proof").verdict == "holds"
    issued.says(story.accreditor, _stolen(story.provider, len(issued.log.entries)))

    report = issued.report(holder)

    assert report.exit_code == 0
    assert "proof" not in {check.name for check in report.checks}
    assert "a key that was compromised" in report.notes[-1]


# --- The log's own time ---


@pytest.mark.parametrize("ahead", [MAX_AHEAD, MAX_AHEAD + 1])
def test_an_entry_is_not_recorded_in_the_time_to_come(issued: IssuedLog, ahead: int) -> None:
    """Else an accreditation that has not begun could be made to have."""
    now = datetime.fromtimestamp(NOW - ahead, UTC)
    report = issued.report(issued.holders[0], now=now)

    assert refuted(report) == ({"signature"} if ahead > MAX_AHEAD else set())
    later = issued.report(issued.holders[0], at=now)
    assert (later.exit_code, later.notes) == (0, (f"its dates are judged as of {now.isoformat()}",))
