"""Long searches for a story that breaks a property: `python -m tests.trust_model.search --help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from tests.trust_model.key_states import explore
from tests.trust_model.properties import OF_COUNTING, PROPERTIES, violations
from tests.trust_model.random_story import tell
from tests.trust_model.settings import PRODUCT, SMALL, Rule, Settings
from tests.trust_model.shared import compare
from tests.trust_model.story import Register


def main() -> int:
    """Tell stories from seed to seed; print each kind of violation once, with its story."""
    options = _options()
    without = [Rule[name] for name in options.without]
    if options.keys:
        return _explore(options.keys, PRODUCT.less(*without))
    settings = replace(SMALL.less(*without), every_status=options.every_status)
    search: Callable[[int], tuple[list[str], Register]]
    if options.shared:
        search = compare
    else:

        def search(seed: int) -> tuple[list[str], Register]:
            story = tell(seed, settings, late=options.late, steps=options.steps)
            properties = OF_COUNTING if options.late else PROPERTIES
            return violations(story, properties), story.register

    kinds: dict[str, int] = {}
    told, end = 0, monotonic() + options.seconds
    for seed in range(options.seed, options.seed + options.stories):
        if monotonic() > end:
            break
        told += 1
        found, register = search(seed)
        for violation in found:
            kind = violation.split(":")[0]
            if kind not in kinds:
                _print_story(seed, violation, register)
            kinds[kind] = kinds.get(kind, 0) + 1
    _say(f"{told} stories from seed {options.seed}: {kinds or 'no violation'}")
    return 1 if kinds else 0


def _explore(depth: int, settings: Settings) -> int:
    states, found = explore(depth, settings)
    for violation, moves in found.items():
        _say(violation)
        for pen, key, event in moves:
            _say(f"  {pen:6} {key:12} {event}")
    _say(f"{states} states to depth {depth}, {len(found)} kinds of violation")
    return 1 if found else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.trust_model.search", description=__doc__)
    parser.add_argument("--stories", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3600, help="stop after so long")
    parser.add_argument("--steps", type=int, default=40, help="at most, in each round of a story")
    parser.add_argument("--keys", type=int, metavar="DEPTH", help="all orders of key moves instead")
    parser.add_argument("--shared", action="store_true", help="compare with the shared model")
    parser.add_argument("--late", action="store_true", help="thefts found after 100 days")
    parser.add_argument("--every-status", action="store_true", help="a rule proposed, see settings")
    parser.add_argument(
        "--without", nargs="*", default=[], metavar="RULE", help="rules of settings.py to take away"
    )
    return parser.parse_args()


def _print_story(seed: int, violation: str, register: Register) -> None:
    _say(f"seed {seed}: {violation}")
    position = 2  # the genesis is a header and one event
    for step in register.steps:
        admitted = step.answer == "admitted"
        place = f"{position:5}" if admitted else "     "
        events = "; ".join(map(repr, step.events))
        _say(f"  {place} {step.by:8} {step.key:12} {events} {'' if admitted else step.answer}")
        position += (1 + len(step.events)) if admitted else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
