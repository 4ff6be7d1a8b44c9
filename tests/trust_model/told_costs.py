"""Told stories about costs: what a thief spends is bounded, and is never missing to the owner."""

from __future__ import annotations

from tests.trust_model.cast import (
    accredit,
    begun,
    change,
    define,
    holds,
    issue,
    recognise,
    registered,
)
from tests.trust_model.events import (
    Closed,
    KeyCompromised,
    KeyListed,
    KeyRetired,
    RecognitionGranted,
    Succeeded,
    Updated,
)
from tests.trust_model.evidence import histories, length
from tests.trust_model.gate import ADMITTED
from tests.trust_model.settings import Rule, Settings
from tests.trust_model.story import Register
from tests.trust_model.told import small, told

TIRED = 60
"""How often a thief tries before the story goes on."""


def spend_keys(register: Register, recovery: str, times: int = TIRED) -> None:
    """Let a thief list keys that say of themselves all they can, for ever."""
    for number in range(times):
        key = f"{recovery}.{number}"
        register.attempt("College", recovery, KeyListed(key, "signing"), by="thief")
        own = KeyRetired(key)
        for events in ((own,) * 6, (own, KeyCompromised(key))):
            register.attempt("College", key, *events, by="thief")


@told(Rule.FOUNDERS_RESERVE)
def the_founding_key_can_always_recover(settings: Settings) -> None:
    """Thieves of both recovery keys spend all they can; then the owner sets up anew."""
    register = begun(small(settings))
    theft = register.size
    for recovery in ("College/r1", "College/r2"):
        spend_keys(register, recovery)
    for recovery in ("College/r1", "College/r2"):
        register.declare(recovery, theft)
    for name in ("r3", "r4"):
        register.submit("College", "College", KeyListed(f"College/{name}", "recovery"))
    for name in ("s3", "s4"):
        register.submit("College", "College", KeyListed(f"College/{name}", "signing"))
    assert holds(register)


@told(Rule.KEY_SPENDS)
def a_thief_of_one_recovery_key_leaves_the_other_its_own(settings: Settings) -> None:
    """The thief of College/r1 lists and retires for ever; College/r2 still lists."""
    register = begun(small(settings))
    theft = register.size
    for number in range(TIRED):
        key = f"College/t{number}"
        register.attempt("College", "College/r1", KeyListed(key, "signing"), by="thief")
        register.attempt("College", "College/r1", KeyRetired(key), by="thief")
    register.declare("College/r1", theft)
    register.submit("College", "College/r2", KeyListed("College/s3", "signing"))


def spend_kept(register: Register, recovery: str, since: int) -> None:
    """Let a thief declare a key over and over, with as many submissions kept as are taken."""
    ranges = tuple((since + number, since + number) for number in range(3))
    for kept in (ranges, ranges[:1]):
        for _ in range(4):
            stolen = KeyCompromised("College/s1", since, kept)
            register.attempt("College", recovery, stolen, by="thief")


@told(Rule.KEPT_RESERVE)
def the_founding_key_can_always_keep_what_the_owner_signed(settings: Settings) -> None:
    """Thieves of both recovery keys keep all they can; then the owner keeps its own."""
    register = begun(small(settings))
    stolen = register.submit("College", "College/s1", define("fake"), by="thief")
    register.submit("College", "College/s1", Updated("College"), by="thief")
    owners = [
        register.submit("College", "College/s2", issue(f"c{number}")) for number in range(2, 6)
    ]
    for recovery in ("College/r1", "College/r2"):
        spend_kept(register, recovery, stolen.position)
    for recovery in ("College/r1", "College/r2"):
        register.declare(recovery, stolen)
    for _ in range(3):
        register.declare("College/s2", owners[0], kept=owners)
    assert holds(register, "c5")


@told(Rule.KEPT_SPENDS)
def a_thief_of_one_recovery_key_leaves_the_other_its_ranges(settings: Settings) -> None:
    """The thief of College/r1 keeps all it can; College/r2 still keeps what the owner signed."""
    register = begun(small(settings))
    stolen = register.submit("College", "College/s1", define("fake"), by="thief")
    register.submit("College", "College/s1", Updated("College"), by="thief")
    owners = register.submit("College", "College/s1", issue("c2"))
    spend_kept(register, "College/r1", stolen.position)
    register.declare("College/r1", stolen)
    register.declare("College/s1", stolen, by="College/r2", kept=[owners])
    assert holds(register, "c2")


@told(Rule.SAID_ONCE)
def what_a_key_says_of_itself_is_soon_said(settings: Settings) -> None:
    """Keys that a thief listed retire themselves over and over; College/r2 still lists."""
    register = begun(small(settings))
    theft = register.size
    spend_keys(register, "College/r1")
    register.declare("College/r1", theft)
    register.submit("College", "College/r2", KeyListed("College/s3", "signing"))


@told(Rule.KEYS_IN_FORCE)
def each_recovery_key_lists_its_own_number_of_signing_keys(settings: Settings) -> None:
    """The thief of College/r1 lists all it can; the number in force is bounded for all."""
    register = begun(small(settings))
    for number in range(TIRED):
        register.attempt("College", "College/r1", KeyListed(f"College/t{number}", "signing"))
    keys = register.world.keys["College"].values()
    assert sum(key.lister == "College/r1" for key in keys) == 5
    register.submit("College", "College/r2", KeyListed("College/s3", "signing"))
    register.submit("College", "College", KeyListed("College/s4", "signing"))


@told(Rule.STATUS_SPENDS)
def a_thief_cannot_lengthen_evidence_for_ever(settings: Settings) -> None:
    """Suspend and reinstate, restate and update: bounded for each key; the owner goes on."""
    register = begun(small(settings))
    theft = register.size
    before = length(register.world, histories(register.world, "c1", {"Ministry"}))
    for _ in range(TIRED):
        for verb in ("suspend", "reinstate"):
            register.attempt("Agency", "Agency/s1", change(verb, "za"), by="thief")
        register.attempt("Agency", "Agency/s1", Updated("Agency"), by="thief")
    register.declare("Agency/s1", theft)
    after = length(register.world, histories(register.world, "c1", {"Ministry"}))
    assert after - before <= 4 + 1, "four status events, and the declaration"
    assert holds(register)
    register.submit("Agency", "Agency/s2", change("suspend", "za"))


def spend_status(register: Register, lister: str, keys: int, id_: str) -> None:
    """Let a thief list keys of College that suspend and reinstate all they can."""
    for number in range(keys):
        key = f"{lister}.{number}"
        register.attempt("College", lister, KeyListed(key, "signing"), by="thief")
        for _ in range(3):
            for verb in ("suspend", "reinstate"):
                register.attempt("College", key, change(verb, id_), by="thief")
        register.attempt("College", lister, KeyRetired(key), by="thief")


def said_of(register: Register, id_: str) -> int:
    """Return how much was said of an id after it was written, counting or not."""
    return sum(getattr(event, "id", None) == id_ for each in register.log for event in each.events)


@told(Rule.STATUS_TOGETHER)
def all_keys_of_an_owner_say_only_so_much_of_one_thing(settings: Settings) -> None:
    """College lists key after key, and each says of c1 all it can."""
    register = begun(small(settings))
    spend_status(register, "College", 5, "c1")
    assert said_of(register, "c1") == 10


@told(Rule.STATUS_RESERVE)
def a_thief_of_a_recovery_key_leaves_something_to_say(settings: Settings) -> None:
    """Keys that the thief of College/r1 listed say all they can; then the owner suspends c1."""
    register = begun(small(settings))
    theft = register.size
    spend_status(register, "College/r1", 3, "c1")
    register.declare("College/r1", theft)
    for verb in ("suspend", "reinstate", "suspend"):
        register.submit("College", "College/s1", change(verb, "c1"))
    assert not holds(register)


@told(Rule.ALWAYS_ENDED)
def an_owner_can_always_revoke(settings: Settings) -> None:
    """Thieves of recovery and signing keys spend all that there is; then the owner revokes c1."""
    register = begun(small(settings))
    theft = register.size
    spend_status(register, "College/r1", 3, "c1")
    for key in ("College/s1", "College/s2"):
        for _ in range(3):
            for verb in ("suspend", "revoke"):
                register.attempt("College", key, change(verb, "c1"), by="thief")
    assert said_of(register, "c1") == 10
    for key in ("College/r1", "College/s1", "College/s2"):
        register.declare(key, theft)
    assert holds(register)
    register.submit("College", "College/r2", KeyListed("College/s3", "signing"))
    register.submit("College", "College/s3", change("revoke", "c1"))
    assert not holds(register)
    assert register.attempt("College", "College/s3", change("revoke", "c1")) != ADMITTED


@told(Rule.WRITING_SPENDS)
def a_line_is_not_written_for_ever(settings: Settings) -> None:
    """College issues c2 with key after key, and declares each from before that."""
    register = begun(small(settings))
    for number in range(8):
        key = f"College/t{number}"
        register.submit("College", "College", KeyListed(key, "signing"))
        since = register.size
        register.attempt("College", key, issue("c2"))
        register.submit("College", "College", KeyCompromised(key, since))
    written = (issue("c2") in each.events for each in register.log)
    assert sum(written) == 4
    register.submit("College", "College/s1", issue("c3"))
    assert holds(register, "c3")


@told(Rule.SUCCESSOR_SPENDS)
def a_puppet_successor_spends_for_all_its_keys_together(settings: Settings) -> None:
    """A thief names Puppet, which lists key after key, each of which revokes c1 over and over."""
    register = begun(small(settings))
    before = length(register.world, histories(register.world, "c1", {"Ministry"}))
    naming = Succeeded("College", "Puppet")
    theft = register.submit("College", "College/s1", naming, Closed(), by="thief")
    for number in range(10):
        key = f"Puppet/t{number}"
        register.attempt("Puppet", "Puppet", KeyListed(key, "signing"), by="stranger")
        for _ in range(5):
            register.attempt("Puppet", key, change("revoke", "c1"), by="stranger")
        register.attempt("Puppet", "Puppet", KeyRetired(key), by="stranger")
    register.declare("College/s1", theft)
    assert holds(register)
    after = length(register.world, histories(register.world, "c1", {"Ministry"}))
    assert after - before <= 4 + 1, "four revocations, and the declaration"


@told(Rule.REVISION_SPENDS)
def a_thief_cannot_revise_for_ever(settings: Settings) -> None:
    """The thief of College/s1 revises as often as it can; the owner revises once more."""
    register = begun(small(settings))
    theft = register.size
    written = sum(
        register.attempt("College", "College/s1", define("soil", 2 + number), by="thief")
        == ADMITTED
        for number in range(TIRED)
    )
    assert written == 3
    register.declare("College/s1", theft)
    register.submit("College", "College/s2", define("soil", 5))


@told(Rule.GRANT_SPENDS)
def junk_recognitions_leave_room_for_the_renewal(settings: Settings) -> None:
    """The thief of Ministry/s1 recognises the Agency as often as it can."""
    register = begun(small(settings))
    theft = register.size
    for number in range(TIRED):
        register.attempt("Ministry", "Ministry/s1", recognise(f"rj{number}", "Agency"), by="thief")
        register.attempt("Agency", "Agency/s2", accredit(f"zj{number}", "College"), by="thief")
    granted = register.world.of_kind("recognition")
    assert sum(getattr(each.event, "organization", "") == "Agency" for each in granted) == 4
    register.declare("Ministry/s1", theft)
    register.submit("Ministry", "Ministry/s2", recognise("r2", "Agency"))
    register.submit("Agency", "Agency/s1", accredit("z2", "College"))
    assert isinstance(register.world.of_kind("recognition")[-1].event, RecognitionGranted)
    assert holds(register)


@told(Rule.AUTHORITY_SPENDS)
def a_thief_makes_only_so_many_authorities(settings: Settings) -> None:
    """The thief of Ministry/s1 brings in puppet after puppet; the owner goes on."""
    register = begun(small(settings))
    theft = register.size
    for number in range(10):
        puppet = f"Puppet{number}"
        entered = registered(puppet, "Ministry", "authority")
        made = recognise(f"r{number}", puppet, "authority")
        register.submit("Ministry", "Ministry/s1", entered, by="thief")
        register.attempt("Ministry", "Ministry/s1", made, by="thief")
    granted = [each.event for each in register.world.of_kind("recognition")]
    authorities = [getattr(event, "recognised_as", "") == "authority" for event in granted]
    assert sum(authorities) == 5
    register.declare("Ministry/s1", theft)
    register.submit("Ministry", "Ministry/s2", recognise("rb", "Rogue", "authority"))
    assert holds(register)


@told()
def strangers_cannot_lengthen_the_evidence_of_others(settings: Settings) -> None:
    """Uninvited grants, recognitions and updates of all strangers add nothing to it."""
    register = begun(small(settings))
    before = histories(register.world, "c1", {"Ministry"})
    entries = length(register.world, before)
    for number in range(TIRED):
        for who, event in (
            ("Mint", accredit(f"zq{number}", "College")),
            ("Rogue", recognise(f"rq{number}", "Agency")),
            ("Mint", Updated("College")),
        ):
            register.attempt(who, f"{who}/s1", event, by="stranger")
    after = histories(register.world, "c1", {"Ministry"})
    assert after == before
    assert length(register.world, after) == entries
