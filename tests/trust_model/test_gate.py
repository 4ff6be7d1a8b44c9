"""Each rule of the gate refuses what breaks it, and nothing else in a beginning that it admits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.trust_model.cast import accredit, begun, change, define, issue, recognise, registered
from tests.trust_model.events import (
    Event,
    KeyCompromised,
    KeyListed,
    KeyRetired,
    Opened,
    Restated,
    Succeeded,
    Term,
    Updated,
    Words,
)
from tests.trust_model.gate import ADMITTED, admit
from tests.trust_model.submissions import LOG, Submission

ENTRY = registered("School", "Agency", "provider")
REPLACED_BY_REVOKED = issue("c2"), change("revoke", "c2"), change("supersede", "c1", "c2")
REFUSED: tuple[tuple[str, str, tuple[Event, ...]], ...] = (
    ("submission-empty", "College/s1", ()),
    ("unknown-organization", "Nobody/s1", (Updated("Nobody"),)),
    ("unknown-organization", LOG, (Updated("College"),)),
    ("unknown-key", "College/s9", (Updated("College"),)),
    ("genesis-again", "Ministry/s1", (Opened(()),)),
    ("mixed-submission", "College/r1", (KeyListed("College/s3", "signing"), Updated("College"))),
    ("mixed-submission", "College/s1", (KeyRetired("College/s1"), issue("c2"))),
    ("recovery-key", "College/r1", (issue("c2"),)),
    ("recovery-key", "College", (Updated("College"),)),
    ("recovery-key-needed", "College/s1", (KeyListed("College/s3", "signing"),)),
    ("founding-key-needed", "College/r1", (KeyListed("College/r3", "recovery"),)),
    ("key-twice", "College", (KeyListed("College/s1", "signing"),)),
    ("key-twice", "College", (KeyListed("College", "recovery"),)),
    ("key-rank", "College/r2", (KeyRetired("College/r1"),)),
    ("key-rank", "College/r1", (KeyCompromised("College", 1),)),
    ("unknown-key", "College", (KeyRetired("Agency/s1"),)),
    ("own-past", "College/r1", (KeyCompromised("College/r1", 1),)),
    ("own-past", "College", (KeyCompromised("College", 1),)),
    ("since", "College", (KeyCompromised("College/s1"),)),
    ("since", "College", (KeyCompromised("College/s1", 28),)),
    ("kept", "College", (KeyCompromised("College/s1", 9, ((8, 8),)),)),
    ("kept", "College", (KeyCompromised("College/s1", 9, ((9, 9), (9, 9))),)),
    ("organization-twice", "Agency/s1", (registered("College", "Agency", "provider"),)),
    ("organization-twice", "Agency/s1", (ENTRY, ENTRY)),
    ("sponsor", "Ministry/s1", (ENTRY,)),
    ("origin", "Agency/s1", (replace(ENTRY, origin="other.example"),)),
    ("until", "Agency/s1", (replace(ENTRY, until=32),)),
    ("until", "Agency/s1", (replace(ENTRY, until=0),)),
    ("signature", "Agency/s1", (replace(ENTRY, signed_by="Agency"),)),
    ("key-twice", "Agency/s1", (replace(ENTRY, signing_keys=("School",)),)),
    ("recovery-key-count", "Agency/s1", (replace(ENTRY, recovery_keys=tuple("abcdefghi")),)),
    ("signing-key-count", "Agency/s1", (replace(ENTRY, signing_keys=tuple("abcdefghijklmnopq")),)),
    ("sponsor-role", "Agency/s1", (replace(ENTRY, roles=frozenset({"accreditor"})),)),
    ("sponsor-role", "College/s1", (replace(ENTRY, sponsor="College"),)),
    ("role", "College/s1", (accredit("z2", "Mill"),)),
    ("role", "Agency/s1", (recognise("r2", "Mint"),)),
    ("role", "Agency/s1", (define("other"),)),
    ("unknown-organization", "Agency/s1", (accredit("z2", "School"),)),
    ("unknown-organization", "College/s1", (Succeeded("College", "School"),)),
    ("dates", "Agency/s1", (accredit("z2", "College", term=Term(3, 2)),)),
    ("id-taken", "College/s1", (issue("c1"),)),
    ("id-taken", "Mill/s1", (issue("c1", "zm", "grind"),)),
    ("id-taken", "College/s1", (define("soil"),)),
    ("id-taken", "Mill/s1", (define("soil", 2),)),
    ("achievement-version", "College/s1", (define("soil", 3),)),
    ("achievement-version", "College/s1", (define("other", 2),)),
    ("unknown-achievement", "College/s1", (issue("c2", version=2),)),
    ("achievement-of-another", "College/s1", (issue("c2", "za", "grind"),)),
    ("unknown-accreditation", "College/s1", (issue("c2", "z9"),)),
    ("accreditation-of-another", "College/s1", (issue("c2", "zm"),)),
    ("unknown-credential", "College/s1", (change("revoke", "c9"),)),
    ("credential-of-another", "Agency/s1", (change("revoke", "c1"),)),
    ("recognition-of-another", "Rogue/s1", (change("withdraw", "ra"),)),
    ("unknown-accreditation", "Agency/s1", (Restated("accreditation", "z9", Words("College")),)),
    ("event-schema", "Ministry/s1", (change("suspend", "ra"),)),
    ("transition", "College/s1", (change("revoke", "c1"), change("suspend", "c1"))),
    ("transition", "College/s1", (change("retire", "soil"), define("soil", 2))),
    ("successor", "College/s1", (change("supersede", "c1", "c1"),)),
    ("successor", "College/s1", (change("supersede", "c1", "c9"),)),
    (
        "successor",
        "College/s1",
        (issue("c2"), change("revoke", "c2"), change("supersede", "c1", "c2")),
    ),
    ("succession-of-another", "Mint/s1", (Succeeded("College", "Puppet"),)),
    ("grant-count", "Agency/s1", tuple(accredit(f"zx{n}", "College") for n in range(17))),
    ("status-event-count", "College/s1", (Updated("College"),) * 9),
    (
        "authority-count",
        "Ministry/s1",
        tuple(
            recognise(f"rx{n}", ("Rogue", "Mint", "Mill", "Puppet", "College")[n % 5], "authority")
            for n in range(65)
        ),
    ),
)
ADMISSIBLE: tuple[tuple[str, tuple[Event, ...]], ...] = (
    ("College/s1", (issue("c2"), change("supersede", "c1", "c2"))),
    ("College/s1", (change("reinstate", "c1"), change("revoke", "c1"), change("revoke", "c1"))),
    ("College/s1", (define("soil", 2), issue("c2", version=2), change("retire", "soil"))),
    ("College", (KeyListed("College/r3", "recovery"), KeyCompromised("College/s1", 26))),
    ("Agency/s1", (replace(ENTRY, until=31),)),
    ("Agency/s1", (replace(ENTRY, until=1),)),
    ("Agency/s1", (accredit("z2", "Mill"), Restated("accreditation", "z2", Words("Mill")))),
    ("College/s1", (Updated("College"),) * 8),
)


def organization(key: str) -> str:
    return key.split("/", maxsplit=1)[0]


@pytest.mark.parametrize(("rule", "key", "events"), REFUSED)
def test_what_breaks_a_rule_is_refused_by_its_name(
    rule: str, key: str, events: tuple[Event, ...]
) -> None:
    register = begun()
    assert register.attempt(organization(key), key, *events) == rule
    assert register.size == 26, "nothing of a refused submission is on the log"


@pytest.mark.parametrize(("key", "events"), ADMISSIBLE)
def test_what_breaks_no_rule_is_admitted(key: str, events: tuple[Event, ...]) -> None:
    assert begun().attempt(organization(key), key, *events) == ADMITTED


def test_log_time_never_goes_back_and_positions_leave_no_gap() -> None:
    register = begun()
    event = (Updated("College"),)
    early = Submission(register.size, "College", "College/s1", event, register.now - 1)
    assert admit(register.log, early) == "time-order"
    apart = Submission(register.size + 1, "College", "College/s1", event, register.now)
    assert admit(register.log, apart) == "position"


def test_a_log_begins_with_its_genesis() -> None:
    root = registered("Ministry", LOG, "authority")
    assert admit([], Submission(0, LOG, LOG, (Opened((root,)),), 0)) == ADMITTED
    assert admit([], Submission(0, LOG, LOG, (root,), 0)) == "genesis-event"
    assert admit([], Submission(0, "Ministry", "Ministry", (Opened((root,)),), 0)) == (
        "genesis-signer"
    )
