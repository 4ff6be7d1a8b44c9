"""Dry runs: every refusal and flag that events would meet with; nothing is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from api.submissions.quota import Quota
from registry.gate import Checked, DryRun, Examined, FlagsRefused, Gate
from testamur.catalogue.submission import MAX_HEADER
from testamur.errors import Unavailable
from testamur.http.check_report import CheckReport, FlagReport, RefusalReport
from testamur.verification.receipt import flagged

MAX_REPORTED: Final = 1_000
"""Refusals that a dry run lists: a short body must not cause an answer of megabytes."""


class DryRuns:
    """Rehearses dry runs in a thread of its own, within the `quota` of each organization.

    So they never delay real submissions.
    """

    def __init__(self, gate: Gate, quota: Quota) -> None:
        self._gate = gate
        self._quota = quota
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="testamur-dry-run")

    def close(self) -> None:
        """Wait for the dry run under way."""
        self._thread.shutdown()

    async def explain(self, checked: Checked, refusal: FlagsRefused) -> tuple[FlagReport, ...]:
        """Return what the flags of a submission are about that was refused for them."""
        loop = asyncio.get_running_loop()
        try:
            details = await loop.run_in_executor(self._thread, self._gate.details, checked)
        except Unavailable:
            details = {}  # it was refused all the same, for these flags
        return explained(refusal.flags, details, refusal.to_mend)

    async def report(self, body: bytes, examined: Examined | None) -> bytes:
        """Return the check report of the dry run in `body`, as JSON.

        `examined` is its first line, if that was examined already. Raises `Refusal`, and `TooMany`
        if its signer must wait.
        """
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._report, body, examined
        )

    def _report(self, body: bytes, examined: Examined | None) -> bytes:
        if examined is None:
            examined = self._gate.examine_dry_run(body[: MAX_HEADER + 1].partition(b"\n")[0])
        payload = examined.header.payload
        self._quota.check(payload.iss)
        found = self._gate.dry_run(body, examined)
        self._quota.charge(payload.iss, payload.events)
        return msgspec.json.encode(report_of(found))


def explained(
    flags: tuple[tuple[int, str], ...],
    details: Mapping[str, tuple[str, ...]],
    to_mend: Collection[str],
) -> tuple[FlagReport, ...]:
    """Return flags, as (line, code), summed up by code, with what each is about.

    `to_mend` are the codes of those that the sender can mend.
    """
    return tuple(
        FlagReport.of(each, details.get(each.code, ()), to_mend=each.code in to_mend)
        for each in flagged(flags)
    )


def report_of(found: DryRun) -> CheckReport:
    """Return the report that a dry run makes."""
    refusals = tuple(
        RefusalReport(rule=each.rule, detail=each.detail, line=each.line, value=each.value)
        for each in found.refusals[:MAX_REPORTED]
    )
    return CheckReport(
        format="testamur/check/1",
        accepted=not refusals,
        size=found.size,
        refusals=refusals,
        flags=explained(found.flags, found.details, found.to_mend),
        left_off=found.refusals.total - len(refusals),
        reach=found.reach,
    )
