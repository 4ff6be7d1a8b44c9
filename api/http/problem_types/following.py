"""Rules about what may follow on what is recorded: ids, order, status, caps."""

from __future__ import annotations

from typing import Final

from api.http.problem_types.told import Told

_FRESH: Final = "Make a fresh id; the client makes one by itself."
_SPENT: Final = "Sign with another key: what one key may add is bounded, so that a thief's is."


def _unknown(kind: str) -> Told:
    article = "an" if kind[0] in "aeo" else "a"
    return Told(
        f"An id or DID names {article} {kind} that the register holds, as of the size asked about.",
        "Check the id, look it up by name, or ask as of a later size. What was written with a key "
        "that was not entitled does not count, and is written again.",
    )


TYPES: Final = {
    "achievement-version": Told(
        "The versions of a definition are counted from 1 without a gap.",
        "Take the number that the problem names.",
    ),
    "already-issued": Told(
        "A credential is issued once: its id is in use.",
        "Nothing is to be done if this is the same award; else make a fresh id.",
    ),
    "another-line": Told(
        "An id that does not count is written again by the very same line only.",
        "Submit that line as it was, or make a fresh id.",
    ),
    "authority-count": Told("A key makes so many authorities in its life.", _SPENT),
    "compromise-final": Told(
        "What a key declared of another is final after 90 days.",
        "Let a key of higher rank declare it.",
    ),
    "compromise-position": Told(
        "A declaration names a position before its own, and a key says nothing of its own past.",
        "Leave `since` out, or sign with a key of higher rank.",
    ),
    "dates": Told("What ends, ends after it begins.", "Mend `validUntil` or `validFrom`."),
    "duplicate-submission": Told("A submission is on the log once.", "Nothing is to be done."),
    "effective-at": Told(
        "A status changes where its event is recorded; `effectiveAt` says from which day it "
        "holds, not long ahead.",
        "Submit the event on its day, or leave `effectiveAt` out.",
    ),
    "ended-by-owner": Told("What its owner ended for good is not written again.", _FRESH),
    "grant-count": Told("A key grants one organization so much in its life.", _SPENT),
    "id-taken": Told("An id names one thing for ever.", _FRESH),
    "jti-conflict": Told(
        "An issuer uses a jti for one submission: the same bytes get the same receipt.",
        "Sign with a fresh jti if this is another submission.",
    ),
    "key-count": Told(
        "So many keys of an organization are in force at once.",
        "Retire one first.",
    ),
    "key-events": Told(
        "An organization has so many key events in its life, and a key and a submission fewer.",
        "Submit several, or sign with another recovery key or the founding key.",
    ),
    "key-events-alone": Told(
        "A submission holds key events alone, or none.",
        "Submit the others apart.",
    ),
    "key-twice": Told(
        "An organization lists a key once, and a key says a thing of itself once.",
        "Make a fresh key: testamur keygen.",
    ),
    "organization-twice": Told(
        "An organization is registered once.",
        "Nothing is to be done: it is in the register.",
    ),
    "revision-count": Told("A key revises one achievement so often in its life.", _SPENT),
    "status-event-count": Told("A key says so much about one thing in its life.", _SPENT),
    "stream-length": Told(
        "Of the credentials that a submission names, a bounded number of events was said before.",
        "Submit fewer of them at a time.",
    ),
    "successor": Told(
        "What takes the place of a credential is an active credential of the signer's own, "
        "another one.",
        "Issue the new credential first, and name it.",
    ),
    "time-order": Told(
        "The register's time never goes back.",
        "Set the clock of the server.",
    ),
    "transition": Told(
        "A status follows on certain others: what was revoked is never reinstated.",
        "Look at the history of the thing; what ended for good is issued anew.",
    ),
    "writing-count": Told("A line is written so often and no more.", _FRESH),
    **{
        f"unknown-{kind}": _unknown(kind)
        for kind in ("accreditation", "achievement", "credential", "organization", "recognition")
    },
}
