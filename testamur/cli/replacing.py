"""Which credential takes the place of which: those of one learner and one achievement.

The index that `prepare` writes says whose each credential is, and the events beside it which
achievement each awards. The log knows neither learner nor reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from testamur.badges.prepared_folder import EVENTS, INDEX
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.lines import decode_event
from testamur.catalogue.submission import MAX_BYTES
from testamur.cli.files import naming, read
from testamur.cli.prepared_index import index_rows
from testamur.errors import Refusal

_RULE: Final = "replacement"
Award = tuple[str, str]
"""A learner, and the id of an achievement."""


class Replacements(NamedTuple):
    """Pairs of an old and a new credential, and how many new ones take nobody's place."""

    pairs: list[tuple[str, str]]
    added: int


def replacements(old: Path, new: Path) -> Replacements:
    """Return what of the folder `new` takes the place of what of the folder `old`.

    Both are as `prepare` writes them. Raises `Refusal` (`replacement`) for a learner who is awarded
    the same achievement twice in one of them, or if no award is in both.
    """
    before, after = _awards(old), _awards(new)
    pairs = [(before[award], made) for award, made in after.items() if award in before]
    if not pairs:
        raise Refusal(_RULE, f"no learner has the same achievement in {old} and in {new}")
    return Replacements(pairs, len(after) - len(pairs))


def _awards(folder: Path) -> dict[Award, str]:
    """Return, by learner and achievement, the credential that was prepared."""
    achievements = dict(_issued(folder / EVENTS))
    found: dict[Award, str] = {}
    with naming(folder / INDEX) as index:
        for row in index_rows(index, _RULE):
            learner, credential = row.get("learner"), row.get("credential")
            if not learner or credential not in achievements:
                continue  # a badge that names its learner by a hash alone, or was not issued
            award = learner, achievements[credential]
            if award in found:
                raise Refusal(
                    _RULE,
                    "awards this learner the same achievement twice; replace them one by one",
                    value=learner,
                )
            found[award] = credential
    return found


def _issued(events: Path) -> Iterator[tuple[str, str]]:
    with naming(events):
        for line in read(events, MAX_BYTES).splitlines():
            event = decode_event(line)
            if isinstance(event, CredentialIssued):
                yield event.credential, event.achievement
