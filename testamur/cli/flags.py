"""What a person is told about flags: what each is about, who can mend it, and how.

A registry says which flags there are and what they are about. How they are mended is said in our
own words where the flag is one that we know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from testamur.cli.terminal import note
from testamur.errors import printable
from testamur.http.check_report import CheckReport, FlagReport
from testamur.rules.flags import FLAGS, Flag, MendedBy
from testamur.verification.receipt import Flagged

Where: TypeAlias = Callable[[int], str]

_WORDS = 120
_DETAIL = 600
_DETAILS = 5  # as many as a registry tells of one flag


def tell_of_flags(flags: Sequence[Flagged], where: Where | None = None) -> None:
    """Print each flag, what it is about and what can be done.

    `where` names what is on a line, such as a row of the user's own table.
    """
    for flag in flags[: 2 * len(FLAGS)]:
        note(flag_in_words(flag, where), "yellow" if can_be_mended(flag) else "")
        for line in _more(flag):
            note(f"  {line}")


def tell_of_registry(tried: CheckReport | None, where: Where | None = None) -> None:
    """Print the flags that a registry would put on, and as of when; nothing if it was not asked."""
    if tried is not None:
        tell_of_flags(tried.flags, where)
        flags = "" if tried.flags else "; it would flag none"
        note(f"Compared with what the registry says at {tried.size:,} entries{flags}")


def flag_in_words(flag: Flagged, where: Where | None = None) -> str:
    """Return which flag it is, how often, and where first."""
    times = "once" if flag.count == 1 else f"{flag.count:,} times"
    first = f"line {flag.first_line}" if where is None else where(flag.first_line)
    return f"flagged {printable(flag.code, _WORDS)}: {times}, first on {first}"


def can_be_mended(flag: Flagged) -> bool:
    """Return whether the sender can mend a flag; the registry says so if it says anything.

    A line that is written again cannot be mended, and only the registry knows of it.
    """
    known = FLAGS.get(flag.code)
    stated = flag.mended_by if isinstance(flag, FlagReport) else None
    if stated not in set(MendedBy):
        stated = known.mended_by if known else None
    return stated == MendedBy.SENDER


def _more(flag: Flagged) -> Iterator[str]:
    known: Flag | None = FLAGS.get(flag.code)
    meaning = f"{known.meaning}" if known else ""
    if meaning:
        yield f"{meaning}."
    if not isinstance(flag, FlagReport):
        return
    for detail in flag.details[:_DETAILS]:
        yield printable(detail, _DETAIL)
    ours = known if known and flag.mended_by in (None, known.mended_by) else None
    remedy = ours.remedy if ours else printable(flag.remedy or "", _DETAIL)
    if remedy:
        yield f"What to do: {remedy}."
