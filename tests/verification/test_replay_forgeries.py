"""Whatever an operator signs against the rules, a replay finds at its position."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as replace_line

from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event, encode_event
from testamur.catalogue.submission import parse
from testamur.rules import MAX_AHEAD
from testamur.verification.replay import BadEntry
from tests.harness.published_log import PublishedLog, opened_log
from tests.harness.story import Party, Story, party
from tests.verification.test_replay import damage, entries_of

# --- Lies in the content: what an operator could sign ---


@dataclass
class Forgery:
    """A log whose operator lets anything in; `honest` is how much of it keeps the rules."""

    story: Story
    log: PublishedLog

    def says(self, signer: Party, *events: e.Event, **terms: Any) -> None:
        self.log.append(self.story.submission(signer, *events, **terms))

    def found(self) -> BadEntry:
        self.log.publish()
        return damage(self.log)


@pytest.fixture
def forgery(tmp_path: Path) -> Forgery:
    """A log that is honest up to entry 12: its opening and two credentials."""
    log, story = opened_log(tmp_path / "log", 2)
    assert len(log.entries) == 13
    return Forgery(story, log)


def credential_of(forgery: Forgery, number: int = 0) -> str:
    return str(json.loads(forgery.log.entries[11 + number])["credential"])


def revoked(credential: str) -> e.CredentialRevoked:
    return e.CredentialRevoked(credential=credential, reason="misconduct")


def _retire_and_use(forgery: Forgery) -> None:
    story, provider = forgery.story, forgery.story.provider
    forgery.says(provider.founding, story.key_retired(provider))
    forgery.says(provider, story.issued())


def _compromise_and_use(forgery: Forgery) -> None:
    story, provider = forgery.story, forgery.story.provider
    forgery.says(provider.founding, story.key_compromised(provider, 13))
    forgery.says(provider, story.issued())


def _write_otherwise(forgery: Forgery) -> None:
    """Write the line of a credential again after the first fell, and change a word of it."""
    story, provider = forgery.story, forgery.story.provider
    fresh = provider.with_key("fresh")
    listed = story.key_listed(fresh)
    forgery.says(provider.founding, story.key_compromised(provider, 10), listed)
    line = decode_event(forgery.log.entries[11])
    assert isinstance(line, e.CredentialIssued)
    forgery.says(fresh, replace_line(line, valid_until=None))


def _registration(forgery: Forgery, **changes: Any) -> None:
    """Bring in a newcomer by a registration that was changed after it was signed."""
    story = forgery.story
    registered = story.registered(story.accreditor, party("x"), "provider")
    forgery.says(story.accreditor, replace_line(registered, **changes))


def _append(forgery: Forgery, body: bytes, *, at: int) -> None:
    forgery.log.append(body, recorded_at=at)


def _opened(story: Story) -> e.Event:
    return decode_event(story.genesis().split(b"\n")[1])


def _jti(forgery: Forgery, position: int) -> str:
    jws = json.loads(forgery.log.entries[position])["submission"].encode()
    return parse(b"\n".join([jws, *forgery.log.entries[11:13]]) + b"\n").header.payload.jti


def _append_changed(forgery: Forgery, number: int, change: Callable[[bytes], bytes]) -> None:
    entries = entries_of(forgery.story.cohort(3))
    entries[number] = change(entries[number])
    forgery.log.append_entries(*entries)


def _append_without(forgery: Forgery, number: int) -> None:
    entries = entries_of(forgery.story.cohort(3), forgery.story.cohort(1))
    del entries[number]
    forgery.log.append_entries(*entries)


Smuggle = Callable[[Forgery], object]
SMUGGLED: dict[str, tuple[str, int, Smuggle]] = {
    # name: (rule, offset of the entry named, what the operator puts on the log)
    "a credential of nobody's": (
        "unknown-organization",
        0,
        lambda f: f.says(party("stranger"), f.story.issued()),
    ),
    "a submission for another log": (
        "audience",
        0,
        lambda f: f.says(f.story.provider, f.story.issued(), aud="other.example"),
    ),
    "a signature from the future": (
        "issued-at",
        0,
        lambda f: f.says(f.story.provider, f.story.issued(), iat=f.story.now + MAX_AHEAD + 1),
    ),
    "a signature from the past": (
        "issued-at",
        0,
        lambda f: f.says(f.story.provider, f.story.issued(), iat=f.story.now - 8 * 24 * 3600),
    ),
    "a time before the last": (
        "time-order",
        0,
        lambda f: _append(f, f.story.cohort(1), at=f.story.milliseconds - 1),
    ),
    "an unlisted key": (
        "unknown-key",
        0,
        lambda f: f.says(f.story.provider.with_key("k9"), f.story.issued()),
    ),
    "a forged signature": (
        "signature",
        0,
        lambda f: f.says(replace(f.story.provider, key=party("x").key), f.story.issued()),
    ),
    "a credential by an accreditor": (
        "role",
        1,
        lambda f: f.says(f.story.accreditor, f.story.issued()),
    ),
    "the same credential again": (
        "already-issued",
        2,
        lambda f: f.says(f.story.provider, f.story.issued(), f.story.issued(credential_of(f))),
    ),
    "a credential called like an achievement": (
        "id-taken",
        2,
        lambda f: f.says(f.story.provider, f.story.issued(), f.story.issued(f.story.achievement)),
    ),
    "an achievement called like a credential": (
        "id-taken",
        1,
        lambda f: f.says(f.story.provider, f.story.defined(credential_of(f))),
    ),
    "a recognition called like an accreditation": (
        "id-taken",
        1,
        lambda f: f.says(f.story.authority, f.story.recognised(f.story.accreditation)),
    ),
    "a reinstatement after revocation": (
        "transition",
        3,
        lambda f: f.says(
            f.story.provider,
            f.story.issued(),
            revoked(credential_of(f)),
            e.CredentialReinstated(credential=credential_of(f)),
        ),
    ),
    "a revocation by another": (
        "credential-of-another",
        1,
        lambda f: f.says(f.story.accreditor, revoked(credential_of(f))),
    ),
    "a revocation of nothing": (
        "unknown-credential",
        1,
        lambda f: f.says(f.story.provider, revoked(f.story.new_id())),
    ),
    "an achievement never defined": (
        "unknown-achievement",
        1,
        lambda f: f.says(f.story.provider, f.story.issued(achievement=f.story.new_id())),
    ),
    "a newcomer brought in by a provider": (
        "sponsor-role",
        1,
        lambda f: f.says(
            f.story.provider, f.story.registered(f.story.provider, party("x"), "provider")
        ),
    ),
    "a newcomer that meant another sponsor": (
        "sponsor",
        1,
        lambda f: f.says(
            f.story.accreditor, f.story.registered(f.story.authority, party("x"), "provider")
        ),
    ),
    "a newcomer without its consent": (
        "registration-signature",
        1,
        lambda f: _registration(f, name="Famous University"),
    ),
    "a newcomer that meant another log": (
        "registration-signature",
        1,
        lambda f: _registration(f, origin="other.example"),
    ),
    "a newcomer with a key more": (
        "registration-signature",
        1,
        lambda f: _registration(f, signing_keys=(f.story.accreditor.key_id,)),
    ),
    "a registration that waited too long": (
        "until",
        1,
        lambda f: f.says(
            f.story.accreditor,
            f.story.registered(
                f.story.accreditor, party("x"), "provider", until=f.story.today - timedelta(1)
            ),
        ),
    ),
    "an organization that came before": (
        "organization-twice",
        1,
        lambda f: f.says(
            f.story.accreditor,
            f.story.registered(f.story.accreditor, f.story.provider, "provider"),
        ),
    ),
    "an authority seated later": (
        "genesis-again",
        1,
        lambda f: f.says(f.story.authority, _opened(f.story)),
    ),
    "a second genesis": (
        "unknown-organization",
        0,
        lambda f: f.log.append(f.story.genesis(authorities=[party("x")])),
    ),
    "an accreditation of oneself": (
        "role",
        1,
        lambda f: f.says(f.story.provider, f.story.accredited(f.story.new_id())),
    ),
    "a key retired and used": ("key-inactive", 2, _retire_and_use),
    "a key compromised and used": ("key-inactive", 2, _compromise_and_use),
    "a line written again otherwise": ("another-line", 4, _write_otherwise),
    "a key listed by a signing key": (
        "key-rank",
        1,
        lambda f: f.says(f.story.provider, f.story.key_listed(f.story.provider.with_key("k2"))),
    ),
    "a recovery key that issues": (
        "recovery-key",
        1,
        lambda f: f.says(f.story.provider.recovery, f.story.issued()),
    ),
    "a key event among others": (
        "key-events-alone",
        2,
        lambda f: f.says(
            f.story.provider,
            f.story.key_retired(f.story.provider),
            f.story.issued(),
        ),
    ),
    "a key of another declared compromised": (
        "unknown-key",
        1,
        lambda f: f.says(f.story.accreditor.founding, f.story.key_compromised(f.story.provider, 1)),
    ),
    "a word restated by another": (
        "accreditation-of-another",
        1,
        lambda f: f.says(f.story.authority, f.story.accreditation_restated()),
    ),
    "words after closing": (
        "organization-closed",
        2,
        lambda f: f.says(f.story.provider, f.story.closed(), f.story.issued()),
    ),
    "the same submission again": (
        "duplicate-submission",
        0,
        lambda f: f.log.append_entries(*f.log.entries[10:13]),
    ),
    "the same jti for other events": (
        "duplicate-submission",
        0,
        lambda f: f.says(f.story.provider, f.story.issued(), jti=_jti(f, 10)),
    ),
    "an event alone": (
        "submission-entry",
        0,
        lambda f: f.log.append_entries(f.log.entries[11]),
    ),
    "an empty entry": ("submission-entry", 0, lambda f: f.log.append_entries(b"") and None),
    "a header in another spelling": (
        "canonical-json",
        0,
        lambda f: _append_changed(f, 0, lambda entry: entry.replace(b":", b": ", 1)),
    ),
    "an event in another spelling": (
        "root",
        0,
        lambda f: _append_changed(f, 2, lambda line: line.replace(b":", b": ", 1)),
    ),
    "an event exchanged": (
        "root",
        0,
        lambda f: _append_changed(f, 2, lambda _: encode_event(f.story.issued())),
    ),
    "an event left out": ("root", 0, lambda f: _append_without(f, 2)),
    "an empty event": ("root", 0, lambda f: _append_changed(f, 1, lambda _: b"")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMUGGLED)
def test_what_no_gate_would_admit_is_found_at_its_position(forgery: Forgery, name: str) -> None:
    """The tree is right and the log signed it; only the rules are broken."""
    rule, offset, smuggle = SMUGGLED[name]
    smuggle(forgery)
    # Honest entries after it do not hide it.
    forgery.log.append(forgery.story.cohort(2))

    found = forgery.found()

    assert (found.rule, found.position) == (rule, 13 + offset)
    assert found.where == f"entry {13 + offset}"


def test_a_header_that_says_too_much_of_itself_waits_for_its_events(forgery: Forgery) -> None:
    """It swallows what follows it, and the root tells."""
    entries = entries_of(forgery.story.cohort(3))
    forgery.log.append_entries(entries[0], *forgery.log.entries[11:13])

    assert forgery.found().rule == "cut-submission"


# --- Lies at the beginning ---


def begun_with(tmp_path: Path, *bodies: bytes, story: Story | None = None) -> BadEntry:
    log = PublishedLog(tmp_path / "log", story)
    log.append(*bodies)
    log.publish()
    return damage(log)


def test_a_log_that_somebody_else_opened_is_damage(tmp_path: Path) -> None:
    other = Story(name="other")

    assert begun_with(tmp_path, *other.opening()).rule == "signature"


def test_a_log_that_opens_under_another_name_is_damage(tmp_path: Path) -> None:
    """One key under two names could put what was signed for one log into the other."""
    other = Story(origin="other.example/log")

    found = begun_with(tmp_path, *other.opening())

    assert (found.rule, found.position) == ("origin", 1)


def test_a_log_that_begins_without_a_genesis_is_damage(tmp_path: Path) -> None:
    story = Story()

    assert begun_with(tmp_path, *story.opening()[1:]).rule == "signature"


def test_a_log_that_begins_in_the_middle_is_damage(tmp_path: Path) -> None:
    log = PublishedLog(tmp_path / "log")
    log.append_entries(*entries_of(*Story().opening())[1:])
    log.publish()

    assert (damage(log).rule, damage(log).position) == ("submission-entry", 0)
