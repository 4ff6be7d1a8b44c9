"""What the verifier concludes about the credentials of a story, compared with the model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, TypeAlias

from testamur.verification.report import Report, Verdict
from tests.trust_model import verdict as model
from tests.trust_model.story import as_logged
from tests.trust_model.world import World
from tests.trust_stories.naming import did_of
from tests.trust_stories.published import PublishedStory

_OUTCOMES: Final[Mapping[Verdict, model.Outcome]] = {
    Verdict.HOLDS: "holds",
    Verdict.REFUTED: "refuted",
    Verdict.UNCHECKED: "unchecked",
}
_STEPS: Final[Mapping[str, tuple[model.Check, ...]]] = {
    "commitment": ("commitment",),
    "signature": ("signature",),
    "status": ("status",),
    "achievement": ("facts",),
    "accreditation": ("accreditation",),
    "recognition": ("recognition",),
    "issuer": ("issuer", "name"),
}
"""By step of the verifier, the checks of the model that it makes. The others are about bytes."""


Positions: TypeAlias = list[tuple[int, list[int]]]
Find: TypeAlias = Callable[[str, Collection[str]], Positions]
"""Returns the positions that bear on a credential's id, with chains to anchors (DIDs)."""


def differences(
    published: PublishedStory,
    world: World,
    anchors: Collection[str],
    *,
    given: bool = True,
    find: Find,
) -> Iterator[str]:
    """Yield what differs about any credential that `world` knows; the model's says `there`.

    `given` says whether the verifier names the anchors; without any it uses the root authorities.
    `find` says which entries are shown, as of the size of `world`.
    """
    asked = anchors if given else ()
    for name, holder in published.credentials(world.size).items():
        positions = find(holder.id, tuple(map(did_of, asked)))
        evidence = published.excerpt(name, positions, as_of=world.size)
        report = published.report(name, evidence, holder=holder, anchors=asked)
        expected = model.verdict(world, as_logged(world.log, name), anchors)
        here, there = found(report), wanted(expected)
        if here != there:
            yield f"verdict: on {name} {_unlike(here, there)}; {expected}\n{_told(report)}"


def found(report: Report) -> dict[str, str]:
    """Return the outcome of each step that the model makes too, and of the whole report."""
    made: dict[str, str] = {each.name: _OUTCOMES[each.verdict] for each in report.checks}
    steps = {step: made[step] for step in _STEPS}
    if steps["signature"] == "refuted":
        # That the line is on the log holds all the same: the model has no log beside what counts.
        steps["commitment"] = "unchecked"
    return {**steps, "exit code": str(report.exit_code)}


def wanted(verdict: model.Verdict) -> dict[str, str]:
    """Return the same of the model's verdict."""
    steps = {step: _together(verdict, checks) for step, checks in _STEPS.items()}
    codes = {"holds": 0, "refuted": 1, "unchecked": 2}
    return {**steps, "exit code": str(codes[verdict.outcome])}


def _together(verdict: model.Verdict, checks: tuple[model.Check, ...]) -> str:
    outcomes = {verdict.checks[check][0] for check in checks}
    return next(each for each in ("refuted", "unchecked", "holds") if each in outcomes)


def _unlike(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    unlike = (step for step in here if here[step] != there[step])
    return ", ".join(f"{step} is {here[step]}, {there[step]} there" for step in unlike)


def _told(report: Report) -> str:
    return "\n".join(f"  {each.name}: {each.verdict} ({each.detail})" for each in report.checks)
