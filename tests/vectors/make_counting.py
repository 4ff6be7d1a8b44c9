"""Makes `counting/`: an organization's submissions, and which of them count as of a size.

    python -m tests.vectors.make_counting

Most lives are told in `cases_counting.py`. Those of `stories.json` are random ones, thefts and
recoveries included, with the answers of the executable model in `tests/trust_model`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.submission import format_time
from tests.harness.story import NOW, private_key
from tests.trust_model.events import KeyCompromised, KeyListed, KeyRetired
from tests.trust_model.events import KeyEvent as ModelEvent
from tests.trust_model.random_story import tell
from tests.trust_model.submissions import Submission
from tests.trust_model.world import World, evaluate
from tests.vectors.cases_counting import LIVES, told
from tests.vectors.files import render, write

FOLDER: Final = Path(__file__).parent / "counting"
_SEEDS: Final = range(40)
_EVENTFUL: Final = 4
"""A random life is kept if it has so many submissions of key events, and one that falls."""
_NOTE: Final = (
    "Lives of one organization's keys: its registration, what it signed, and which of its "
    "submissions count as of a size, which do not. Those with `events` hold key events alone."
)


@cache
def counting_files() -> dict[str, str]:
    """Return each file's name and text."""
    files = {
        f"{name}.json": _file(told(name), "The answers are written by hand.") for name in LIVES
    }
    files["stories.json"] = _file(_stories(), "The answers are those of an executable model.")
    return files


def _file(cases: list[dict[str, Any]], answers: str) -> str:
    document = {"note": f"{_NOTE} {answers} Made by make_counting.py."}
    lines = [render(case).replace("\n ", "\n  ").rstrip("\n") for case in cases]
    head = render(document).removesuffix("\n}\n")
    return head + ',\n "cases": [' + ",".join(lines) + "]\n}\n"


def _stories() -> list[dict[str, Any]]:
    found = []
    for seed in _SEEDS:
        world = tell(seed, late=seed % 2 == 1).register.world
        for organization in sorted(world.registrations):
            case = _life(world, organization, seed)
            if case is not None:
                found.append(case)
    return found


def _life(world: World, organization: str, seed: int) -> dict[str, Any] | None:
    position, registered = world.registrations[organization]
    own = [each for each in world.log if each.organization == organization]
    about_keys = [each for each in own if each.has_key_events]
    if len(about_keys) < _EVENTFUL or all(each.position in world.counting for each in own):
        return None
    # As of the end of each submission of key events: what counts changes nowhere else.
    counts = [
        _counts(world, own, size) for size in (*(each.end for each in about_keys), world.size)
    ]
    return {
        "desc": f"{organization} in random story {seed}",
        "registered": {
            "organization": f"did:key:{_multikey(organization)}",
            "position": position,
            "recoveryKeys": [_multikey(key) for key in registered.recovery_keys],
            "signingKeys": sorted(_multikey(key) for key in registered.signing_keys),
        },
        "submissions": [_submission(each) for each in own],
        "counts": counts,
    }


def _counts(world: World, own: list[Submission], size: int) -> dict[str, Any]:
    counting = evaluate(world.log, size, world.settings).counting
    before = [each.position for each in own if each.end <= size]
    return {
        "asOf": size,
        "counting": [position for position in before if position in counting],
        "not": [position for position in before if position not in counting],
    }


def _submission(submission: Submission) -> dict[str, Any]:
    found = {
        "position": submission.position,
        "key": _multikey(submission.key),
        "recordedAt": format_time(NOW * 1000 + submission.recorded_at),
    }
    if submission.has_key_events:
        events = [_event(each) for each in submission.key_events()]
        found["events"] = [msgspec.to_builtins(each) for each in events]
    return found


def _event(event: ModelEvent) -> e.KeyEvent:
    key = _multikey(event.key)
    match event:
        case KeyListed():
            return e.KeyListed(as_=event.kind, key=key)
        case KeyRetired():
            return e.KeyRetired(key=key)
        case KeyCompromised():
            return e.KeyCompromised(key=key, since=event.since, kept=event.kept or None)


def _multikey(name: str) -> str:
    return private_key(f"counting {name}").public.multikey()


if __name__ == "__main__":
    write(FOLDER, counting_files())
