"""What learners get says what the credential says, and nothing that does not show."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from testamur.badges.commitment import HolderFile
from testamur.errors import Refusal
from testamur.pages.facts import Facts, facts_of, plain
from tests.harness.spring import prepared
from tests.harness.story import Story


def test_a_credential_of_a_cohort_is_told_in_words(facts: Facts) -> None:
    assert (facts.title, facts.issuer, facts.learner) == (
        "Soil Science",
        "An Organization",
        "Ada Lovelace",
    )
    assert (facts.kind, facts.awarded) == ("Micro-credential", date(2026, 11, 20))
    assert facts.valid_until is None
    assert ("Country or region", "NL") in facts.lines


def test_a_learner_whose_name_is_not_in_the_clear_is_not_named() -> None:
    (holder,) = prepared(Story(), "ada@example.org,,2026-11-20").holders
    assert facts_of(holder).learner is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Soil\r\n Science\t", "Soil Science"),
        ("\u202eecneicS", "ecneicS"),
        ("a\u200bb\ufeffc\0d\x1b[31m", "abcd[31m"),
        ("\U000e0041\u3164", ""),
        ("عبد الله", "عبد الله"),
        ("نمی\u200cد\u0627نم", "نمی\u200cد\u0627نم"),
        ("👩\u200d🔬 ❤\ufe0f", "👩\u200d🔬 ❤\ufe0f"),
        ("a" * 501, "a" * 499 + "…"),
    ],
)
def test_what_does_not_show_is_left_out_and_letters_stay_whole(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_title_that_shows_nothing_has_words_in_its_place(holder: HolderFile) -> None:
    credential = holder.credential
    subject = credential["credentialSubject"]
    bare = {**subject, "achievement": {**subject["achievement"], "name": "\u3164"}}
    changed = msgspec.structs.replace(
        holder, credential={**credential, "credentialSubject": bare, "name": "Soils"}
    )
    assert facts_of(changed).title == "Soils"


def test_what_is_no_badge_is_refused(holder: HolderFile) -> None:
    with pytest.raises(Refusal):
        facts_of(msgspec.structs.replace(holder, credential={"type": "other"}))
