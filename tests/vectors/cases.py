"""The list of evidence cases: what happened, and the verdict that each check must come to.

    @case("the blind of another credential", refuted="commitment")
    def _(scene: Scene) -> None: ...

A check that is not named holds, unless it rests on one that does not: then it could not be checked.
So could `issuer`, unless a chain leads to the accreditor, who alone is heard on names.
`proof`, which most credentials lack, `learner`, whom nobody asks about, and `blockcert` and
`blockchain`, of a Blockcert alone, are absent unless named. The expected verdicts are written by
hand, and no verifier is asked for them; what rests on what stands in one table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from testamur.verification.checks import CHECKS, RESTS_ON, CheckName
from tests.harness.story import Story
from tests.vectors.scene import Scene

ABSENT: tuple[CheckName, ...] = ("signature", "status", "accreditation", "recognition")
"""What says that something did not happen, too."""
OPTIONAL: tuple[CheckName, ...] = ("proof", "learner", "blockcert", "blockchain")
"""What there may be nothing to look at for."""
UNREAD = "signature commitment"
"""What cannot be checked of evidence that cannot be read, and with it all that rests on these."""


def _below(name: CheckName) -> set[CheckName]:
    """Return all that a check rests on."""
    direct = set(RESTS_ON[name])
    return direct.union(*map(_below, direct))


Act = Callable[[Scene], None]


@dataclass
class Case:
    """One vector to make: what happens in the scene of a story, and the verdicts due."""

    desc: str
    act: Act
    expected: dict[str, str]
    evidence_from: str
    story: Callable[[], Story] = field(default=lambda: Story(name="vectors"))

    @property
    def file_name(self) -> str:
        """The name of its file, made of the description."""
        plain = self.desc.replace("'", "").replace(",", "").replace(":", "")
        return plain.lower().replace(" ", "-") + ".json"


CASES: list[Case] = []


def case(
    desc: str,
    *,
    refuted: str = "",
    unchecked: str = "",
    holds: str = "",
    file: bool = False,
    story: Callable[[], Story] | None = None,
) -> Callable[[Act], Act]:
    """Register what happens in a scene. Names of checks have spaces between them.

    The evidence is what a register gave or a replay found, unless it is a `file`: then what says
    that something did not happen could not be checked.
    """

    def add(act: Act) -> Act:
        expected: dict[str, str] = {name: "holds" for name in CHECKS if name not in OPTIONAL}
        for verdict, names in (
            ("holds", holds),
            ("refuted", refuted),
            ("could not check", unchecked),
        ):
            expected |= dict.fromkeys(names.split(), verdict)
        for name in CHECKS:
            if name in expected and any(expected[below] != "holds" for below in _below(name)):
                expected[name] = "could not check"
        if expected["recognition"] != "holds":
            expected["issuer"] = "could not check"
        for name in ABSENT if file else ():
            if expected[name] == "holds":
                expected[name] = "could not check"
        ordered: dict[str, str] = {name: expected[name] for name in CHECKS if name in expected}
        made = Case(desc, act, ordered, "file" if file else "register")
        if story is not None:
            made.story = story
        CASES.append(made)
        return act

    return add
