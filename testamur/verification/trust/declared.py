"""Why something that was said does not count: who declared what about the key, and where.

Nothing on a log is taken away. What a key signed stops counting when its organization declares it
compromised, so a report in which something does not hold names the declaration.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from testamur.catalogue import events as e
from testamur.errors import Refuted, Unavailable
from testamur.rules.effective import effective_at
from testamur.rules.register import Register
from testamur.rules.said import Said, Signed
from testamur.verification.trust.speakers import Speakers

_TOLD: Final = 8


def past(event: e.Event) -> str:
    """Return what happened, in one word: the event's own, such as `revoked`."""
    return e.wire_name(event).partition(".")[2].partition("/")[0]


def _happened(said: Said) -> str:
    thing = e.wire_name(said.event).partition(".")[0]
    return f"the {thing} was {past(said.event)} at {said.position}"


def circumstances(said: Said) -> str:
    """Return what an event says of why it happened, since when, and what takes the place."""
    event = said.event
    reason, successor = getattr(event, "reason", None), getattr(event, "successor", None)
    effective = effective_at(event)
    return "".join(
        (
            "" if reason is None else f" ({reason})",
            "" if successor is None else f", credential {successor} takes its place",
            ""
            if effective is None
            else f", with effect from {effective}, recorded {said.signed.day}",
        )
    )


def antedated(said: Said) -> str | None:
    """Return what a reader must know of an act that took effect before it was recorded."""
    effective, recorded = effective_at(said.event), said.signed.day
    if effective is None or effective >= recorded:
        return None
    return (
        f"it was {past(said.event)} with effect from {effective}, recorded {recorded}: from "
        f"{effective} until the record at {said.position} the log did not say so, and what was "
        "verified in between stays as it was"
    )


def uncounted(speakers: Speakers, said: Said) -> Refuted | Unavailable:
    """Return why an event that does not count does not: refuted, or not shown to count."""
    register, signed = speakers.register, said.signed
    what = f"{past(said.event)} at {said.position}"
    organization = register.organizations.get(signed.organization)
    if organization is None:
        return Unavailable(
            f"the evidence leaves out the registration of {signed.organization}, which signed "
            f"what was {what}"
        )
    if signed.key not in organization.keys.keys:
        return Unavailable(
            f"the evidence leaves out where {signed.organization} listed the key that signed what "
            f"was {what}"
        )
    return Refuted(f"{_happened(said)}; {_because(speakers, signed)}")


def _because(speakers: Speakers, signed: Signed) -> str:
    """Return in words why a submission does not count, by a key that its organization listed."""
    organization = speakers.register.organizations[signed.organization]
    name = speakers.called(signed.organization)
    listed = organization.keys.keys[signed.key]
    cut = listed.cut_off_by(signed.position, signed.recorded_at)
    if listed.listing_counts and cut is not None:
        return f"{name} declared at {cut.position} that the key was compromised since {cut.since}"
    why = organization.keys.why_not(signed.key, signed.position, signed.recorded_at)
    return f"of {name}, {why.reason}" if why is not None else f"{name} signed it"


def taken_back(speakers: Speakers, said: Iterable[Said]) -> tuple[str, ...]:
    """Return, in words, which of these events stopped counting because of a declaration."""
    register = speakers.register
    fallen = [
        each for each in said if not register.counts(each.signed) and _listed(register, each.signed)
    ]
    told = (f"{_happened(each)}; {_because(speakers, each.signed)}" for each in fallen[:_TOLD])
    more = [f"and {len(fallen) - _TOLD} more"] if len(fallen) > _TOLD else []
    return (*told, *more)


def _listed(register: Register, signed: Signed) -> bool:
    organization = register.organizations.get(signed.organization)
    return organization is not None and signed.key in organization.keys.keys
