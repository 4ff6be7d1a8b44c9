"""The check report (`testamur/check/1`): what the registry would make of a submission.

The registry writes it and the client reads it, so the format is declared once, here. It promises
nothing: a submission that it accepts may be refused a moment later.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from testamur.catalogue.submission import MAX_EVENTS
from testamur.errors import Refusal, printable
from testamur.rules.reach import Reach
from testamur.verification.receipt import Flagged

_WORDS: Final = 120  # characters of what a registry calls a rule or a value


class RefusalReport(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, rename="camel"
):
    """One broken rule; `line` counts from 1, the header of the submission being line 1."""

    rule: str
    detail: str
    line: Annotated[int, Meta(ge=1, le=MAX_EVENTS + 1)] | None = None
    value: str | None = None

    def refusal(self) -> Refusal:
        """Return the `Refusal` this stands for."""
        refusal = Refusal(printable(self.rule, _WORDS), self.detail, line=self.line)
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
    flags: tuple[Flagged, ...] = ()
    left_off: int = 0
    reach: Reach | None = None
