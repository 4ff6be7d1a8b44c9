"""What a thief of a key, or a disgraced owner, can say about keys spoils nothing and helps nobody.

Each story is played on a real log; the exit codes are those of a verifier who replayed it.
"""

from __future__ import annotations

from tests.trust_model.cast import (
    accredit,
    begun,
    change,
    issue,
    mill,
    recognise,
)
from tests.trust_model.events import KeyCompromised, KeyListed, KeyRetired, Updated
from tests.trust_model.gate import ADMITTED
from tests.trust_stories.conftest import OnLog, codes


def test_no_key_declares_itself_compromised_in_the_past(on_log: OnLog) -> None:
    register = begun()
    for who in ("Ministry", "Agency", "College"):
        past = KeyCompromised(f"{who}/s1", 1)
        assert register.attempt(who, f"{who}/s1", past, by="thief") == "own-past"
        assert register.attempt(who, who, KeyCompromised(who, 1), by="thief") == "own-past"
    for who in ("Ministry", "Agency", "College"):
        register.submit(who, f"{who}/s1", KeyCompromised(f"{who}/s1"), by="thief")
        register.submit(who, who, KeyCompromised(who), by="thief")
    assert codes(on_log(register), "c1") == [0]


def test_a_disgraced_accreditor_voids_ninety_days_and_no_more(on_log: OnLog) -> None:
    register = begun()
    register.submit("Agency", "Agency/s1", accredit("z2", "College"), days=100)
    register.submit("College", "College/s1", issue("c2", "z2"))
    register.submit("Ministry", "Ministry/s1", change("withdraw", "ra"), days=10)
    register.submit("Agency", "Agency", KeyCompromised("Agency/s1", 1), by="thief")
    assert codes(on_log(register), "c1", "c2") == [0, 1]


def test_the_thief_of_a_founding_key_voids_ninety_days_and_no_more(on_log: OnLog) -> None:
    register = begun()
    register.submit("College", "College/s1", issue("c2"), days=100)
    register.submit("Ministry", "Ministry/s1", recognise("r2", "Agency"))
    for key in ("s1", "s2", "r1", "r2"):
        past = KeyCompromised(f"Ministry/{key}", 1)
        register.submit("Ministry", "Ministry", past, by="thief")
    assert codes(on_log(register), "c1", "c2") == [0, 0]


def test_a_key_that_a_thief_listed_falls_with_the_thief_and_goes_on_for_nothing(
    on_log: OnLog,
) -> None:
    register = begun()
    listed = register.submit("Agency", "Agency/r1", KeyListed("Agency/t", "signing"), by="thief")
    register.submit("Agency", "Agency/t", accredit("zt", "Mill"), by="thief")
    mill(register, "m1", "zt")
    register.declare("Agency/r1", listed)
    for event in (accredit("zu", "Mill"), change("withdraw", "za")):
        assert register.attempt("Agency", "Agency/t", event, by="thief") == "unknown-key"
    again = issue("m2", "zt", "grind")
    assert register.attempt("Mill", "Mill/s1", again, by="stranger") == "unknown-accreditation"
    assert codes(on_log(register), "m1", "c1") == [1, 0]


def test_two_recovery_keys_accuse_each_other_in_vain(on_log: OnLog) -> None:
    register = begun()
    theft = register.declare("College/r2", 3, by="College/r1", pen="thief")
    accused = KeyCompromised("College/r1", 3)
    assert register.attempt("College", "College/r2", accused) == "key-inactive"
    register.declare("College/s1", 3, by="College/r1", pen="thief")
    believed = on_log(register)
    register.declare("College/r1", theft)
    register.submit("College", "College/r2", KeyListed("College/s3", "signing"))
    register.submit("College", "College/s3", issue("c2"))
    assert codes(believed, "c1") == [1], "until the founding key speaks"
    assert codes(on_log(register), "c1", "c2") == [0, 0]


def test_a_thief_of_a_signing_key_lists_retires_and_accuses_nobody(on_log: OnLog) -> None:
    register = begun()
    theft = register.size
    for event, answer in (
        (KeyListed("College/t", "signing"), "recovery-key-needed"),
        (KeyListed("College/t", "recovery"), "recovery-key-needed"),
        (KeyRetired("College/s2"), "key-rank"),
        (KeyCompromised("College/s2", 3), "key-rank"),
        (KeyCompromised("College/r1", 3), "key-rank"),
        (KeyCompromised("College", 3), "key-rank"),
        (KeyRetired("College/s1"), ADMITTED),
    ):
        assert register.attempt("College", "College/s1", event, by="thief") == answer
    register.submit("College", "College/s2", issue("c2"))
    register.declare("College/s1", theft)
    register.submit("College", "College/s2", issue("c3"))
    assert codes(on_log(register), "c1", "c2", "c3") == [0, 0, 0]


def test_a_thiefs_acts_between_good_signatures_spoil_none_of_them(on_log: OnLog) -> None:
    register = begun()
    breath = change("suspend", "c1"), change("reinstate", "c1")
    register.submit("College", "College/s1", issue("c2"))
    theft = register.submit("College", "College/s1", Updated("College"), by="thief")
    register.submit("College", "College/s1", *breath, by="thief")
    first = register.submit("College", "College/s1", issue("c3"))
    register.submit("College", "College/s1", *breath, by="thief")
    register.submit("College", "College/s1", issue("c9"), by="thief")
    second = register.submit("College", "College/s1", issue("c4"))
    register.declare("College/s1", theft, kept=[first, second])
    assert codes(on_log(register), "c1", "c2", "c3", "c4", "c9") == [0, 0, 0, 0, 1]


def test_a_list_of_stolen_keys_keeps_no_owner_from_recovery(on_log: OnLog) -> None:
    register = begun()
    theft = register.size
    stolen = [f"College/t{number}" for number in range(63)]
    listed = [
        register.attempt("College", "College/r1", KeyListed(key, "signing"), by="thief")
        for key in stolen
    ]
    assert listed.count(ADMITTED) == 16, "as many are in force as one key may list"
    for key in stolen[:16]:
        retired = KeyRetired(key)
        register.attempt("College", "College/r1", retired, by="thief")
    register.declare("College/r1", theft)
    register.submit("College", "College/r2", KeyListed("College/s3", "signing"))
    register.submit("College", "College", KeyListed("College/s4", "signing"))
    register.submit("College", "College/s3", issue("c2"))
    register.submit("College", "College/s4", issue("c3"))
    assert codes(on_log(register, thoroughly=False), "c1", "c2", "c3") == [0, 0, 0]


def test_list_and_retire_for_ever_ends_soon(on_log: OnLog) -> None:
    register = begun()
    theft = register.size
    admitted = 0
    for number in range(100):
        key = f"College/t{number}"
        for event in (KeyListed(key, "signing"), KeyRetired(key)):
            answer = register.attempt("College", "College/r1", event, by="thief")
            admitted += answer == ADMITTED
    assert admitted == 64
    register.declare("College/r1", theft)
    register.submit("College", "College/r2", KeyListed("College/s3", "signing"))
    register.submit("College", "College/s3", issue("c2"))
    assert codes(on_log(register, thoroughly=False), "c1", "c2") == [0, 0]


def test_a_theft_that_nobody_noticed_for_ninety_days_stands_until_withdrawn(
    on_log: OnLog,
) -> None:
    register = begun()
    theft = register.submit("Agency", "Agency/s1", accredit("zt", "Mill"), by="thief")
    mill(register, "m1", "zt")
    register.declare("Agency/s1", theft, days=91)
    register.submit("Agency", "Agency/s2", change("withdraw", "zt"))
    mill(register, "m2", "zt")
    assert codes(on_log(register), "m1", "m2", "c1") == [0, 1, 0]
