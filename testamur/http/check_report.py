"""The check report (`testamur/check/1`): what the registry would make of a submission.

The registry writes it and the client reads it, so the format is declared once, here. It promises
nothing: a submission that it accepts may be refused a moment later.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

import msgspec
from msgspec import Meta

from testamur.catalogue.submission import MAX_EVENTS
from testamur.errors import Refusal, printable
from testamur.rules.flags import FLAGS, MendedBy
from testamur.rules.reach import Reach
from testamur.verification.receipt import Flagged

_WRITTEN_AGAIN: Final = "nothing: a line that does not count is written again as it was"
_WORDS: Final = 120  # characters of what a registry calls a rule or a value


class FlagReport(Flagged, frozen=True, gc=False, omit_defaults=True, rename="camel"):
    """A flag that events would be admitted with, what it is about, and how it is mended by whom.

    `details` name what is missing, which scope, by how many days; the first of them. `mended_by` is
    sender, accreditor, authority or nobody: so where all lines are written again as they were.
    """

    details: tuple[str, ...] = ()
    mended_by: str | None = None
    remedy: str | None = None

    @classmethod
    def of(cls, flagged: Flagged, details: tuple[str, ...] = (), *, to_mend: bool = True) -> Self:
        """Return the report of a flag that the rules know.

        Not `to_mend` is one that its sender could mend if the lines were not there already.
        """
        flag = FLAGS[flagged.code]
        fixed = flag.mended_by is MendedBy.SENDER and not to_mend
        return cls(
            flagged.code,
            flagged.count,
            flagged.first_line,
            details=details,
            mended_by=(MendedBy.NOBODY if fixed else flag.mended_by).value,
            remedy=_WRITTEN_AGAIN if fixed else flag.remedy,
        )


class FlagsRefused(Refusal):
    """A submission was refused for flags that its sender can mend; `flags` are all it has."""

    def __init__(
        self,
        rule: str,
        detail: str,
        *,
        line: int | None = None,
        value: object = None,
        flags: tuple[FlagReport, ...] = (),
    ) -> None:
        super().__init__(rule, detail, line=line, value=value)
        self.flags = flags


class RefusalReport(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, rename="camel"
):
    """One broken rule; `line` counts from 1, the header of the submission being line 1.

    `flags` are given if the submission was refused for them.
    """

    rule: str
    detail: str
    line: Annotated[int, Meta(ge=1, le=MAX_EVENTS + 1)] | None = None
    value: str | None = None
    flags: tuple[FlagReport, ...] = ()

    def refusal(self) -> Refusal:
        """Return the `Refusal` this stands for."""
        rule = printable(self.rule, _WORDS)
        if self.flags:
            refusal: Refusal = FlagsRefused(rule, self.detail, line=self.line, flags=self.flags)
        else:
            refusal = Refusal(rule, self.detail, line=self.line)
        # The registry escapes values, so they must not be escaped again; a bad one may not have.
        refusal.value = None if self.value is None else printable(self.value, _WORDS)
        return refusal


class CheckReport(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """What a dry run found as of `size`: whether it is accepted, or every rule it breaks.

    Of more than 1,000 refusals the first are listed, and `left_off` counts the others. `reach`
    sums up what a declaration would change about the counting of earlier submissions.
    """

    format: Literal["testamur/check/1"]
    accepted: bool
    size: int
    refusals: tuple[RefusalReport, ...] = ()
    flags: tuple[FlagReport, ...] = ()
    left_off: int = 0
    reach: Reach | None = None
