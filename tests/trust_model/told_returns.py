"""Told stories about what fell and was written again: what was said meanwhile, and of whom."""

from __future__ import annotations

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
from tests.trust_model.events import Restated, Succeeded, Words
from tests.trust_model.settings import Settings
from tests.trust_model.status import nobody
from tests.trust_model.story import Register
from tests.trust_model.told import told


def mint_recognised(settings: Settings) -> Register:
    """Return a register in which the anchor recognises Mint as well."""
    register = begun(settings)
    register.submit("Ministry", "Ministry/s1", recognise("r2", "Mint"))
    return register


@told()
def a_suspension_does_not_wait_for_its_credential_to_come_back(settings: Settings) -> None:
    """c2 was suspended, then its issuance fell; issued anew it is active."""
    register = begun(settings)
    issued = register.submit("College", "College/s1", issue("c2"))
    register.submit("College", "College/s2", change("suspend", "c2"))
    register.declare("College/s1", issued)
    assert register.status("c2") is None
    register.submit("College", "College/s2", issue("c2"))
    assert register.status("c2") == "active"
    assert holds(register, "c2")


@told()
def words_do_not_wait_for_their_grant_to_come_back(settings: Settings) -> None:
    """The Agency restated what it says; the grant fell and is written again as it was."""
    register = begun(settings)
    granted = register.submit("Agency", "Agency/s1", accredit("z2", "College"))
    restated = Restated("accreditation", "z2", Words("Collage", "XX"))
    register.submit("Agency", "Agency/s2", restated)
    register.declare("Agency/s1", granted)
    register.submit("Agency", "Agency/s2", accredit("z2", "College"))
    register.submit("College", "College/s1", issue("c2", "z2"))
    assert holds(register, "c2"), "it is called College, as the grant says"


@told()
def who_named_a_successor_before_the_accreditation_counted_named_nobody(settings: Settings) -> None:
    """Mint names Puppet under a grant that falls, and grants the same again afterwards."""
    register = mint_recognised(settings)
    granted = register.submit("Mint", "Mint/s1", accredit("z2", "College"))
    register.submit("Mint", "Mint/s2", Succeeded("College", "Puppet"))
    register.declare("Mint/s1", granted)
    register.submit("Mint", "Mint/s2", accredit("z2", "College"))
    register.submit("College", "College/s1", issue("c2", "z2"))
    revoked = change("revoke", "c2")
    assert register.attempt("Puppet", "Puppet/s1", revoked, days=31) == "credential-of-another"
    assert holds(register, "c2")


@told()
def a_successor_acted_for_nobody_before_the_accreditation_counted(settings: Settings) -> None:
    """Puppet revokes c2, whose accreditation falls and comes back only after the revocation."""
    register = mint_recognised(settings)
    register.submit("Mint", "Mint/s2", accredit("z3", "College"))
    granted = register.submit("Mint", "Mint/s1", accredit("z2", "College"))
    register.submit("College", "College/s1", issue("c2", "z2"))
    register.submit("Mint", "Mint/s2", Succeeded("College", "Puppet"))
    register.submit("Puppet", "Puppet/s1", change("revoke", "c2"), days=31)
    assert register.verdict("c2", ANCHORS).checks["status"][0] == "refuted"
    register.declare("Mint/s1", granted)
    register.submit("Mint", "Mint/s2", accredit("z2", "College"))
    assert register.verdict("c2", ANCHORS).checks["status"][0] == "holds"
    assert register.status("c2", nobody) == "active"


@told()
def a_grant_that_fell_gives_no_role(settings: Settings) -> None:
    """A thief of Ministry/s1 makes State an authority, and of Agency/s1 a provider of it."""
    register = begun(settings)
    register.submit("Ministry", "Ministry/s1", registered("State", "Ministry", "endorser"))
    theft = register.submit("Ministry", "Ministry/s1", recognise("rs", "State", "authority"))
    granted = register.submit("Agency", "Agency/s1", accredit("zs", "State"))
    register.submit("State", "State/s1", recognise("rx", "Mint"))
    register.submit("State", "State/s1", define("art"))
    register.declare("Ministry/s1", theft)
    register.declare("Agency/s1", granted)
    assert register.attempt("State", "State/s1", recognise("ry", "Mint")) == "role"
    assert register.attempt("State", "State/s1", define("paint")) == "role"


@told()
def a_successor_that_ended_a_credential_does_not_reinstate_it(settings: Settings) -> None:
    """What Puppet itself said bars Puppet; an act for another speaker it does not bar."""
    register = begun(settings)
    register.submit("Agency", "Agency/s1", Succeeded("College", "Puppet"))
    register.submit("Puppet", "Puppet/s1", change("revoke", "c1"), days=31)
    assert register.attempt("Puppet", "Puppet/s1", change("reinstate", "c1")) == "transition"
    register.submit("College", "College/s1", change("suspend", "c1"))


@told()
def a_recognition_is_as_old_as_where_it_counts(settings: Settings) -> None:
    """Of two recognitions the older one fell and came back: now the other one is the older."""
    register = begun(settings)
    fallen = register.submit("Ministry", "Ministry/s1", recognise("r2", "Mint"))
    register.submit("Ministry", "Ministry/s2", recognise("r3", "Mint"))
    register.declare("Ministry/s1", fallen)
    register.submit("Ministry", "Ministry/s2", recognise("r2", "Mint"))
    mill(register, "m1")
    assert register.verdict("m1", ANCHORS).path == ("r3",)
