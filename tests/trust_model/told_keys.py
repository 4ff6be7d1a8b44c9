"""Told stories about an organization's keys: thefts, declarations, registrations."""

from __future__ import annotations

from dataclasses import replace

from tests.trust_model.cast import (
    ANCHORS,
    accredit,
    begun,
    change,
    define,
    holds,
    issue,
    mill,
    recognise,
    registered,
)
from tests.trust_model.events import Closed, KeyCompromised, KeyListed, KeyRetired, Updated
from tests.trust_model.gate import ADMITTED
from tests.trust_model.reach import Sums, reach
from tests.trust_model.settings import Rule, Settings
from tests.trust_model.story import Register
from tests.trust_model.told import small, told


def second_agency(register: Register, key: str) -> None:
    """Let the Ministry bring in a second agency with one key and recognise it with the other."""
    entry = registered("Agency2", "Ministry", "accreditor")
    register.submit("Ministry", key, entry)
    register.submit("Ministry", "Ministry/s2", recognise("r2", "Agency2"))


@told(Rule.KEPT)
def what_the_owner_signed_after_the_theft_is_kept(settings: Settings) -> None:
    """Agency/s1 is stolen unnoticed; the Agency goes on with it, and names that as kept."""
    register = begun(settings)
    theft = register.submit("Agency", "Agency/s1", accredit("zt", "Mill"), by="thief")
    owners = register.submit("Agency", "Agency/s1", accredit("z2", "College"))
    register.submit("College", "College/s1", issue("c2", "z2"))
    mill(register, "m1", "zt")
    register.declare("Agency/s1", theft, kept=[owners])
    assert holds(register, "c2")
    assert not holds(register, "m1")


@told(Rule.NINETY_DAYS)
def a_disgraced_accreditor_cannot_void_its_whole_past(settings: Settings) -> None:
    """The Agency loses its recognition; 200 days later it declares its key back to the start."""
    register = begun(settings)
    register.submit("Ministry", "Ministry/s1", change("withdraw", "ra"), days=100)
    register.attempt("Agency", "Agency", KeyCompromised("Agency/s1", 1), days=100, by="thief")
    assert holds(register)


@told(Rule.NINETY_DAYS)
def the_thief_of_a_founding_key_reaches_ninety_days_back(settings: Settings) -> None:
    """The founding key of the anchor is stolen: what is older than 90 days still stands."""
    register = begun(settings)
    register.submit("College", "College/s1", issue("c2"), days=100)
    for key in ("s1", "s2", "r1", "r2"):
        register.attempt("Ministry", "Ministry", KeyCompromised(f"Ministry/{key}", 1), by="thief")
    assert holds(register)
    assert holds(register, "c2"), "the recognition is older than 90 days"


@told(Rule.RESTATE)
def a_mistyped_since_can_be_mended(settings: Settings) -> None:
    """The owner declares too much, and restates it 60 days later."""
    register = begun(settings)
    theft = register.submit("College", "College/s1", change("revoke", "c1"), by="thief")
    register.declare("College/s1", 3)
    assert not holds(register)
    register.declare("College/s1", theft, days=60)
    assert holds(register)


@told(Rule.FINAL_DECLARATION)
def a_declaration_becomes_final(settings: Settings) -> None:
    """Who steals the founding key later cannot bring back what an earlier thief signed."""
    register = begun(settings)
    theft = register.submit("Agency", "Agency/s1", accredit("zt", "Mill"), by="thief")
    mill(register, "m1", "zt")
    register.declare("Agency/s1", theft)
    register.attempt(
        "Agency", "Agency", KeyCompromised("Agency/s1", register.size - 1), days=91, by="thief"
    )
    assert not holds(register, "m1")


@told(Rule.OWN_PAST)
def a_key_says_nothing_about_its_own_past(settings: Settings) -> None:
    """The thief of College/s1 declares that key compromised since the beginning."""
    register = begun(settings)
    accusation = KeyCompromised("College/s1", 1)
    register.attempt("College", "College/s1", accusation, by="thief")
    assert holds(register)


@told(Rule.FOUNDER_LISTS_RECOVERY)
def a_lower_recovery_key_makes_no_recovery_keys(settings: Settings) -> None:
    """The thief of College/r1 lists recovery keys, each of which could spend as much again."""
    register = begun(small(settings))
    theft = register.size
    for name in ("College/t1", "College/t2", "College/t3", "College/t4"):
        register.attempt("College", "College/r1", KeyListed(name, "recovery"), by="thief")
        for number in range(8):
            listing = KeyListed(f"{name}.{number}", "signing")
            register.attempt("College", name, listing, KeyRetired(listing.key), by="thief")
        register.attempt("College", "College/r1", KeyRetired(name), by="thief")
    register.declare("College/r1", theft)
    register.submit("College", "College/r2", KeyListed("College/s3", "signing"))


@told(Rule.RANKS)
def a_lower_recovery_key_accuses_no_higher_one(settings: Settings) -> None:
    """The thief of College/r2 accuses College/r1 and the founding key; the owner is heard."""
    register = begun(settings)
    theft = register.size
    for key in ("College/r1", "College"):
        register.attempt("College", "College/r2", KeyCompromised(key, 1), by="thief")
    register.declare("College/r2", theft)
    register.submit("College", "College", KeyListed("College/s3", "signing"))
    register.submit("College", "College/r1", KeyListed("College/s4", "signing"))


@told()
def two_recovery_keys_cannot_accuse_each_other_in_a_loop(settings: Settings) -> None:
    """The thief of College/r1 accuses r2 and s1; the founding key undoes all of it."""
    register = begun(settings)
    theft = register.declare("College/r2", register.size - 1, by="College/r1", pen="thief")
    answer = register.attempt("College", "College/r2", KeyCompromised("College/r1", 3))
    assert answer == "key-inactive"
    register.declare("College/s1", 3, by="College/r1", pen="thief")
    assert not holds(register), "as long as r1 is believed"
    register.declare("College/r1", theft)
    assert holds(register)
    register.submit("College", "College/r2", KeyListed("College/s3", "signing"))


@told()
def a_key_that_a_thief_listed_falls_with_the_thief(settings: Settings) -> None:
    """The thief of Agency/r1 lists a key that grants a mill; the declaration of r1 is enough."""
    register = begun(settings)
    theft = register.submit("Agency", "Agency/r1", KeyListed("Agency/t", "signing"), by="thief")
    register.submit("Agency", "Agency/t", accredit("zt", "Mill"), by="thief")
    mill(register, "m1", "zt")
    assert holds(register, "m1"), "until the theft is declared"
    register.declare("Agency/r1", theft)
    assert not holds(register, "m1")
    assert register.attempt("Agency", "Agency/t", accredit("zu", "Mill")) == "unknown-key"
    assert holds(register)


@told(Rule.REGISTRATION_SURVIVES)
def an_organization_stands_whatever_becomes_of_its_sponsors_key(settings: Settings) -> None:
    """The key that sponsored Agency2 was stolen before, and that submission does not count."""
    register = begun(settings)
    theft = register.submit("Ministry", "Ministry/s1", recognise("rt", "Mint"), by="thief")
    second_agency(register, "Ministry/s1")
    register.submit("Agency2", "Agency2/s1", registered("School", "Agency2", "provider"))
    register.submit("Agency2", "Agency2/s1", accredit("z2", "School"))
    register.submit("School", "School/s1", define("art"), issue("c2", "z2", "art"))
    register.declare("Ministry/s1", theft)
    assert holds(register, "c2")
    register.submit("Agency2", "Agency2/s1", change("suspend", "z2"))


@told(Rule.FOUNDER_SIGNS)
def nobody_enters_in_the_name_of_another(settings: Settings) -> None:
    """A rogue sponsor registers a university that never signed; then the university enters."""
    register = begun(settings)
    entry = registered("University", "Rogue", "provider")
    forged = replace(entry, signing_keys=("Rogue/x",), signed_by="Rogue")
    register.attempt("Rogue", "Rogue/s1", forged, by="stranger")
    register.submit("Ministry", "Ministry/s1", registered("University", "Ministry", "provider"))


@told(Rule.UNTIL)
def an_old_registration_is_not_taken(settings: Settings) -> None:
    """A sponsor keeps an unused registration, whose keys were given up, for 40 days."""
    register = begun(settings)
    old = registered("School", "Rogue", "provider", until=30)
    register.attempt("Rogue", "Rogue/s1", old, days=40, by="stranger")
    fresh = registered("School", "Ministry", "provider", until=60)
    register.submit("Ministry", "Ministry/s1", fresh)


@told()
def a_registration_far_ahead_of_its_until_is_not_taken(settings: Settings) -> None:
    """An `until` years ahead would let a sponsor keep the registration as long."""
    register = begun(settings)
    entry = registered("School", "Ministry", "provider", until=400)
    assert register.attempt("Ministry", "Ministry/s1", entry) == "until"


@told(Rule.CLOSED_MAY_DECLARE)
def a_closed_organization_can_still_declare(settings: Settings) -> None:
    """The thief of College/s1 closes the College; it declares, and goes on."""
    register = begun(settings)
    theft = register.submit("College", "College/s1", Closed(), by="thief")
    register.declare("College/s1", theft)
    register.submit("College", "College/s2", issue("c2"))
    assert holds(register, "c2")


@told()
def no_other_organization_speaks_of_a_key(settings: Settings) -> None:
    """The sponsor, the authority and the operator's root accuse College/s1."""
    register = begun(settings)
    for who in ("Agency", "Ministry", "Rogue"):
        for event in (KeyCompromised("College/s1", 1), KeyRetired("College/s1")):
            assert register.attempt(who, who, event) == "unknown-key"
    assert holds(register)


@told()
def a_retired_key_signs_no_more_and_its_past_stands(settings: Settings) -> None:
    """College/s1 retires itself; what it signed holds, what it would sign is refused."""
    register = begun(settings)
    register.submit("College", "College/s1", KeyRetired("College/s1"))
    assert register.attempt("College", "College/s1", issue("c2")) == "key-inactive"
    assert holds(register)


@told()
def what_a_key_says_of_itself_counts(settings: Settings) -> None:
    """A retirement, and what a key declares of itself, take effect after their own submission."""
    for event in (KeyRetired("College/s1"), KeyCompromised("College/s1")):
        register = begun(settings)
        last = register.submit("College", "College/s1", event)
        assert last.position in register.world.counting
        assert register.attempt("College", "College/s1", issue("c2")) == "key-inactive"


@told()
def a_theft_found_too_late_stands_until_withdrawn(settings: Settings) -> None:
    """The limit of the promise: after 200 days the grant stays, and can only be ended."""
    register = begun(settings)
    theft = register.submit("Agency", "Agency/s1", accredit("zt", "Mill"), by="thief")
    mill(register, "m1", "zt")
    register.declare("Agency/s1", theft, days=200)
    assert holds(register, "m1")
    register.submit("Agency", "Agency/s2", change("withdraw", "zt"))
    mill(register, "m2", "zt")
    assert holds(register, "m1")
    assert not holds(register, "m2")


@told()
def a_declaration_reaches_exactly_ninety_days_of_log_time_back(settings: Settings) -> None:
    """What is recorded 90 days before the declaration is cut off; what is older is not."""
    register = begun(settings)
    register.submit("College", "College/s1", issue("c2"), days=1)
    register.submit("College", "College/s1", issue("c3"), days=1)
    register.declare("College/s1", 1, days=89)
    assert [holds(register, each) for each in ("c1", "c2", "c3")] == [True, False, False]


@told()
def a_declaration_may_be_restated_for_exactly_ninety_days(settings: Settings) -> None:
    """On the ninetieth day the same key may still restate; later it may not, another may."""
    register = begun(settings)
    theft = register.submit("College", "College/s1", change("revoke", "c1"), by="thief")
    register.declare("College/s1", 3)
    register.declare("College/s1", theft, days=90)
    late = KeyCompromised("College/s1", 3)
    assert register.attempt("College", "College", late, days=0.01) == "declaration-final"
    assert register.attempt("College", "College/r1", late) == ADMITTED
    assert register.verdict("c1", ANCHORS).outcome == "holds", "older than r1's first word"


@told()
def an_owner_can_unrevoke_by_declaring_and_it_is_on_the_log(settings: Settings) -> None:
    """A decision taken knowingly: 90 days back, an owner's declaration undoes its own act."""
    register = begun(settings)
    revoked = register.submit("College", "College/s1", change("revoke", "c1"))
    declared = register.declare("College/s1", revoked)
    assert holds(register)
    assert reach(register.log, declared.position).flagged
    assert revoked in register.log
    assert revoked.position not in register.world.counting


@told()
def a_thief_of_a_signing_key_lists_and_accuses_nobody(settings: Settings) -> None:
    """The thief of College/s1 lists a key, retires and accuses the others, then gives it up."""
    register = begun(settings)
    theft = register.size
    for event, rule in (
        (KeyListed("College/t", "signing"), "recovery-key-needed"),
        (KeyRetired("College/s2"), "key-rank"),
        (KeyCompromised("College/r1", 1), "key-rank"),
        (KeyCompromised("College", 1), "key-rank"),
        (KeyRetired("College/s1"), ADMITTED),
    ):
        assert register.attempt("College", "College/s1", event, by="thief") == rule
    register.submit("College", "College/s2", issue("c2"))
    register.declare("College/s1", theft)
    assert holds(register)
    assert holds(register, "c2")


@told()
def an_unchanged_update_between_good_signatures_spoils_nothing(settings: Settings) -> None:
    """The thief updates, and suspends and reinstates in one breath, between the owner's work."""
    register = begun(settings)
    before = register.submit("College", "College/s1", issue("c2"))
    breath = change("suspend", "c1"), change("reinstate", "c1")
    theft = register.submit("College", "College/s1", Updated("College"), by="thief")
    register.submit("College", "College/s1", *breath, by="thief")
    after = register.submit("College", "College/s1", issue("c3"))
    register.submit("College", "College/s1", *breath, by="thief")
    assert before.position < theft.position
    register.declare("College/s1", theft, kept=[after])
    assert [holds(register, each) for each in ("c1", "c2", "c3")] == [True, True, True]


@told()
def a_former_sponsor_lends_no_key(settings: Settings) -> None:
    """The Agency, its recognition withdrawn, lists a key and signs in the College's name."""
    register = begun(settings)
    register.submit("Ministry", "Ministry/s1", change("withdraw", "ra"))
    register.submit("Agency", "Agency", KeyListed("Agency/lent", "signing"))
    revoked = change("revoke", "c1")
    assert register.attempt("College", "Agency/lent", revoked) == "unknown-key"
    assert register.attempt("Agency", "Agency/lent", revoked) == "credential-of-another"
    assert holds(register)


@told()
def kept_names_nothing_of_the_future(settings: Settings) -> None:
    """A key that was another's signs nothing more, whatever the declaration keeps."""
    register = begun(settings)
    far = KeyCompromised("College/s1", 3, ((3, 10_000),))
    assert register.attempt("College", "College", far) == "kept"
    disorder = KeyCompromised("College/s1", 3, ((8, 9), (3, 4)))
    assert register.attempt("College", "College", disorder) == "kept"


@told(Rule.LISTED_ONCE)
def a_key_is_listed_once_whether_that_counts_or_not(settings: Settings) -> None:
    """r1's listing is hidden by an accusation; nobody may list the same key again meanwhile."""
    register = begun(settings)
    listed = register.submit("College", "College/r1", KeyListed("College/s3", "signing"))
    register.submit("College", "College/s3", issue("c2"))
    register.declare("College/r1", listed)
    for listing in (KeyListed("College/s3", "signing"), KeyListed("College/s3", "recovery")):
        assert register.attempt("College", "College", listing) == "key-twice"
    assert not holds(register, "c2")
    register.declare("College/r1", register.size - 1, days=30)
    assert holds(register, "c2")


@told()
def a_key_whose_listing_fell_can_be_declared_all_the_same(settings: Settings) -> None:
    """What is said of it holds once its listing comes back."""
    register = begun(settings)
    listed = register.submit("College", "College/r1", KeyListed("College/s3", "signing"))
    theft = register.submit("College", "College/s3", issue("c2"))
    register.declare("College/r1", listed)
    register.declare("College/s3", theft)
    register.submit("College", "College/r2", KeyRetired("College/s3"))
    register.declare("College/r1", register.size - 1, days=30)
    assert not holds(register, "c2")
    assert register.attempt("College", "College/s3", issue("c3")) == "key-inactive"


@told()
def a_declaration_says_how_far_it_reaches(settings: Settings) -> None:
    """The Agency voids a grant backwards; a thief's issuances fall without a flag."""
    register = begun(settings)
    forged = register.submit("College", "College/s1", issue("c2"), issue("c3"), by="thief")
    declared = register.declare("College/s1", forged)
    found = reach(register.log, declared.position, settings)
    assert (found.fallen, found.returned, found.flagged) == (Sums(issuances=2), Sums(), False)
    register.submit("Agency", "Agency/s1", accredit("z2", "Mill"))
    hidden = register.declare("Agency/s1", 3, by="Agency/r1", pen="thief")
    found = reach(register.log, hidden.position, settings)
    assert (found.fallen, found.flagged) == (Sums(grants=2), True)
    undone = register.declare("Agency/r1", hidden)
    found = reach(register.log, undone.position, settings)
    assert (found.returned, found.flagged) == (Sums(grants=2), False)
