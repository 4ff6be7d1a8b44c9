"""Nobody acts on what is another's: sponsors, strangers, puppet successors, thieves."""

from __future__ import annotations

import pytest

from tests.trust_model.cast import accredit, begun, change, define, issue, recognise, registered
from tests.trust_model.events import Closed, KeyListed, KeyRetired, Objected, Succeeded
from tests.trust_model.events import KeyCompromised as Compromised
from tests.trust_model.gate import ADMITTED
from tests.trust_stories.conftest import OnLog, codes


def test_a_former_sponsor_has_no_power_over_anybodys_keys(on_log: OnLog) -> None:
    register = begun()
    register.submit("Ministry", "Ministry/s1", change("withdraw", "ra"))
    for who in ("Agency", "Ministry", "Rogue"):
        for event in (Compromised("College/s1", 1), KeyRetired("College/s1")):
            assert register.attempt(who, who, event) == "unknown-key"
    register.submit("Agency", "Agency", KeyListed("Agency/lent", "signing"))
    revoked = change("revoke", "c1")
    assert register.attempt("College", "Agency/lent", revoked) == "unknown-key"
    assert register.attempt("Agency", "Agency/lent", revoked) == "credential-of-another"
    register.submit("Agency", "Agency/s1", Closed())
    assert codes(on_log(register), "c1") == [0]


def test_an_organization_stands_whatever_becomes_of_its_sponsors_key(on_log: OnLog) -> None:
    register = begun()
    theft = register.submit("Ministry", "Ministry/s1", recognise("rt", "Mint"), by="thief")
    register.submit("Ministry", "Ministry/s1", registered("Agency2", "Ministry", "accreditor"))
    register.submit("Ministry", "Ministry/s2", recognise("r2", "Agency2"))
    register.submit("Agency2", "Agency2/s1", registered("School", "Agency2", "provider"))
    register.submit("Agency2", "Agency2/s1", accredit("z2", "School"))
    register.submit("School", "School/s1", define("art"), issue("c2", "z2", "art"))
    register.declare("Ministry/s1", theft)
    register.submit("School", "School/s1", issue("c3", "z2", "art"))
    assert codes(on_log(register), "c1", "c2", "c3") == [0, 0, 0]


def test_a_puppet_successor_acts_for_nothing_before_and_after_the_declaration(
    on_log: OnLog,
) -> None:
    register = begun()
    naming = Succeeded("College", "Puppet")
    theft = register.submit("College", "College/s1", naming, Closed(), by="thief")
    register.submit("Puppet", "Puppet/s1", change("revoke", "c1"), by="stranger")
    believed = on_log(register)
    register.declare("College/s1", theft)
    answer = register.attempt("Puppet", "Puppet/s1", change("revoke", "c1"), days=31)
    assert answer == "credential-of-another"
    register.submit("College", "College/s2", issue("c2"))
    assert codes(believed, "c1") == [1], "until the theft is declared"
    assert codes(on_log(register), "c1", "c2") == [0, 0]


def test_a_successor_is_heard_only_while_its_accreditor_leads_to_an_anchor(
    on_log: OnLog,
) -> None:
    register = begun()
    register.submit("Ministry", "Ministry/s1", change("withdraw", "ra"))
    register.submit("Agency", "Agency/s1", Succeeded("College", "Puppet"))
    register.submit("Puppet", "Puppet/s1", change("revoke", "c1"), days=31, by="stranger")
    published = on_log(register)
    assert codes(published, "c1") == [0]
    shown = published.evidence("c1", anchors={"Agency"})
    assert published.report("c1", shown).exit_code == 0, "what others are shown is not heard"
    assert published.report("c1", shown, anchors={"Agency"}).exit_code == 1, "who trusts the Agency"


@pytest.mark.slow
@pytest.mark.parametrize("before", [(), (Closed(),)], ids=["open", "closed"])
def test_no_number_of_acts_by_successors_that_are_not_heard_keeps_an_answer_from_a_verifier(
    before: tuple[Closed, ...], on_log: OnLog
) -> None:
    register = begun()
    register.submit("Ministry", "Ministry/s1", change("withdraw", "ra"))
    # Evidence shows the acts, since another root authority still recognises the accreditor.
    register.submit("Rogue", "Rogue/s1", recognise("rx", "Agency"), by="stranger")
    puppets = [f"Puppet{number}" for number in range(9)]
    entries = [registered(name, "Rogue", "provider") for name in puppets]
    register.submit("Rogue", "Rogue/s1", *entries, by="stranger")
    for event in before:
        register.submit("College", "College/s1", event)
    for name, key in zip(puppets, (*["s1"] * 8, "s2"), strict=True):
        register.submit("Agency", f"Agency/{key}", Succeeded("College", name), by="stranger")
    for day in range(8):
        for name in puppets:
            puppet_suspends = change("suspend", "c1")
            days = 31 if (day, name) == (0, puppets[0]) else 1 / 9
            register.submit(name, f"{name}/s1", puppet_suspends, days=days, by="stranger")
    published = on_log(register, thoroughly=False)
    assert codes(published, "c1") == [0]
    assert published.report("c1", anchors={"Rogue"}).exit_code == 1, "who trusts the Rogue"


def test_an_objection_ends_a_succession_that_another_named(on_log: OnLog) -> None:
    register = begun()
    register.submit("Agency", "Agency/s1", Succeeded("College", "Puppet"))
    register.submit("College", "College/s1", Objected(), days=29)
    answer = register.attempt("Puppet", "Puppet/s1", change("revoke", "c1"), days=40)
    assert answer == "credential-of-another"
    assert codes(on_log(register), "c1") == [0]


def test_a_thief_who_sanctions_first_keeps_no_owner_from_it(on_log: OnLog) -> None:
    register = begun()
    register.submit("College", "College/s2", issue("c2"), issue("c3"))
    theft = register.submit("College", "College/s1", change("revoke", "c1"), by="thief")
    register.submit("College", "College/s1", change("suspend", "c2"), by="thief")
    register.submit("Agency", "Agency/s2", accredit("z2", "College"))
    suspended = register.submit("Agency", "Agency/s1", change("suspend", "z2"), by="thief")
    register.submit("College", "College/s2", change("revoke", "c1"), change("suspend", "c2"))
    register.submit("Agency", "Agency/s2", change("suspend", "z2"))
    register.declare("College/s1", theft)
    register.declare("Agency/s1", suspended)
    register.submit("College", "College/s2", issue("c4", "z2"))
    assert codes(on_log(register), "c1", "c2", "c3", "c4") == [1, 1, 0, 1]


def test_an_uninvited_accreditor_overrides_no_country(on_log: OnLog) -> None:
    register = begun(scoped=True)
    register.submit("Ministry", "Ministry/s1", recognise("r2", "Mint"))
    foreign = accredit("zx", "College", country="XX")
    register.submit("Mint", "Mint/s1", foreign, by="stranger")
    register.submit("College", "College/s1", issue("c2"))
    assert codes(on_log(register), "c2") == [0]


def test_strangers_take_no_id_that_fell(on_log: OnLog) -> None:
    register = begun()
    granted = register.submit("Agency", "Agency/s1", accredit("z2", "College"))
    issued = register.submit("College", "College/s1", issue("c2", "z2"), define("art"))
    register.declare("Agency/s1", granted)
    register.declare("College/s1", issued)
    squatted = (
        ("Mint", accredit("z2", "Mill")),
        ("Mill", issue("c2", "zm", "grind")),
        ("Mill", define("art")),
    )
    for who, event in squatted:
        assert register.attempt(who, f"{who}/s1", event, by="stranger") == "id-taken"
    register.submit("Agency", "Agency/s2", accredit("z2", "College"))
    register.submit("College", "College/s2", issue("c2", "z2"), define("art"))
    register.submit("College", "College/s2", issue("c3", "z2", "art"))
    assert codes(on_log(register), "c1", "c2", "c3") == [0, 0, 0]


def test_suspend_and_reinstate_for_ever_ends_soon(on_log: OnLog) -> None:
    register = begun()
    theft = register.size
    tried = [
        register.attempt("Agency", "Agency/s1", change(verb, "za"), by="thief")
        for _ in range(50)
        for verb in ("suspend", "reinstate")
    ]
    assert tried.count(ADMITTED) == 8
    register.declare("Agency/s1", theft)
    register.submit("College", "College/s1", issue("c2"))
    assert codes(on_log(register, thoroughly=False), "c1", "c2") == [0, 0]


def test_revisions_for_ever_end_soon(on_log: OnLog) -> None:
    register = begun()
    theft = register.size
    tried = [
        register.attempt("College", "College/s1", define("soil", 2 + number), by="thief")
        for number in range(80)
    ]
    assert tried.count(ADMITTED) == 64
    register.declare("College/s1", theft)
    register.submit("College", "College/s2", define("soil", 66), issue("c2", version=66))
    assert codes(on_log(register, thoroughly=False), "c1", "c2") == [0, 0]


def test_grants_that_nobody_asked_for_take_no_role_away(on_log: OnLog) -> None:
    register = begun()
    register.submit("Ministry", "Ministry/s1", registered("State", "Ministry", "endorser"))
    register.submit("Agency", "Agency/s1", accredit("zs", "State"))
    junk = [f"Mint/u{number}" for number in range(5)]
    register.submit("Mint", "Mint", *(KeyListed(key, "signing") for key in junk))
    for key in junk:
        grants = [accredit(f"{key}.{number}", "State") for number in range(14)]
        register.submit("Mint", key, *grants, by="stranger")
    register.submit("Mint", "Mint", *(Compromised(key, 3) for key in junk), by="stranger")
    register.submit("State", "State/s1", define("art"), issue("c2", "zs", "art"))
    assert codes(on_log(register, thoroughly=False), "c2") == [0]
