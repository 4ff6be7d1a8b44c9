"""A recognition counts for the key under it, whatever name the log puts on that key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from testamur.badges.commitment import HolderFile
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_events
from testamur.catalogue.members import Key
from testamur.errors import Refusal
from testamur.verification.trust.anchors import parse_anchor
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import altered, on_terms, refuted, unchecked
from tests.harness.story import Party, Story, party, private_key

AGENCY = party("agency")
WEB = Party("did:web:agency.example", private_key("agency of the web"), "key-1")


@dataclass
class Seating(Story):
    """A story whose operator seats one authority with the keys it likes."""

    keys: tuple[Key, ...] = ()
    also: tuple[Party, ...] = ()  # other root authorities

    def genesis(self, *, authorities: Sequence[Party] | None = None) -> bytes:
        (opened,) = decode_events(
            super()
            .genesis(authorities=authorities or [self.authority, *self.also])
            .split(b"\n")[1:2]
        )
        assert isinstance(opened, e.LogOpened)
        seat, *others = opened.authorities
        seats = (msgspec.structs.replace(seat, keys=self.keys), *others)
        public = self.log_key.public
        opener = Party(public.did_key(), self.log_key, public.multikey())
        return self.submission(opener, msgspec.structs.replace(opened, authorities=seats))


def seating(at: Path, *keys: Party, signs: Party) -> IssuedLog:
    """Return a log that seats the authority with these keys, of which `signs` recognises."""
    story = Seating(keys=tuple(key.listed for key in keys))
    story.authority = signs
    return IssuedLog(at / "log", story)


def multikey(who: Party) -> str:
    return who.key.public.multikey()


# --- A did:key ---


def test_the_key_that_a_did_spells_speaks_for_it(tmp_path: Path) -> None:
    issued = seating(tmp_path, AGENCY, AGENCY.with_key("operator"), signs=AGENCY)

    for anchor in (AGENCY.did, AGENCY.kid):
        report = issued.report(issued.holders[0], anchors=[anchor])
        assert (report.exit_code, report.notes) == (0, ())


def test_a_key_that_the_operator_lists_under_an_anchors_did_does_not(tmp_path: Path) -> None:
    operator = AGENCY.with_key("operator")
    issued = seating(tmp_path, AGENCY, operator, signs=operator)

    report = issued.report(issued.holders[0], anchors=[AGENCY])

    assert refuted(report) == {"recognition"}
    assert "does not lead back to that anchor" in report.check("recognition").detail


def test_nor_does_a_key_that_such_a_key_adds(tmp_path: Path) -> None:
    operator, later = AGENCY.with_key("operator"), AGENCY.with_key("later")
    issued = seating(tmp_path, AGENCY, operator, signs=operator)

    assert recognised_anew(issued, operator, later, anchors=[AGENCY]) == {"recognition"}


def test_a_key_that_the_anchor_itself_adds_does(tmp_path: Path) -> None:
    later = AGENCY.with_key("later")
    issued = seating(tmp_path, AGENCY, signs=AGENCY)

    assert not recognised_anew(issued, AGENCY, later, anchors=[AGENCY])


def recognised_anew(
    issued: IssuedLog, adds: Party, added: Party, *, anchors: Sequence[Party | str]
) -> set[str]:
    """Have a key added, and the accreditor recognised under that one alone; return what fails."""
    story = issued.story
    issued.says(adds, story.key_added(adds, added))
    issued.says(
        adds, e.RecognitionWithdrawn(reason="administrative", recognition=story.recognition)
    )
    issued.says(added, story.recognised(story.new_id()))
    (holder,) = issued.award(awards(story, 1))
    return refuted(issued.report(holder, anchors=anchors))


# --- Any other DID ---


def test_whose_word_another_did_rests_on_is_noted(tmp_path: Path) -> None:
    issued = seating(tmp_path, WEB, signs=WEB)

    report = issued.report(issued.holders[0], anchors=[WEB])

    assert report.exit_code == 0
    assert report.notes == (
        "that did:web:agency.example is Authority's own is the word of the log's genesis",
    )


def test_a_pinned_key_needs_nobodys_word(tmp_path: Path) -> None:
    issued = seating(tmp_path, WEB, signs=WEB)

    report = issued.report(issued.holders[0], anchors=[f"{WEB.did}#{multikey(WEB)}"])

    assert (report.exit_code, report.notes) == (0, ())


def test_beside_a_pinned_key_the_operator_lists_others_in_vain(tmp_path: Path) -> None:
    operator = WEB.with_key("operator")
    issued = seating(tmp_path, WEB, operator, signs=operator)
    pinned = f"{WEB.did}#{multikey(WEB)}"

    assert refuted(issued.report(issued.holders[0], anchors=[pinned])) == {"recognition"}
    both = [pinned, f"{WEB.did}#{multikey(operator)}"]
    assert not refuted(issued.report(issued.holders[0], anchors=both))


def test_a_key_may_be_pinned_that_was_added_later(tmp_path: Path) -> None:
    later = WEB.with_key("later")
    issued = seating(tmp_path, WEB, signs=WEB)
    pinned = f"{WEB.did}#{multikey(later)}"

    assert not recognised_anew(issued, WEB, later, anchors=[pinned])
    # What was signed before it was there leads back to nothing that was pinned.
    assert refuted(issued.report(issued.holders[0], anchors=[pinned])) == {"recognition"}


# --- Who was brought in ---


@pytest.mark.parametrize("minor", [AGENCY, WEB], ids=["did:key", "did:web"])
def test_a_sponsor_does_not_speak_for_the_anchor_it_brought_in(
    tmp_path: Path, minor: Party
) -> None:
    """It may add a key, for one that lost its own; whoever trusts the sponsor trusts that too."""
    issued = IssuedLog(tmp_path / "log")
    story, lent = issued.story, minor.with_key("lent")
    issued.says(story.authority, story.registered(story.authority, minor, "authority"))
    issued.says(story.authority, story.key_added(minor, lent, by=story.authority))
    issued.says(
        story.authority,
        e.RecognitionWithdrawn(reason="administrative", recognition=story.recognition),
    )
    position = issued.says(lent, story.recognised(story.new_id()))
    (holder,) = issued.award(awards(story, 1))

    assert refuted(issued.report(holder, anchors=[minor])) == {"recognition"}
    report = issued.report(holder, anchors=[story.authority])
    assert report.exit_code == 0
    (note,) = report.notes
    assert note.startswith(f"submission at {position} was signed with {lent.kid}, a key that ")
    assert note.endswith(f"Authority ({story.authority.did}) added")


def test_a_pin_beside_another_anchor_does_not_hide_whose_key_it_was(tmp_path: Path) -> None:
    issued = IssuedLog(tmp_path / "log")
    story = issued.story
    issued.says(story.authority, story.registered(story.authority, WEB, "authority"))
    issued.says(
        story.authority,
        e.RecognitionWithdrawn(reason="administrative", recognition=story.recognition),
    )
    issued.says(WEB, story.recognised(story.new_id()))
    (holder,) = issued.award(awards(story, 1))
    pinned = f"{WEB.did}#{multikey(AGENCY)}"

    report = issued.report(holder, anchors=[story.authority, pinned])
    assert "An Organization, under Authority, a trust" in report.check("recognition").detail
    assert refuted(issued.report(holder, anchors=[pinned])) == {"recognition"}


# --- Whom a recognition is of ---

ROGUE = party("a root of its own")


def beside_a_rogue(at: Path) -> IssuedLog:
    """Return a log with another root authority, which the verifier does not trust."""
    story = Seating(name="other", keys=(Story(name="other").authority.listed,), also=(ROGUE,))
    return IssuedLog(at / "log", story)


def recognised_as_entered_by_a_rogue(at: Path, accreditor: Party) -> IssuedLog:
    """Return such a log where the authority recognised whom the rogue had brought in."""
    issued = beside_a_rogue(at)
    story = issued.story
    issued.says(ROGUE, story.registered(ROGUE, accreditor, "accreditor"))
    issued.says(
        story.authority,
        msgspec.structs.replace(story.recognised(story.new_id()), accreditor=accreditor.did),
    )
    return issued


def test_a_mill_that_a_rogue_entered_as_a_famous_university_is_not_taken_for_it(
    tmp_path: Path,
) -> None:
    """Its accreditor is honest and names its key; name and address are the rogue's word."""
    issued = beside_a_rogue(tmp_path)
    story, mill = issued.story, party("mill")
    achievement, accreditation = story.new_id(), story.new_id()
    famous = msgspec.structs.replace(
        story.registered(ROGUE, mill, "provider"),
        name="Famous University",
        url="https://famous.example",
    )
    issued.says(ROGUE, famous)
    granted = msgspec.structs.replace(story.accredited(accreditation), provider=mill.did)
    issued.says(story.accreditor, granted)
    issued.says(mill, story.defined(achievement))
    prepared = altered(awards(story, 1), lambda c: c["issuer"].update(id="https://famous.example"))
    terms = {"achievement": achievement, "accreditation": accreditation}
    (holder,) = issued.award(on_terms(prepared, **terms), by=mill)

    report = issued.report(holder)

    assert unchecked(report) == {"issuer"}
    # Nor does the name go without a word where the credential names the key.
    plain = altered(awards(story, 1), lambda c: c["issuer"].update(id=mill.did))
    (holder,) = issued.award(on_terms(plain, **terms), by=mill)
    (note,) = issued.report(holder).notes
    assert f"is called Famous University is the word of Authority ({ROGUE.did})" in note


def _accredited(issued: IssuedLog, accreditor: Party, accreditation: str) -> HolderFile:
    story = issued.story
    issued.says(accreditor, story.accredited(accreditation))
    return _award(issued, accreditation)


def _award(issued: IssuedLog, accreditation: str) -> HolderFile:
    (holder,) = issued.award(on_terms(awards(issued.story, 1), accreditation=accreditation))
    return holder


def test_a_recognition_is_of_a_name_and_whose_key_that_is_must_be_known(tmp_path: Path) -> None:
    issued = recognised_as_entered_by_a_rogue(tmp_path, WEB)
    other = issued.story
    holder = _accredited(issued, WEB, other.new_id())

    report = issued.report(holder)
    assert unchecked(report) == {"recognition"}
    assert f"is the word of Authority ({ROGUE.did})" in report.check("recognition").detail
    pinned = f"{WEB.did}#{multikey(WEB)}"
    assert issued.report(holder, anchors=[other.authority, pinned]).exit_code == 0


def test_nor_is_a_key_that_a_rogue_sponsor_lends_the_accreditors_own(tmp_path: Path) -> None:
    accreditor, lent = AGENCY, AGENCY.with_key("lent")
    issued = recognised_as_entered_by_a_rogue(tmp_path, accreditor)
    other = issued.story
    own = _accredited(issued, accreditor, other.new_id())
    issued.says(ROGUE, other.key_added(accreditor, lent, by=ROGUE))
    lend = _accredited(issued, lent, other.new_id())

    assert issued.report(own).exit_code == 0
    assert unchecked(issued.report(lend)) == {"recognition"}


def test_nor_is_what_such_a_key_reinstates(tmp_path: Path) -> None:
    accreditor, lent = AGENCY, AGENCY.with_key("lent")
    issued = recognised_as_entered_by_a_rogue(tmp_path, accreditor)
    other = issued.story
    accreditation = other.new_id()
    _accredited(issued, accreditor, accreditation)
    there = e.AccreditationSuspended(accreditation=accreditation, reason="qualityConcern")
    back = e.AccreditationReinstated(accreditation=accreditation)
    issued.says(accreditor, there)
    issued.says(ROGUE, other.key_added(accreditor, lent, by=ROGUE))
    issued.says(lent, back)
    assert unchecked(issued.report(_award(issued, accreditation))) == {"recognition"}

    issued.says(accreditor, there, back)
    assert issued.report(_award(issued, accreditation)).exit_code == 0


def test_nor_is_a_key_that_a_rogue_sponsor_lends_the_issuers_own(tmp_path: Path) -> None:
    provider = party("provider of a rogue")
    lent = provider.with_key("lent")
    issued = beside_a_rogue(tmp_path)
    other = issued.story
    entering = party("accreditor of the rogue")
    issued.says(ROGUE, other.registered(ROGUE, entering, "accreditor"))
    issued.says(entering, other.registered(entering, provider, "provider"))
    accreditation, achievement = other.new_id(), other.new_id()
    granted = msgspec.structs.replace(other.accredited(accreditation), provider=provider.did)
    issued.says(other.accreditor, granted)
    issued.says(provider, other.defined(achievement))
    issued.says(entering, other.key_added(provider, lent, by=entering))
    for signer, doubted in ((provider, set()), (lent, {"issuer"})):
        named = altered(awards(other, 1), lambda c: c["issuer"].update(id=provider.did))
        event = msgspec.structs.replace(
            named.events[0], accreditation=accreditation, achievement=achievement
        )
        (holder,) = issued.award(msgspec.structs.replace(named, events=[event]), by=signer)
        assert unchecked(issued.report(holder)) == doubted


@pytest.mark.parametrize("helped", [False, True])
def test_no_stranger_makes_a_remark_on_our_own_authority_go_away(
    tmp_path: Path, *, helped: bool
) -> None:
    issued = beside_a_rogue(tmp_path)
    other = issued.story
    issued.says(other.authority, e.OrganizationClosed(organization=other.authority.did))
    if helped:
        issued.says(ROGUE, other.recognised(other.new_id()))
    (holder,) = issued.award(awards(other, 1))

    (note,) = issued.report(holder).notes
    assert "had closed before it was issued" in note


# --- What an anchor looks like ---


def test_an_anchor_is_a_did_alone_or_with_a_key() -> None:
    assert parse_anchor(AGENCY.did) == (AGENCY.did, multikey(AGENCY))
    assert parse_anchor(AGENCY.kid) == (AGENCY.did, multikey(AGENCY))
    assert parse_anchor(WEB.did) == (WEB.did, None)
    assert parse_anchor(f"{WEB.did}#{multikey(AGENCY)}") == (WEB.did, multikey(AGENCY))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("anchor", "agency.example"),
        ("anchor", ""),
        ("anchor", f"#{multikey(AGENCY)}"),
        ("anchor", "did:web:agency example"),
        ("anchor", f"{AGENCY.did}#{multikey(WEB)}"),
        ("anchor", f"{AGENCY.did}#"),
        ("key-form", "did:web:agency.example#"),
        ("key-form", "did:web:agency.example#key-1"),
        ("base58", f"did:web:agency.example#{multikey(AGENCY)}#"),
        ("key-form", "did:key:z6Mk"),
    ],
)
def test_what_is_no_anchor_is_refused(rule: str, text: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_anchor(text)
    assert caught.value.rule == rule
