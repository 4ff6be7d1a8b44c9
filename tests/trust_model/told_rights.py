"""Told stories about rights and statuses: who may do what to whose thing, and what stays."""

from __future__ import annotations

from dataclasses import replace

from tests.trust_model.cast import (
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
from tests.trust_model.events import Closed, KeyListed, Objected, Restated, Succeeded, Words
from tests.trust_model.gate import ADMITTED
from tests.trust_model.settings import Rule, Settings
from tests.trust_model.status import acts, nobody
from tests.trust_model.story import Register, as_logged
from tests.trust_model.told import told
from tests.trust_model.verdict import verdict


def disgraced(register: Register) -> None:
    """Let the Ministry end the recognition of the Agency."""
    register.submit("Ministry", "Ministry/s1", change("withdraw", "ra"))


@told(Rule.RIGHTS_ANEW)
def a_successor_that_a_thief_named_has_done_nothing(settings: Settings) -> None:
    """The thief of College/s1 names Puppet successor and closes; Puppet revokes."""
    register = begun(settings)
    naming = Succeeded("College", "Puppet")
    theft = register.submit("College", "College/s1", naming, Closed(), by="thief")
    register.submit("Puppet", "Puppet/s1", change("revoke", "c1"), by="stranger")
    assert not holds(register), "until the theft is declared"
    register.declare("College/s1", theft)
    assert holds(register)


@told()
def a_puppet_successor_is_refused_after_the_declaration(settings: Settings) -> None:
    """The thief names Puppet, which waits 31 days; the theft is declared meanwhile."""
    register = begun(settings)
    theft = register.submit("College", "College/s1", Succeeded("College", "Puppet"), by="thief")
    register.declare("College/s1", theft)
    revoked = change("revoke", "c1")
    answer = register.attempt("Puppet", "Puppet/s1", revoked, days=31, by="stranger")
    assert answer == "credential-of-another"
    assert holds(register)


@told(Rule.FINAL_STATUS)
def a_final_status_stays_final(settings: Settings) -> None:
    """While a thief's accusation hid the revocation, the owner suspended and reinstated."""
    register = begun(settings)
    revoked = register.submit("College", "College/s1", change("revoke", "c1"))
    theft = register.declare("College/s1", revoked, by="College/r1", pen="thief")
    register.submit("College", "College/s2", change("suspend", "c1"))
    register.submit("College", "College/s2", change("reinstate", "c1"))
    register.declare("College/r1", theft)
    assert register.status("c1") == "revoked"


@told(Rule.OWNERS_END)
def what_its_owner_revoked_does_not_come_back(settings: Settings) -> None:
    """c2 was revoked, then its issuance fell with the key; issuing anew all that fell skips it."""
    register = begun(settings)
    theft = register.submit("College", "College/s1", issue("c2"), by="thief")
    register.submit("College", "College/s2", change("revoke", "c2"))
    register.declare("College/s1", theft)
    register.attempt("College", "College/s2", issue("c2"))
    assert not holds(register, "c2")


@told(Rule.OWNERS_END)
def a_revocation_waits_for_its_credential_to_come_back(settings: Settings) -> None:
    """A thief's accusation hides the revocation while a fallen credential is issued anew."""
    register = begun(settings)
    issued = register.submit("College", "College/s1", issue("c2"))
    register.submit("College", "College/s2", change("revoke", "c2"))
    register.declare("College/s1", issued, by="College/r1")
    theft = register.declare("College/s2", issued, by="College/r1", pen="thief")
    register.submit("College", "College", KeyListed("College/s3", "signing"))
    register.submit("College", "College/s3", issue("c2"))
    assert holds(register, "c2"), "no counting event ended it"
    register.declare("College/r1", theft)
    assert register.status("c2") == "revoked"


@told(Rule.FIRST_WRITER)
def an_id_stays_with_its_first_writer(settings: Settings) -> None:
    """A stranger writes the very line of an accreditation that fell; its owner grants it anew."""
    register = begun(settings)
    fallen = register.submit("Agency", "Agency/s1", accredit("z2", "College"))
    register.declare("Agency/s1", fallen)
    register.attempt("Mint", "Mint/s1", accredit("z2", "College"), by="stranger")
    register.submit("Agency", "Agency/s2", accredit("z2", "College"))
    register.submit("College", "College/s1", issue("c2", "z2"))
    assert holds(register, "c2")


@told()
def a_stranger_takes_no_id_that_fell(settings: Settings) -> None:
    """The Mill writes a credential of its own under the id of a College's that fell."""
    register = begun(settings)
    fallen = register.submit("College", "College/s1", issue("c2"))
    register.declare("College/s1", fallen)
    answer = register.attempt("Mill", "Mill/s1", issue("c2", "zm", "grind"), by="stranger")
    assert answer == "id-taken"
    register.submit("College", "College/s2", issue("c2"))
    assert holds(register, "c2")


@told(Rule.SAME_LINE)
def an_id_comes_back_with_the_same_line_only(settings: Settings) -> None:
    """c2 is issued anew with other words; then the accusation turns out to be a thief's."""
    register = begun(settings)
    first = register.submit("College", "College/s1", issue("c2"))
    theft = register.declare("College/s1", first, by="College/r1", pen="thief")
    other = type(issue("c2"))("c2", "soil", 1, "another commitment", "za")
    admitted = register.attempt("College", "College/s2", other) == ADMITTED
    register.declare("College/r1", theft)
    logged = as_logged(register.log, "c2")
    assert verdict(register.world, logged, {"Ministry"}).holds
    assert not admitted, "two credentials would wait for one id"


@told(Rule.WRITTEN_VERSIONS)
def a_version_number_is_never_written_twice(settings: Settings) -> None:
    """Version 2 is hidden by a thief's accusation while the owner revises."""
    register = begun(settings)
    second = register.submit("College", "College/s1", define("soil", 2, level=5))
    theft = register.declare("College/s1", second, by="College/r1", pen="thief")
    version = 2
    while register.attempt("College", "College/s2", define("soil", version, level=4)) != ADMITTED:
        version += 1
        assert version < 5
    register.submit("College", "College/s2", issue("c2", version=version))
    shown = as_logged(register.log, "c2")
    register.declare("College/r1", theft)
    assert version == 3
    assert verdict(register.world, shown, {"Ministry"}).holds


@told()
def a_version_stands_without_the_one_before(settings: Settings) -> None:
    """A thief wrote version 2, the owner version 3 and, after the declaration, version 4."""
    register = begun(settings)
    theft = register.submit("College", "College/s1", define("soil", 2, level=8), by="thief")
    register.submit("College", "College/s2", define("soil", 3, level=5))
    register.submit("College", "College/s2", issue("c2", version=3))
    register.declare("College/s1", theft)
    assert holds(register, "c2")
    register.submit("College", "College/s2", define("soil", 4, level=5))


@told(Rule.STATED_AGAIN)
def a_thiefs_sanction_does_not_take_the_place_of_the_owners(settings: Settings) -> None:
    """The thief of Agency/s1 suspends first, so that the Agency's own suspension falls too."""
    register = begun(settings)
    theft = register.submit("Agency", "Agency/s1", change("suspend", "za"), by="thief")
    register.submit("Agency", "Agency/s2", change("suspend", "za"))
    register.submit("College", "College/s1", issue("c2"))
    register.declare("Agency/s1", theft)
    assert not holds(register, "c2")


@told(Rule.STATED_AGAIN)
def a_thiefs_ending_does_not_take_the_place_of_the_owners(settings: Settings) -> None:
    """The thief of College/s1 supersedes a forged credential before the College can revoke it."""
    register = begun(settings)
    theft = register.submit("College", "College/s1", issue("c2"), by="thief")
    replaced = change("supersede", "c1", "c2")
    register.submit("College", "College/s1", replaced, by="thief")
    register.submit("College", "College/s2", change("revoke", "c1"))
    register.declare("College/s1", theft)
    assert register.status("c1") == "revoked"


@told()
def a_lighter_sanction_after_a_thiefs_needs_every_status(settings: Settings) -> None:
    """A thief withdraws, the owner only suspends: refused today, and lost with the declaration."""
    for every_status in (False, True):
        register = begun(replace(settings, every_status=every_status))
        theft = register.submit("Agency", "Agency/s1", change("withdraw", "za"), by="thief")
        answer = register.attempt("Agency", "Agency/s2", change("suspend", "za"))
        assert answer == (ADMITTED if every_status else "transition")
        register.submit("College", "College/s1", issue("c2"))
        register.declare("Agency/s1", theft)
        assert holds(register, "c2") != every_status


@told(Rule.OWN_ACCREDITOR)
def an_uninvited_accreditor_names_nobody(settings: Settings) -> None:
    """Mint, recognised by the anchor, accredits the silent College, and names Puppet."""
    register = begun(settings)
    register.submit("Ministry", "Ministry/s1", recognise("r2", "Mint"))
    register.submit("Mint", "Mint/s1", accredit("z2", "College"), by="stranger")
    register.submit("Mint", "Mint/s1", Succeeded("College", "Puppet"), by="stranger")
    register.attempt("Puppet", "Puppet/s1", change("revoke", "c1"), days=31, by="stranger")
    assert holds(register)


@told(Rule.ANCHORED_SPEAKER)
def an_accreditor_that_leads_to_no_anchor_is_not_heard(settings: Settings) -> None:
    """The Agency lost its recognition; then it names Puppet for the College."""
    register = begun(settings)
    disgraced(register)
    register.submit("Agency", "Agency/s1", Succeeded("College", "Puppet"))
    register.submit("Puppet", "Puppet/s1", change("revoke", "c1"), days=31)
    assert holds(register)


@told(Rule.BARS_NOBODY)
def a_successor_bars_nobody_whom_another_named(settings: Settings) -> None:
    """Puppet, of a disgraced Agency, revokes; the College's own successor suspends."""
    register = begun(settings)
    register.submit("Ministry", "Ministry/s1", registered("Heir", "Ministry", "provider"))
    disgraced(register)
    register.submit("Agency", "Agency/s1", Succeeded("College", "Puppet"))
    register.submit("College", "College/s1", Succeeded("College", "Heir"), Closed())
    register.submit("Puppet", "Puppet/s1", change("revoke", "c1"))
    assert holds(register), "a disgraced accreditor's successor is not heard"
    register.submit("Heir", "Heir/s1", change("suspend", "c1"))
    assert not holds(register)


@told(Rule.NOTICE)
def a_succession_waits_thirty_days(settings: Settings) -> None:
    """The Agency names Puppet for the College, which has not closed and would object."""
    register = begun(settings)
    register.submit("Agency", "Agency/s1", Succeeded("College", "Puppet"))
    register.attempt("Puppet", "Puppet/s1", change("revoke", "c1"), days=29)
    assert holds(register)


@told(Rule.OBJECTION)
def an_objection_ends_what_others_said_for_good(settings: Settings) -> None:
    """The College objects in time, and closes later: Puppet still does not act."""
    register = begun(settings)
    register.submit("Agency", "Agency/s1", Succeeded("College", "Puppet"))
    register.submit("College", "College/s1", Objected(), days=29)
    register.submit("College", "College/s1", Closed(), days=2)
    register.attempt("Puppet", "Puppet/s1", change("revoke", "c1"))
    assert holds(register)


@told()
def an_objection_undoes_nothing(settings: Settings) -> None:
    """What the successor did before the objection stays; it does nothing more."""
    register = begun(settings)
    register.submit("Agency", "Agency/s1", Succeeded("College", "Puppet"))
    register.submit("Puppet", "Puppet/s1", change("suspend", "c1"), days=30)
    register.submit("College", "College/s1", Objected())
    assert register.status("c1") == "suspended"
    answer = register.attempt("Puppet", "Puppet/s1", change("revoke", "c1"))
    assert answer == "credential-of-another"


@told()
def the_rightful_successor_acts(settings: Settings) -> None:
    """The accreditor's successor revokes after 30 days, and one named after an objection."""
    register = begun(settings)
    register.submit("College", "College/s1", Objected())
    register.submit("Agency", "Agency/s1", Succeeded("College", "Puppet"))
    register.submit("Puppet", "Puppet/s1", change("suspend", "c1"), days=30)
    assert not holds(register)
    last = acts(register.world, "credential", "c1")[-1]
    assert (last.actor, last.acted_for) == ("Puppet", ("Agency",))
    assert register.status("c1", nobody) == "active", "by the owner and whom it named"
    foreign = register.attempt("Puppet", "Puppet/s1", change("suspend", "za"))
    assert foreign == "accreditation-of-another", "only of that credential"


@told()
def an_objection_does_not_end_what_its_owner_said(settings: Settings) -> None:
    """The College names Heir, then objects to what others say: Heir may act."""
    register = begun(settings)
    register.submit("College", "College/s1", Succeeded("College", "Puppet"))
    register.submit("College", "College/s1", Objected())
    register.submit("Puppet", "Puppet/s1", change("revoke", "c1"), days=30)
    assert not holds(register)


@told()
def a_grant_is_restated_by_its_signer_alone(settings: Settings) -> None:
    """Mint restates what the Agency vouches for; later the Agency itself does."""
    register = begun(settings)
    restated = Restated("accreditation", "za", Words("Collage", "XX"))
    answer = register.attempt("Mint", "Mint/s1", restated, by="stranger")
    assert answer == "accreditation-of-another"
    register.submit("Agency", "Agency/s1", Restated("accreditation", "za", Words("New College")))
    assert holds(register), "an issuance is judged by the word in force at its position"
    register.submit("College", "College/s1", issue("c2"))
    assert register.verdict("c2", {"Ministry"}).checks["name"][0] == "refuted"


@told()
def a_thief_of_the_anchor_brings_in_a_famous_agency_for_nothing(settings: Settings) -> None:
    """A puppet authority enters with the anchor's stolen key; the theft is declared."""
    register = begun(settings)
    entry = registered("Famous", "Ministry", "authority", "accreditor")
    theft = register.submit("Ministry", "Ministry/s1", entry, by="thief")
    register.submit("Ministry", "Ministry/s1", recognise("rf", "Famous", "authority"), by="thief")
    register.submit("Famous", "Famous/s1", recognise("rg", "Mint"), by="stranger")
    mill(register, "m1")
    assert holds(register, "m1"), "until the theft is declared"
    register.declare("Ministry/s1", theft)
    mill(register, "m2")
    assert [holds(register, each) for each in ("m1", "m2", "c1")] == [False, False, True]
    # The honest authority later recognises that name as an accreditor: it makes no authority.
    register.submit("Ministry", "Ministry/s2", recognise("rh", "Famous"))
    mill(register, "m3")
    assert not holds(register, "m3")
