"""Many stories through the product: `python -m tests.trust_stories.search --help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

from tests.trust_model import shared
from tests.trust_model.random_story import tell
from tests.trust_model.story import Register
from tests.trust_stories import gate_level, log_level, rules_level

LEVELS: Final[dict[str, Callable[[Path, Register], list[str]]]] = {
    "rules": lambda _, told: rules_level.compare(told),
    "gate": lambda folder, told: gate_level.compare(told, folder),
    "log": lambda folder, told: log_level.compare(told, folder),
}


def main() -> int:
    """Play story after story; print each kind of difference once, with its story's seed."""
    options = _options()
    compare = LEVELS[options.level]
    kinds: dict[str, int] = {}
    played, end = 0, monotonic() + options.seconds
    for seed, told, unlike in _stories(options):
        if monotonic() > end:
            break
        played += 1
        with TemporaryDirectory() as folder:
            differences = [*unlike, *compare(Path(folder), told)]
        for difference in differences:
            kind = difference.split(":")[0]
            if kind not in kinds:
                _say(f"seed {seed}: {difference}")
            kinds[kind] = kinds.get(kind, 0) + 1
    _say(f"{played} stories from seed {options.seed}: {kinds or 'no difference'}")
    return 1 if kinds else 0


def _stories(options: argparse.Namespace) -> Iterator[tuple[int, Register, list[str]]]:
    """Yield stories, and where the two models differ about one if both are asked."""
    for seed in range(options.seed, options.seed + options.stories):
        if options.shared:
            unlike, told = shared.compare(seed)
            yield seed, told, unlike
        else:
            # In every third story thefts are found late, so that declarations reach their limits.
            yield seed, tell(seed, late=seed % 3 == 0, steps=options.steps).register, []


def _options() -> argparse.Namespace:
    program = "python -m tests.trust_stories.search"
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("--level", choices=LEVELS, default="rules", help="how much of the product")
    parser.add_argument("--shared", action="store_true", help="ask the shared model as well")
    parser.add_argument("--stories", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3600, help="stop after so long")
    parser.add_argument("--steps", type=int, default=40, help="at most, in each round of a story")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
