"""A thief of an anchor's key, or a crowd that recognises without end, gives nobody a chain."""

from __future__ import annotations

import pytest

from tests.trust_model.cast import accredit, begun, change, issue, mill, recognise, registered
from tests.trust_model.events import KeyListed, Updated
from tests.trust_model.gate import ADMITTED
from tests.trust_model.told_chains import steal_the_anchor
from tests.trust_stories.conftest import OnLog, codes


@pytest.mark.slow
@pytest.mark.parametrize("hops", range(4))
def test_puppets_of_a_stolen_anchor_key_fall_before_and_after_the_declaration(
    hops: int, on_log: OnLog
) -> None:
    register = begun()
    theft = steal_the_anchor(register, hops)
    mill(register, "m1")
    believed = on_log(register)
    register.declare("Ministry/s1", theft)
    mill(register, "m2")
    for number in range(hops):
        again = recognise(f"rq{number}", "Mint")
        name = f"Puppet{number}"
        register.submit(name, f"{name}/s1", again, by="stranger")
    mill(register, "m3")
    assert codes(believed, "m1", "c1") == [0, 0], "until the theft is declared"
    assert codes(on_log(register), "m1", "m2", "m3", "c1") == [1, 1, 1, 0]


def test_a_famous_agency_is_its_founding_key_even_if_a_thief_enters_one_of_its_name(
    on_log: OnLog,
) -> None:
    register = begun()
    theft = register.size
    shadow = registered("Shadow", "Ministry", "authority", "accreditor")
    register.submit("Ministry", "Ministry/s1", shadow, by="thief")
    puppet = recognise("rs", "Shadow", "authority")
    register.submit("Ministry", "Ministry/s1", puppet, by="thief")
    false = registered("False", "Shadow", "accreditor")
    register.submit("Shadow", "Shadow/s1", false, recognise("rx", "False"), by="stranger")
    register.submit("False", "False/s1", Updated("Famous"), by="stranger")
    # The famous agency itself asked the puppet to bring it in, and stands by its own signature.
    register.submit("Shadow", "Shadow/s1", registered("Famous", "Shadow", "accreditor"))
    register.declare("Ministry/s1", theft)
    register.submit("Ministry", "Ministry/s2", recognise("rf", "Famous"))
    register.submit("False", "False/s1", accredit("zx", "Mill"), by="stranger")
    register.submit("Famous", "Famous/s1", accredit("zf", "College"))
    mill(register, "m1", "zx")
    register.submit("College", "College/s1", issue("c2", "zf"))
    assert codes(on_log(register), "m1", "c1", "c2") == [1, 0, 0]


@pytest.mark.slow
def test_a_hundred_puppet_authorities_hide_no_good_recognition(on_log: OnLog) -> None:
    register = begun()
    names = [f"Shadow{number}" for number in range(100)]
    register.submit(
        "Rogue", "Rogue/s1", *(registered(each, "Rogue", "authority") for each in names)
    )
    for name in names:
        register.submit(name, f"{name}/s1", recognise(f"r{name}", "Agency"), by="stranger")
    register.submit("College", "College/s1", issue("c2"))
    published = on_log(register, thoroughly=False)
    assert codes(published, "c2") == [0]
    before, after = (len(published.evidence(each).submissions) for each in ("c1", "c2"))
    assert after == before, "strangers lengthen nothing"


@pytest.mark.slow
def test_junk_recognitions_by_a_stolen_key_refuse_no_renewal(on_log: OnLog) -> None:
    register = begun()
    theft = register.size
    answers = [
        register.attempt("Ministry", "Ministry/s1", recognise(f"rj{number}", "Agency"), by="thief")
        for number in range(999)
    ]
    assert answers.count(ADMITTED) == 15, "16 for one subject, and the first was the owner's"
    register.declare("Ministry/s1", theft)
    register.submit("Ministry", "Ministry/s2", change("withdraw", "ra"))
    register.submit("Ministry", "Ministry/s2", recognise("r2", "Agency"))
    register.submit("College", "College/s1", issue("c2"))
    assert codes(on_log(register, thoroughly=False), "c1", "c2") == [0, 0]


def test_updates_of_an_authority_lengthen_no_evidence(on_log: OnLog) -> None:
    register = begun()
    keys = [f"Ministry/u{number}" for number in range(14)]
    register.submit("Ministry", "Ministry", *(KeyListed(key, "signing") for key in keys))
    register.submit("College", "College/s1", issue("c2"))
    answers = [
        register.attempt("Ministry", key, Updated("Ministry")) for key in keys for _ in range(9)
    ]
    assert answers.count(ADMITTED) == 64, "8 of each of 8 keys, and then none of any"
    assert set(answers) == {ADMITTED, "status-event-count"}
    register.submit("College", "College/s1", issue("c3"))
    published = on_log(register, thoroughly=False)
    assert codes(published, "c1", "c2", "c3") == [0, 0, 0]
    lengths = {len(published.evidence(each).submissions) for each in ("c1", "c2", "c3")}
    assert len(lengths) == 1


def test_who_is_recognised_as_an_accreditor_recognises_nobody(on_log: OnLog) -> None:
    register = begun()
    double = registered("Double", "Rogue", "accreditor", "authority")
    register.submit("Rogue", "Rogue/s1", double, by="stranger")
    register.submit("Ministry", "Ministry/s1", recognise("rd", "Double"))
    register.submit("Double", "Double/s1", recognise("rx", "Mint"), by="stranger")
    mill(register, "m1")
    register.submit("Double", "Double/s1", accredit("z2", "College"))
    register.submit("College", "College/s1", issue("c2", "z2"))
    assert codes(on_log(register), "m1", "c2") == [1, 0]


def test_without_anchors_the_roots_are_used_and_named(on_log: OnLog) -> None:
    register = begun()
    mill(register, "m1")
    published = on_log(register)
    report = published.report("m1", anchors=())
    assert report.exit_code == 0, "the rogue root authority is one of the genesis"
    assert codes(published, "m1") == [1]
