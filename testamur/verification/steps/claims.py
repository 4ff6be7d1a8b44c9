"""Steps 9 to 11: what the credential says of achievement, issuer and dates, and what was logged."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from datetime import date, datetime
from typing import Final

from testamur.badges.nodes import Wording
from testamur.badges.openbadges import Badge
from testamur.badges.restated import differences, is_called, translations
from testamur.catalogue import events as e
from testamur.errors import Refuted, Unavailable, printable
from testamur.keys import DID_KEY
from testamur.verification.clock import or_your_clock
from testamur.verification.excerpt import Excerpt
from testamur.verification.finding import Finding
from testamur.verification.issuance import Issuance
from testamur.verification.report import Verdict
from testamur.verification.trust.declared import uncounted
from testamur.verification.trust.speakers import Speakers

_SHOWN: Final = 5


def achievement(excerpt: Excerpt, speakers: Speakers, badge: Badge) -> Finding:
    """(9) What the credential says of the achievement is what was logged, as far as that goes."""
    issued = excerpt.issued()
    event, written = issued.event, excerpt.written_definition(issued)
    if written is None:
        raise Unavailable(
            f"the evidence leaves out version {event.achievement_version} of the achievement "
            f"{event.achievement}"
        )
    said, definition = written
    if not issued.register.counts(said.signed):
        raise uncounted(speakers, said)
    # Else an accredited course could lend its standing to a credential that says anything.
    found = differences(badge, event, definition)
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        listed = "; ".join(printable(str(each), 200) for each in found[:_SHOWN])
        raise Refuted(f"the credential does not say what was logged: {listed}{more}")
    called = _translated(translations(badge.achievement.names, definition.name))
    version = f"version {event.achievement_version}"
    return Finding(f"{definition.name}, {version}{_forms(event)}{called}")


def _translated(names: Collection[Wording]) -> str:
    """Return what a reader of another language sees, which nobody compared."""
    said = [f"{printable(each.text, 100)} ({each.language})" for each in names]
    more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    words = ", ".join(said[:_SHOWN]) + more
    return f"; its issuer alone says that this is called {words}" if said else ""


def _forms(event: e.CredentialIssued) -> str:
    """Return how the issuer says that it was awarded, in brackets, as far as it says so."""
    said = [
        f"{what} {word}"
        for what, word in (
            ("assessment", event.assessment),
            ("participation", event.participation),
            ("supervision", event.supervision),
        )
        if word is not None
    ]
    return f" ({', '.join(said)})" if said else ""


def issuer(issued: Issuance, badge: Badge, speakers: Speakers) -> Finding:
    """(10) The credential names its issuer by its DID, or as the accreditor vouches for it."""
    did, claimed, names = issued.issuer, badge.issuer.id, badge.issuer.names
    word = speakers.words.get(did)
    if word is None:
        # Anybody can call itself anything, so only the chain's accreditor is heard on a name.
        raise Unavailable(
            f"that {did} is called {printable(badge.issuer.name or claimed, 200)} is said by no "
            "accreditor "
            "that leads to an anchor"
        )
    others = [each.text for each in names if not is_called(each.text, word.names)]
    if others:
        return Finding(
            f"the credential calls its issuer {printable(others[0], 200)}; its accreditor "
            f"{speakers.called(word.by)} vouched at {word.position} for the name "
            f"{' or '.join(word.names)}{_lookalikes(others[0], word.names)}",
            Verdict.REFUTED,
            lacking=True,  # of a restatement
        )
    if claimed != did and claimed not in word.ids:
        raise Unavailable(
            f"the credential names its issuer as {claimed}, and {speakers.called(word.by)} does "
            f"not vouch that this is {did}"
        )
    if claimed.startswith(DID_KEY) and claimed not in (did, f"{DID_KEY}{issued.signed.key}"):
        # It may be another organization's, and nobody but the holder of the key can tell.
        raise Unavailable(
            f"the credential names its issuer as {claimed}, a key that did not sign the issuance; "
            f"that it is a key of {did}, {speakers.called(word.by)} cannot know"
        )
    known = f"{word.vouched.name} ({claimed})"
    return Finding(
        f"{known}, for which {speakers.called(word.by)} vouched at {word.position}", attested=True
    )


def _lookalikes(name: str, vouched: Collection[str]) -> str:
    """Return which letters a name has instead of ASCII ones, since the two may look the same."""
    known = {char for each in vouched for char in each}
    found = [char for char in dict.fromkeys(name) if not char.isascii() and char not in known]
    if not 1 <= len(found) <= _SHOWN:
        return ""
    spelled = (f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip() for char in found)
    return f", which is without {', '.join(spelled)}"


def validity(issued: Issuance, badge: Badge, at: datetime, now: datetime) -> Finding:
    """(11) The credential's own dates: those that were logged, and valid at the time asked for."""
    if at < badge.valid_from:
        if at == now:
            _check_clock(issued, badge, now)
        raise Refuted(f"it is not valid before {badge.valid_from.isoformat()}")
    if badge.valid_until is not None and at > badge.valid_until:
        raise Refuted(f"it expired at {badge.valid_until.isoformat()}")
    _check_dates(badge, issued.event)
    end = f" until {badge.valid_until.isoformat()}" if badge.valid_until else ", without end"
    return Finding(f"valid from {badge.valid_from.isoformat()}{end}")


def _check_clock(issued: Issuance, badge: Badge, now: datetime) -> None:
    """Raise `Unavailable` if the log says that it was valid already when it was issued."""
    recorded_at = issued.signed.recorded_at
    if now.timestamp() * 1000 < recorded_at and badge.valid_from.timestamp() * 1000 <= recorded_at:
        said = f"it is valid from {badge.valid_from.isoformat()} and was recorded after that"
        raise Unavailable(or_your_clock(said, now))


def _check_dates(badge: Badge, event: e.CredentialIssued) -> None:
    # Else a credential could be backdated under the eyes of its accreditor.
    stated = badge.valid_from.date(), badge.valid_until and badge.valid_until.date()
    logged = event.valid_from, event.valid_until
    if stated != logged:
        (start, end), (logged_start, logged_end) = stated, logged
        raise Refuted(
            f"the credential is valid from {_days(start, end)}, what was logged is valid from "
            f"{_days(logged_start, logged_end)}"
        )


def _days(start: date, end: date | None) -> str:
    return f"{start} without end" if end is None else f"{start} until {end}"
