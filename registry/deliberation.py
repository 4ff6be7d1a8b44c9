"""The decisions of one transaction: each submission in its turn, by the rules, on drafts.

Nothing here reads or writes the store: the caller hands in what the rules need from it, and takes
the rows to append. A refused submission leaves the drafts as they were before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from registry import submissions
from registry.checked import Checked
from registry.known import Known
from registry.log_key import refuse_log_key
from registry.outcomes import FlagsRefused, Recorded
from registry.store import EntryRow, SubmissionRow
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event
from testamur.catalogue.submission import submission_entry
from testamur.catalogue.table import Kind, event_types
from testamur.errors import Refusal
from testamur.keys import PublicKey
from testamur.rules import (
    LIMITS,
    Admitted,
    Limits,
    Register,
    admit_events,
    admit_genesis,
    admit_header,
)
from testamur.rules.credentials import Found
from testamur.rules.mending import to_mend
from testamur.rules.register import Judged
from testamur.tlog.merkle import leaf_hash

_OF_CREDENTIALS: Final = event_types(Kind.CREDENTIAL)


class Deliberation:
    """Decides submissions one after the other, as if each were recorded at `recorded_at` (ms).

    `register` is a draft of the caller's; what is admitted is applied to it. `entries` are the
    rows to append, and `of_register` lists those that the register is folded from, as
    `Transaction.append` takes them; `submissions` lists, by stream key, the submissions that these
    rows are of, each with its header entry. `caps` bound what a key may spend.
    """

    def __init__(
        self,
        register: Register,
        known: Known,
        *,
        recorded_at: int,
        log_key: PublicKey,
        caps: Limits = LIMITS,
    ) -> None:
        self.register = register
        self.entries: list[EntryRow] = []
        self.of_register: list[tuple[int, int]] = []
        self.submissions: dict[bytes, tuple[SubmissionRow, bytes]] = {}
        self._credentials = known.credentials.with_lines_of(self._written_now)
        self._recorded = dict(known.recorded)
        self._event_before = known.event_at
        self._recorded_at = recorded_at
        self._totals = known.totals
        self._found: dict[str, Found] = {}
        self._speakers: dict[tuple[str, str | None], Any] = {}
        register.judged = register.judged._replace(speakers=self._speakers)
        self._log_key = log_key
        self._caps = caps
        self._start = register.size
        self._first_lines: dict[bytes, bytes] = {}
        self._lines_until = 0
        self.admitted: list[Admitted] = []
        """What became of the events of the submission decided last, if it was admitted."""

    def decide(self, checked: Checked) -> Recorded:
        """Admit a submission and return its receipt, or the receipt of what it repeats.

        Raises `Refusal`: `jti-conflict`, a rule of `testamur.rules` or `testamur.recording`, or
        `FlagsRefused`, by the flags of this very admission, if its sender asked for that.
        """
        known = self._recorded.get(checked.key)
        if known is not None:
            return self._repeated(checked, *known)
        # Credential events change nothing in the register but its size and its time.
        register_events = len(checked.submission.events) - len(checked.credentials)
        draft, position = self.register, self.register.size
        if register_events:
            draft = self.register.draft()
            draft.judged = draft.judged._replace(speakers=None)
        admitted = self.admitted = self._admitted(draft, checked)
        receipt = Recorded(
            position=position,
            events=len(checked.submission.events),
            recorded_at=self._recorded_at,
            flags=submissions.flags_of(admitted),
            repeated=False,
            reach=submissions.reach_of(admitted),
        )
        self._add_rows(checked, receipt, admitted, register_events)
        if register_events:
            self.register.absorb(draft)
            self._found.clear()
            self._speakers.clear()
            if type(checked.submission.events[0]) in e.KEY_EVENTS:
                before = self.register.judged
                self.register.judged = Judged(
                    speakers=self._speakers, conclusions=before.conclusions, pasts=before.pasts
                )
        return receipt

    def _repeated(self, checked: Checked, signing_input: str, row: SubmissionRow) -> Recorded:
        """Return the receipt of a submission that is on the log, if `checked` is the same."""
        header = checked.submission.header
        if signing_input != header.signing_input:
            raise Refusal(
                "jti-conflict",
                f"{header.payload.iss} used this jti for another submission, "
                f"recorded at position {row.position}",
                line=1,
                value=header.payload.jti,
            )
        return submissions.receipt_of(row, self.register)

    def _admitted(self, draft: Register, checked: Checked) -> list[Admitted]:
        """Fold a submission into `draft` and the credentials; a refusal leaves the latter as is.

        Of the draft it leaves the size and the time.
        """
        size, recorded_at = draft.size, draft.recorded_at
        before = {
            name: self._credentials[name]
            for name in checked.credentials
            if name in self._credentials
        }
        try:
            return self._judged(draft, checked)
        except Refusal:
            draft.size, draft.recorded_at = size, recorded_at
            for name in checked.credentials:
                self._credentials.pop(name, None)
            self._credentials.update(before)
            raise

    def _judged(self, draft: Register, checked: Checked) -> list[Admitted]:
        header, events = checked.submission.header, checked.submission.events
        if draft.size == 0:
            genesis = admit_genesis(draft, header, events, self._recorded_at, self._log_key)
            self._raise_objection(checked)
            return genesis
        signed = admit_header(draft, header, self._recorded_at)
        self._raise_objection(checked)
        admitted = admit_events(
            draft,
            self._credentials,
            signed,
            events,
            event_at=self._event_at,
            verified=checked.verified,
            limits=self._caps,
            totals=self._totals,
            found=self._found if len(events) == len(checked.credentials) else None,
        )
        if checked.refuse_flags:
            self._raise_mendable(events, admitted)
        return admitted

    def _raise_mendable(self, events: Sequence[e.Event], admitted: list[Admitted]) -> None:
        found = to_mend(events, admitted, self.register)
        if found:
            raise FlagsRefused(submissions.flags_of(admitted), found)

    def _raise_objection(self, checked: Checked) -> None:
        """Raise `Refusal` for what no replayer refuses, and is not recorded all the same."""
        if checked.objection is not None:
            raise checked.objection
        if len(checked.submission.events) > len(checked.credentials):
            refuse_log_key(checked.submission.events, self._log_key)

    def _event_at(self, position: int) -> e.Event:
        """Return the event at a position of the log, which this very group may have written."""
        if position < self._start:
            return self._event_before(position)
        return decode_event(self.entries[position - self._start][4])

    def _written_now(self, credential: str) -> bytes:
        """Return the first line under an id that this group wrote."""
        for _, stream, version, _, entry, _ in self.entries[self._lines_until :]:
            if version == 1:
                self._first_lines[stream] = entry
        self._lines_until = len(self.entries)
        return self._first_lines[bytes.fromhex(credential.replace("-", ""))]

    def _add_rows(
        self, checked: Checked, receipt: Recorded, admitted: list[Admitted], register_events: int
    ) -> None:
        submission, position = checked.submission, receipt.position
        issuer, key = checked.signer
        row = SubmissionRow(
            position,
            receipt.events,
            issuer,
            key,
            receipt.recorded_at,
            register_events,
            submissions.pack(receipt.flags, receipt.reach),
            *self._totals.after(checked.signer, checked.sums),
        )
        self._totals.add(checked.signer, row)
        header = submission_entry(submission.header.jws, receipt.recorded_at)
        self.submissions[checked.key] = row, header
        self._recorded[checked.key] = checked.signing_input, row
        first = position + 1
        self.entries.append((first, checked.key, 1, submissions.TOPIC, header, leaf_hash(header)))
        self.entries.extend(
            zip(
                range(first + 1, first + 1 + len(admitted)),
                checked.streams,
                [one.version for one in admitted],
                checked.topics,
                submission.lines,
                submission.leaves,
                strict=True,
            )
        )
        if register_events:
            self.of_register += [
                (number, position)
                for number, event in enumerate(submission.events, first)
                if type(event) not in _OF_CREDENTIALS
            ]
