"""The decisions of one transaction: each submission in its turn, by the rules, on drafts.

Nothing here reads or writes the store: what the rules need to know of it is given, what they
admit is returned as rows. A refused submission leaves the drafts as they were before it, so it
spoils nothing for those behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from registry import submissions
from registry.credential_streams import changed_by
from registry.outcomes import Recorded
from registry.sequence import Row, Value
from testamur.catalogue import events as e
from testamur.catalogue.submission import SignedHeader, Submission, submission_entry
from testamur.errors import Refusal
from testamur.keys import PublicKey
from testamur.rules import (
    Admitted,
    CredentialState,
    Register,
    admit_events,
    admit_genesis,
    admit_header,
)
from testamur.tlog.merkle import leaf_hash

_TOPICS: Final = {event: name for name, event in e.EVENTS.items()}


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission whose form and root are good, and by which key its signature is, if known.

    `size` is that of the file in bytes. What the committer needs to know of it is worked out
    here, in the caller's thread, because the committer holds a lock while it works.
    """

    submission: Submission
    verified_by: PublicKey | None
    size: int
    key: bytes
    """The id of its stream: the idempotency key."""
    credentials: list[str]
    """The credentials it may bring about or change."""
    needed: list[str]
    """The credentials that must exist for it."""

    @classmethod
    def of(cls, submission: Submission, verified_by: PublicKey | None, size: int) -> Checked:
        """Return `submission` with what follows from it."""
        payload, events = submission.header.payload, submission.events
        credentials = [event.credential for event in events if isinstance(event, e.CredentialEvent)]
        key = submissions.stream_key(payload.iss, payload.jti)
        return cls(submission, verified_by, size, key, credentials, changed_by(events))


@dataclass(frozen=True)
class Admission:
    """One submission admitted on drafts: its rows, and what to keep or take back."""

    checked: Checked
    receipt: Recorded
    rows: list[Row]
    policy_events: int
    register: Register
    before: dict[str, CredentialState]

    @property
    def index_row(self) -> tuple[Value, ...]:
        """Its row in the table of submissions."""
        issuer = self.checked.submission.header.payload.iss
        return submissions.row_of(self.receipt, issuer, self.policy_events)


class Deliberation:
    """Decides submissions one after the other, as if each were recorded at `recorded_at` (ms).

    `register` is what those kept make of the register that was given, which stays as it is.
    `credentials` holds those that the submissions name and that exist; `recorded`, by stream
    key, the submissions among them that are on the log already, as `submissions.find` gives them.
    """

    def __init__(
        self,
        register: Register,
        credentials: dict[str, CredentialState],
        recorded: dict[bytes, tuple[str, Recorded]],
        *,
        recorded_at: int,
        log_key: PublicKey,
    ) -> None:
        self.register = register
        self.admissions: list[Admission] = []
        self._shared = True
        self._credentials = dict(credentials)
        self._recorded = dict(recorded)
        self._recorded_at = recorded_at
        self._log_key = log_key

    def decide(self, checked: Checked) -> Admission | Recorded:
        """Return the admission of a submission, or the receipt of what it repeats.

        Raises `Refusal`: `jti-conflict`, or a rule of `testamur.rules`. An admission counts for
        those behind it once it is passed to `keep`, and not at all after `take_back`.
        """
        header = checked.submission.header
        known = self._recorded.get(checked.key)
        if known is not None:
            if known[0] != header.signing_input:
                raise Refusal(
                    "jti-conflict",
                    f"{header.payload.iss} used this jti for another submission, "
                    f"recorded at position {known[1].position}",
                    line=1,
                    value=header.payload.jti,
                )
            if checked.verified_by is None:
                header.verify_signature(self._listed_key(header))
            return replace(known[1], repeated=True)
        # Credential events change nothing in the register but its size and its time.
        policy_events = len(checked.submission.events) - len(checked.credentials)
        register = self.register.draft() if policy_events else replace(self.register)
        before = {
            name: self._credentials[name]
            for name in checked.credentials
            if name in self._credentials
        }
        try:
            admitted = self._admit(register, checked)
        except Refusal:
            self._restore(checked, before)
            raise
        receipt = Recorded(
            position=self.register.size,
            events=len(checked.submission.events),
            recorded_at=self._recorded_at,
            flags=submissions.flags_of(admitted),
            repeated=False,
        )
        rows = _rows(checked, receipt, admitted)
        return Admission(checked, receipt, rows, policy_events, register, before)

    def keep(self, admission: Admission) -> None:
        """Let the submissions that follow find this one admitted."""
        if admission.policy_events:
            if self._shared:
                # Others read the register that was given; from here on it is our own.
                self.register, self._shared = self.register.copied(), False
            self.register.absorb(admission.register)
        else:
            self.register = admission.register
        self._recorded[admission.checked.key] = (
            admission.checked.submission.header.signing_input,
            admission.receipt,
        )
        self.admissions.append(admission)

    def take_back(self, admission: Admission) -> None:
        """Let the submissions that follow find nothing of this one."""
        self._restore(admission.checked, admission.before)

    def _admit(self, register: Register, checked: Checked) -> list[Admitted]:
        header, events = checked.submission.header, checked.submission.events
        if register.size == 0:
            genesis = admit_genesis(register, header, events, self._recorded_at, self._log_key)
            header.verify_signature(self._log_key)
            return genesis
        key = admit_header(register, header, self._recorded_at)
        # The key that was checked earlier may have been retired or replaced since.
        if checked.verified_by != key:
            header.verify_signature(key)
        return admit_events(register, self._credentials, header, events, self._recorded_at)

    def _listed_key(self, header: SignedHeader) -> PublicKey:
        """Return the key that a recorded header names, active or not; the log's for the genesis."""
        organization = self.register.organizations.get(header.payload.iss)
        listed = organization.key(header.key_id) if organization else None
        return listed.public() if listed else self._log_key

    def _restore(self, checked: Checked, before: dict[str, CredentialState]) -> None:
        for name in checked.credentials:
            self._credentials.pop(name, None)
        self._credentials.update(before)


def _rows(checked: Checked, receipt: Recorded, admitted: list[Admitted]) -> list[Row]:
    submission = checked.submission
    entry = submission_entry(submission.header.jws, receipt.recorded_at)
    first = receipt.position + 1
    # Every stream is named by a UUID; taken apart together, they cost a tenth of one by one.
    keys = bytes.fromhex("".join([str(one.stream) for one in admitted]).replace("-", ""))
    return [
        (first, checked.key, 1, submissions.TOPIC, entry, leaf_hash(entry)),
        *zip(
            range(first + 1, first + 1 + len(admitted)),
            [keys[at : at + 16] for at in range(0, len(keys), 16)],
            [one.version for one in admitted],
            [_TOPICS[type(event)] for event in submission.events],
            submission.lines,
            submission.leaves,
            strict=True,
        ),
    ]
