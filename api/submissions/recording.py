"""Records submissions: checked in threads, offered to the gate, awaited on the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from api.http.problems import not_now
from api.processes.wakeups import COMMIT_SECONDS, Wakeups
from api.submissions.hops import Hops
from api.submissions.quota import Quota
from registry.gate import Checked, Examined, FlagsRefused, Gate, Outcome, Recorded
from testamur.catalogue.submission import first_line, parse
from testamur.errors import Refusal, Unavailable, detached

# From this size on a submission is checked by itself; smaller ones together, up to so many.
ALONE_BYTES: Final = 32 * 1024
TOGETHER: Final = 32

_log: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class _Offered:
    """A body on its way through a thread to the gate; `ticket` gets the outcome."""

    body: bytes
    examined: Examined | None
    ticket: asyncio.Future[Outcome]
    refuse_flags: bool
    hops: Hops
    checked: Checked | None = None
    reserved: bool = False
    """Whether its signer was charged for it."""


class RefusedForFlags(Exception):
    """The outcome of a submission that was refused for its flags."""

    def __init__(self, checked: Checked, refusal: FlagsRefused) -> None:
        self.checked = checked
        self.refusal = refusal
        super().__init__(str(refusal))


class Recorder:
    """Checks submissions on `threads` and offers them to `gate`, within the quota of each signer.

    `ways`, if there is one, tells the hops of each ticket that the gate has.
    """

    def __init__(
        self,
        gate: Gate,
        wakeups: Wakeups,
        threads: Executor,
        quota: Quota,
        ways: dict[object, Hops] | None = None,
    ) -> None:
        self._gate = gate
        self._quota = quota
        self._ways = ways
        self._wakeups = wakeups
        self._threads = threads
        self._unchecked: list[_Offered] = []

    async def examine(self, line: bytes) -> Examined:
        """Return line 1 of a submission, whose other lines are not read yet.

        Raises `Refusal`, and `TooMany` if its signer must wait.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._examined, line)

    async def examine_dry_run(self, line: bytes) -> Examined:
        """Return line 1 of a dry run, whose other lines are not read yet; raises likewise."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._gate.examine_dry_run, line)
        self._quota.check(found.header.payload.iss)
        return found

    async def record(
        self, body: bytes, examined: Examined | None, hops: Hops, *, refuse_flags: bool = False
    ) -> tuple[Checked, Recorded]:
        """Return the submission in `body`, and where it was recorded.

        `examined` is its first line, if that was examined already. With `refuse_flags`, flags that
        its sender can mend stop it (`RefusedForFlags`). Raises `Refusal`, `Unavailable`, and a 503
        `Problem` when the commit takes too long.
        """
        offered = _Offered(body, examined, self._wakeups.ticket(), refuse_flags, hops)
        if self._ways is not None:
            self._ways[offered.ticket] = hops
        if len(body) >= ALONE_BYTES:
            self._threads.submit(self._offer_each, [offered])
        else:
            self._unchecked.append(offered)
            if len(self._unchecked) == 1:
                # Submissions that arrive in the same turn of the loop share one crossing to a
                # thread, which costs as much as checking one of them.
                asyncio.get_running_loop().call_soon(self._offer_together)
        try:
            outcome = await offered.ticket
        except TimeoutError:
            raise not_now(
                "commit-delayed",
                f"not settled within {COMMIT_SECONDS:.0f} s; it may still be recorded, so send "
                "the same submission again",
            ) from None
        finally:
            if self._ways is not None:
                del self._ways[offered.ticket]
        hops.settled = perf_counter()
        self._settle_quota(offered, outcome)
        if isinstance(outcome, FlagsRefused) and offered.checked is not None:
            raise RefusedForFlags(offered.checked, outcome)
        if isinstance(outcome, Exception):
            raise outcome
        assert offered.checked is not None  # noqa: S101  # or it had not been offered
        return offered.checked, outcome

    def _examined(self, line: bytes) -> Examined:
        """Return line 1, signed by somebody in the register who need not wait."""
        found = self._gate.examine(line)
        self._quota.check(found.header.payload.iss)
        return found

    def _reserve(self, offered: _Offered, checked: Checked) -> None:
        """Charge the signer of a submission; raises `TooMany` if it must wait.

        Anybody can send what is on the log. That is not charged, not even until the gate has
        found it: meanwhile its signer would have to wait for a stranger.
        """
        names = checked.submission.header.payload
        if self._quota.limited and self._gate.receipt(names.iss, names.jti) is None:
            self._quota.reserve(names.iss, len(checked.submission.events))
            offered.reserved = True

    def _give_back(self, offered: _Offered) -> None:
        if offered.reserved and offered.checked is not None:
            submission = offered.checked.submission
            self._quota.give_back(submission.header.payload.iss, len(submission.events))
            offered.reserved = False

    def _settle_quota(self, offered: _Offered, outcome: Outcome) -> None:
        if isinstance(outcome, Unavailable) or (isinstance(outcome, Recorded) and outcome.repeated):
            self._give_back(offered)
        elif offered.checked is not None and not offered.reserved:
            # Its name is on the log, and what its signer signed under it now is something else.
            submission = offered.checked.submission
            self._quota.charge(submission.header.payload.iss, len(submission.events))

    def _offer_together(self) -> None:
        together, self._unchecked = self._unchecked, []
        for at in range(0, len(together), TOGETHER):
            self._threads.submit(self._offer_each, together[at : at + TOGETHER])

    def _offer_each(self, together: Sequence[_Offered]) -> None:
        """Check submissions and offer them to the gate; runs in a thread.

        Refusals reach the event loop in one call, like commits: it may have a crowd to serve.
        """
        failed: list[tuple[object, Outcome]] = []
        for offered in together:
            try:
                examined = offered.examined or self._examined(_first_line(offered.body))
                offered.hops.header = examined.header
                offered.checked = self._gate.check(
                    offered.body, examined, refuse_flags=offered.refuse_flags
                )
                offered.hops.checked = perf_counter()
                self._reserve(offered, offered.checked)
                self._gate.offer(offered.checked, offered.ticket)
            except (Refusal, Unavailable) as error:
                failed.append((offered.ticket, detached(error)))
            except Exception:  # noqa: BLE001  # a fault of ours: the waiting request must end
                _log.exception("a submission could not be checked")
                failed.append((offered.ticket, Unavailable("it could not be checked")))
        if failed:
            self._wakeups.on_settled(failed)


def _first_line(body: bytes) -> bytes:
    """Return line 1 of a whole body; raises the `Refusal` of a body that has none."""
    line = first_line(body)
    if line is None:
        parse(body)
    return line or b""
