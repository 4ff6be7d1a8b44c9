"""Told stories about chains, accreditations, names and what the credential itself says."""

from __future__ import annotations

from dataclasses import replace

from tests.trust_model.cast import (
    ANCHORS,
    LEVEL,
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
from tests.trust_model.events import Definition, RecognitionGranted, Scope, Term, Updated, Words
from tests.trust_model.settings import Rule, Settings
from tests.trust_model.story import Register
from tests.trust_model.told import told
from tests.trust_model.verdict import verdict


def authorities(register: Register, *names: str) -> None:
    """Let each recognise the next as an authority, from the Ministry on."""
    before = "Ministry"
    for name in names:
        entry = registered(name, "Ministry", "authority", "accreditor")
        register.submit("Ministry", "Ministry/s1", entry)
        register.submit(before, f"{before}/s1", recognise(f"r-{name}", name, "authority"))
        before = name


@told(Rule.RECOGNISED_AS)
def an_accreditor_recognises_nobody(settings: Settings) -> None:
    """The Ministry recognises, as accreditor, one that a rogue sponsor gave both roles."""
    register = begun(settings)
    entry = registered("Double", "Rogue", "accreditor", "authority")
    register.submit("Rogue", "Rogue/s1", entry, by="stranger")
    register.submit("Ministry", "Ministry/s1", recognise("rd", "Double"))
    register.submit("Double", "Double/s1", recognise("rx", "Mint"), by="stranger")
    mill(register, "m1")
    assert not holds(register, "m1")


@told()
def roles_say_nothing_about_what_counts(settings: Settings) -> None:
    """A recognition as authority makes one of an organization that was registered otherwise."""
    register = begun(settings)
    register.submit("Ministry", "Ministry/s1", registered("State", "Ministry", "endorser"))
    answer = register.attempt("State", "State/s1", recognise("rs", "Mint"))
    assert answer == "role"
    register.submit("Ministry", "Ministry/s1", recognise("rt", "State", "authority"))
    register.submit("State", "State/s1", recognise("rs", "Mint"))
    mill(register, "m1")
    assert holds(register, "m1")


@told(Rule.CHAIN_LENGTH)
def a_chain_has_at_most_four_recognitions(settings: Settings) -> None:
    """Three authorities and the accreditor make four; one authority more is too far."""
    register = begun(settings)
    authorities(register, "N1", "N2", "N3", "N4")
    register.submit("N4", "N4/s1", recognise("r5", "Mint"))
    mill(register, "m1")
    assert not holds(register, "m1")
    register.submit("N3", "N3/s1", recognise("r4", "Mint"))
    mill(register, "m2")
    found = register.verdict("m2", ANCHORS)
    assert found.holds
    assert found.path == ("r-N1", "r-N2", "r-N3", "r4")


@told(Rule.AT_ISSUANCE)
def what_was_in_force_at_the_issuance_counts(settings: Settings) -> None:
    """Accreditation and recognition are withdrawn later: what was issued before holds."""
    register = begun(settings)
    register.submit("Agency", "Agency/s1", change("withdraw", "za"))
    register.submit("Ministry", "Ministry/s1", change("withdraw", "ra"))
    assert holds(register)
    register.submit("College", "College/s1", issue("c2"))
    assert not holds(register, "c2")


@told()
def every_link_must_be_in_force_on_the_day(settings: Settings) -> None:
    """A chain of three with terms: it holds while all of them run, and not a day longer."""
    register = begun(settings)
    authorities(register, "N1")
    register.submit("N1", "N1/s1", recognise("r2", "Mint", term=Term(2, 5)))
    register.submit("Mint", "Mint/s1", accredit("z2", "Mill", term=Term(0, 4)), days=0.5)
    for day, credential in ((1, "m1"), (2, "m2"), (4, "m4"), (5, "m5"), (6, "m6")):
        left = day - register.now / 86_400_000
        mill(register, credential, "z2", days=max(left, 0))
    held = [holds(register, each) for each in ("m1", "m2", "m4", "m5", "m6")]
    assert held == [False, True, True, False, False]


@told()
def every_link_must_cover_the_issuance(settings: Settings) -> None:
    """Each of the three links leaves out one level; only what all of them cover holds."""
    register = begun(settings)
    authorities(register, "N1")
    register.submit("N1", "N1/s1", recognise("r2", "Mint", levels=(4, 5)))
    register.submit("Mint", "Mint/s1", accredit("z2", "Mill", levels=(5, 6)))
    for level in (4, 5, 6):
        register.submit("Mill", "Mill/s1", define(f"level{level}", level=level))
        register.submit("Mill", "Mill/s1", issue(f"m{level}", "z2", f"level{level}"))
    assert [holds(register, f"m{level}") for level in (4, 5, 6)] == [False, True, False]


@told()
def a_hundred_bad_recognitions_hide_no_good_one(settings: Settings) -> None:
    """Puppet authorities, withdrawn, expired and narrow recognitions stand beside it."""
    register = begun(settings)
    for number in range(8):
        name = f"Shadow{number}"
        register.submit("Rogue", "Rogue/s1", registered(name, "Rogue", "authority"))
        register.submit(name, f"{name}/s1", *(recognise(f"r{name}{n}", "Agency") for n in range(8)))
    expired = recognise("rx", "Agency", term=Term(0, 0))
    narrow = recognise("ry", "Agency", levels=(1,))
    register.submit("Ministry", "Ministry/s1", expired, narrow, recognise("rw", "Agency"))
    register.submit("Ministry", "Ministry/s1", change("withdraw", "rw"))
    register.submit("College", "College/s1", issue("c2"))
    assert register.verdict("c2", ANCHORS).path == ("ra",)


@told(Rule.CHAIN_IS_HEARD)
def an_uninvited_accreditor_does_not_override_a_country(settings: Settings) -> None:
    """Mint, anchored too, accredits the College uninvited and says that it is elsewhere."""
    register = begun(settings, scoped=True)
    register.submit("Ministry", "Ministry/s1", recognise("r2", "Mint"))
    foreign = accredit("zx", "College", country="XX")
    register.submit("Mint", "Mint/s1", foreign, by="stranger")
    register.submit("College", "College/s1", issue("c2"))
    assert holds(register, "c2")


@told(Rule.CHAIN_IS_HEARD)
def a_mill_is_not_called_famous_by_a_stranger(settings: Settings) -> None:
    """A rogue accreditor vouches for a famous name; an honest one accredits the mill's key."""
    register = begun(settings)
    famous = replace(accredit("zf", "Mill"), words=Words("Famous University"))
    register.submit("Mint", "Mint/s1", famous, by="stranger")
    register.submit("Agency", "Agency/s1", accredit("z2", "Mill"))
    mill(register, "m1", "z2")
    shown = replace(register.present("m1"), issuer_name="Famous University")
    assert holds(register, "m1")
    assert verdict(register.world, shown, ANCHORS).checks["name"][0] == "refuted"


@told(Rule.LOGGED_FACTS)
def the_credential_says_what_was_logged(settings: Settings) -> None:
    """A doctoral degree of level 8 and 360 credits under a micro-credential of level 6."""
    register = begun(settings)
    shown = register.present("c1")
    for facts in (
        Definition(8),
        Definition(LEVEL, "DoctoralDegree"),
        Definition(LEVEL, workload=3600),
    ):
        found = verdict(register.world, replace(shown, facts=facts), ANCHORS)
        assert found.outcome == "refuted"


@told()
def an_unknown_issuer_id_cannot_be_checked(settings: Settings) -> None:
    """Only the DID, and what the accreditor of the credential vouches for, name the issuer."""
    register = begun(settings)
    shown = register.present("c1")
    web = replace(shown, issuer_id="did:web:college.example")
    assert verdict(register.world, web, ANCHORS).checks["issuer"][0] == "unchecked"
    words = Words("College", other_ids=("did:web:college.example",))
    vouched = replace(accredit("z2", "College"), words=words)
    register.submit("Agency", "Agency/s1", vouched)
    register.submit("College", "College/s1", issue("c2", "z2"))
    web = replace(register.present("c2"), issuer_id="did:web:college.example")
    assert verdict(register.world, web, ANCHORS).holds


@told()
def nobody_vouches_for_the_key_of_another(settings: Settings) -> None:
    """An accreditor's word would else make a famous organization the issuer."""
    register = begun(settings)
    words = Words("College", other_ids=("Ministry", "College/s1"))
    register.submit("Agency", "Agency/s1", replace(accredit("z2", "College"), words=words))
    register.submit("College", "College/s1", issue("c2", "z2"))
    for key, outcome in (("Ministry", "unchecked"), ("College/s1", "holds")):
        shown = replace(register.present("c2"), issuer_id=key)
        assert verdict(register.world, shown, ANCHORS).checks["issuer"][0] == outcome


@told()
def a_conclusion_is_no_stronger_than_its_premises(settings: Settings) -> None:
    """A credential whose issuance fell: nothing about it is called good."""
    register = begun(settings)
    issued = register.log[-1]
    register.declare("College/s1", issued)
    checks = register.verdict("c1", ANCHORS).checks
    assert checks["signature"][0] == "refuted"
    assert {outcome for name, (outcome, _) in checks.items() if name != "signature"} == {
        "unchecked"
    }


@told()
def its_own_proof_is_by_a_signing_key_of_that_moment(settings: Settings) -> None:
    """A recovery key, a key listed later and a stranger's key prove nothing."""
    register = begun(settings)
    shown = register.present("c1")
    for name, outcome in (
        ("College/s2", "holds"),
        ("College/r1", "refuted"),
        ("College", "refuted"),
        ("Mill/s1", "refuted"),
    ):
        found = verdict(register.world, replace(shown, proof_key=name), ANCHORS)
        assert found.checks["proof"][0] == outcome


@told()
def the_mill_does_not_borrow_an_accreditation(settings: Settings) -> None:
    """The Mill names the College's accreditation, and an accreditation of the College falls."""
    register = begun(settings)
    answer = register.attempt("Mill", "Mill/s1", issue("m1", "za", "grind"))
    assert answer == "accreditation-of-another"
    register.submit("Mill", "Mill/s1", issue("m2", None, "grind"))
    assert not holds(register, "m2")


def steal_the_anchor(register: Register, hops: int) -> int:
    """Let a thief of Ministry/s1 bring in a chain of puppets with Mint at its end."""
    theft, before = register.size, "Ministry"
    for hop in range(hops):
        name = f"Puppet{hop}"
        entry = registered(name, "Ministry", "authority", "accreditor")
        register.submit("Ministry", "Ministry/s1", entry, by="thief")
        granted = recognise(f"r-{name}", name, "authority")
        register.submit(before, f"{before}/s1", granted, by="thief")
        before = name
    register.submit(before, f"{before}/s1", recognise("rp", "Mint"), by="thief")
    return theft


@told()
def puppets_of_any_number_of_hops_fall_with_the_theft(settings: Settings) -> None:
    """The anchor's key is stolen; none, one, two or three puppets stand between it and Mint."""
    for hops in range(4):
        register = begun(settings)
        theft = steal_the_anchor(register, hops)
        mill(register, "m1")
        assert holds(register, "m1"), "until the theft is declared"
        register.declare("Ministry/s1", theft)
        mill(register, "m2")
        for number in range(hops):
            again = recognise(f"rq{number}", "Mint")
            name = f"Puppet{number}"
            register.submit(name, f"{name}/s1", again, by="stranger")
        mill(register, "m3")
        assert [holds(register, each) for each in ("m1", "m2", "m3", "c1")] == [False] * 3 + [True]


@told()
def what_an_organization_calls_itself_is_not_heard(settings: Settings) -> None:
    """The Mill calls itself a famous university; an honest accreditor accredits its key."""
    register = begun(settings)
    register.submit("Mill", "Mill/s1", Updated("Famous University"), by="stranger")
    register.submit("Agency", "Agency/s1", accredit("z2", "Mill"))
    mill(register, "m1", "z2")
    shown = replace(register.present("m1"), issuer_name="Famous University")
    assert verdict(register.world, shown, ANCHORS).checks["name"][0] == "refuted"


@told()
def a_chain_of_four_has_dates_and_scopes_in_every_link(settings: Settings) -> None:
    """Each link in turn ends, or leaves the level out: without it the chain does not hold."""
    for weak in ("r-N1", "r-N2", "r-N3", "r4"):
        for term, levels in ((Term(0, 0), None), (Term(9), None), (Term(), (1,))):
            register = begun(settings)
            authorities(register, "N1", "N2", "N3")
            register.submit("N3", "N3/s1", recognise("r4", "Mint"))
            strong = register.world.things["recognition", weak, 1]
            owner, event = strong.owner, strong.event
            assert isinstance(event, RecognitionGranted)
            mill(register, "m1")
            register.submit(owner, f"{owner}/s1", change("withdraw", weak))
            again = replace(event, recognition="rw", term=term, scope=Scope(levels=levels))
            register.submit(owner, f"{owner}/s1", again)
            mill(register, "m2")
            assert [holds(register, each) for each in ("m1", "m2")] == [True, False]


@told()
def what_is_written_again_later_does_not_help_earlier(settings: Settings) -> None:
    """A definition and an accreditation fall, and come back only after the issuance."""
    register = begun(settings)
    register.submit("College", "College/s2", define("art"))
    defined = register.log[-1]
    granted = register.submit("Agency", "Agency/s2", accredit("z2", "College"))
    register.submit("College", "College/s1", issue("c2", "za", "art"), issue("c3", "z2"))
    register.declare("College/s2", defined)
    register.declare("Agency/s2", granted)
    register.submit("College", "College/s1", define("art"))
    register.submit("Agency", "Agency/s1", accredit("z2", "College"))
    register.submit("College", "College/s1", issue("c4", "z2", "art"))
    assert [holds(register, each) for each in ("c2", "c3", "c4")] == [False, False, True]


@told()
def an_accreditation_that_is_over_is_refuted_whatever_became_of_the_definition(
    settings: Settings,
) -> None:
    """Scope is judged by the definition; a term and a withdrawal need none."""
    register = begun(settings)
    register.submit("College", "College/s2", define("art"))
    defined = register.log[-1]
    over = replace(accredit("z2", "College"), term=Term(0, 0))
    register.submit("Agency", "Agency/s1", over, accredit("z3", "College"))
    register.submit("College", "College/s1", issue("c2", "z2", "art"), issue("c3", "z3", "art"))
    register.declare("College/s2", defined)
    found = {
        each: verdict(register.world, register.present(each), ANCHORS).checks["accreditation"][0]
        for each in ("c2", "c3")
    }
    assert found == {"c2": "refuted", "c3": "unchecked"}
