"""What an operator asks of a process: where its numbers are shown, what is logged and limited."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from api.limits import RateLimits
from api.operations import series
from api.operations.observer import Observer
from api.operations.port import Answers, OperationsPort
from api.operations.records import RecordWriter
from api.operations.series import Role
from api.operations.tracing import traces_of


@dataclass(frozen=True, slots=True)
class Operations:
    """`address` is the host and port of what is for operators alone, if that is wanted.

    `limits` are those of the public face. `writer` writes the log records; with `submissions` each
    submission is one.
    """

    address: tuple[str, int] | None = None
    limits: RateLimits | None = None
    writer: RecordWriter | None = None
    submissions: bool = False

    @contextmanager
    def observer(self, *roles: Role) -> Iterator[Observer]:
        """Yield what a process with these roles reports to; traces go where the environment says.

        Raises `Unavailable` when they are asked for and cannot be sent.
        """
        with ExitStack() as stack:
            traces = traces_of()
            if traces is not None:
                stack.callback(traces.close)
            observer = Observer(
                *roles,
                traces=traces,
                records=self.submissions,
                trusts=(self.limits or RateLimits()).trusts,
            )
            writer = self.writer
            observer.numbers.read(series.RECORDS_LOST, lambda: writer.lost if writer else 0)
            yield observer

    def port(self, answers: Answers, stack: ExitStack) -> OperationsPort | None:
        """Return the port for operators, which `stack` closes; None if none is wanted."""
        if self.address is None:
            return None
        return stack.enter_context(closing(OperationsPort(*self.address, answers)))
