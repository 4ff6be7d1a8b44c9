"""The decisions of one transaction: each submission in its turn, by the rules, on drafts.

Nothing here reads or writes the store: the caller hands in what the rules need from it, and takes
the rows to append. A refused submission leaves the drafts as they were before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from registry import submissions
from registry.credential_streams import changed_by
from registry.outcomes import Recorded
from registry.store import EntryRow, SubmissionRow
from testamur.catalogue import events as e
from testamur.catalogue.submission import Submission, submission_entry
from testamur.catalogue.table import CREATED, TABLE, subject_of
from testamur.errors import Refusal
from testamur.keys import PublicKey
from testamur.recording.names import objections
from testamur.rules import (
    Admitted,
    CredentialState,
    Register,
    admit_events,
    admit_genesis,
    admit_header,
)
from testamur.rules.organizations import verify_possession
from testamur.rules.scope import prepare
from testamur.tlog.merkle import leaf_hash

_WITH_POSSESSION: Final = frozenset({e.OrganizationRegistered, e.KeyAdded})


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission whose form and root are good, and the key that verified it, if known.

    `size` is that of the file in bytes. What the committer needs to know of it is worked out
    here, in the caller's thread, because the committer holds a lock while it works. So are the
    signatures by new keys inside its events, which cost more than everything else.
    """

    submission: Submission
    size: int
    key: bytes
    """The id of its stream: the idempotency key."""
    credentials: list[str]
    """The credentials it may bring about or change."""
    needed: list[str]
    """The credentials that must exist for it."""
    objection: Refusal | None = None
    """Why it may not be recorded, by rules that no replayer asks (`testamur.recording`)."""
    verified_by: PublicKey | None = None
    possessed: frozenset[int] = frozenset()
    """The numbers, from 1 on, of events whose new key signed for this log and this signer."""

    @classmethod
    def of(cls, submission: Submission, size: int) -> Checked:
        """Return `submission` with what follows from it."""
        payload, events = submission.header.payload, submission.events
        credentials = [event.credential for event in events if isinstance(event, e.CredentialEvent)]
        key = submissions.stream_key(payload.iss, payload.jti)
        objection = None
        if len(credentials) < len(events):
            objection = next(iter(objections(events)), None)
        return cls(submission, size, key, credentials, changed_by(events), objection)

    def key_in(self, register: Register) -> PublicKey | None:
        """Return the key that the header names, active or not, if it is in the register.

        Whether it is active is judged at the position that the submission gets. A submission that
        is on the log already is answered even after its key was retired.
        """
        header = self.submission.header
        organization = register.organizations.get(header.payload.iss)
        known = organization.key(header.key_id) if organization else None
        return known.public() if known else None

    @property
    def new_keys(self) -> int:
        """How many of its events bring a new key that signed for itself."""
        return sum(type(event) in _WITH_POSSESSION for event in self.submission.events)

    def verified(self, key: PublicKey, *, examined: bool = False) -> Checked:
        """Return it with all its signatures verified: a hundred microseconds each.

        Raises `Refusal` unless `key` signed the header, which is taken for granted of a header
        that was `examined`. A signature inside an event that is bad is left to the rules, which
        refuse in their own order. What its scopes are compared by is made as well.
        """
        if not examined:
            self.submission.header.verify_signature(key)
        for event in self.submission.events:
            if isinstance(event, e.AccreditationGranted) and event.scope is not None:
                prepare(event.scope)
        return replace(self, verified_by=key, possessed=frozenset(self._possessed()))

    def _possessed(self) -> Iterator[int]:
        payload, events = self.submission.header.payload, self.submission.events
        if _WITH_POSSESSION.isdisjoint(map(type, events)):
            return  # as in every submission of nothing but issuances
        for number, event in enumerate(events, 1):
            if isinstance(event, e.OrganizationRegistered | e.KeyAdded):
                try:
                    verify_possession(payload.aud, payload.iss, event)
                except Refusal:
                    return
                yield number

    @property
    def named(self) -> set[str]:
        """Every id under which a credential may exist already: named by it, or to be created."""
        created = {subject_of(event) for event in self.submission.events if type(event) in CREATED}
        return created.union(self.credentials, self.needed)


class Unverified(Exception):
    """The signature of a submission is to be verified with `key`, outside the transaction."""

    def __init__(self, key: PublicKey) -> None:
        super().__init__()
        self.key = key


class Deliberation:
    """Decides submissions one after the other, as if each were recorded at `recorded_at` (ms).

    `register` is a draft of the caller's; what is admitted is applied to it. `entries` are the
    rows to append; `submissions` lists, by stream key, the submissions that these rows are of,
    each with its header entry.

    `credentials` holds the existing ones that the submissions change; `recorded` holds, by stream
    key, the submissions that are on the log already, as `submissions.find` gives them.

    A credential missing from `credentials` counts as not issued. If it was, the unique index
    refuses the rows; with every id in `Checked.named` looked up, the rules refuse before that.
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
        self.entries: list[EntryRow] = []
        self.submissions: dict[bytes, tuple[SubmissionRow, bytes]] = {}
        self._credentials = dict(credentials)
        self._recorded = dict(recorded)
        self._recorded_at = recorded_at
        self._log_key = log_key

    def decide(self, checked: Checked) -> Recorded:
        """Admit a submission and return its receipt, or the receipt of what it repeats.

        Raises `Refusal`: `jti-conflict`, or a rule of `testamur.rules` or `testamur.recording`.
        Raises `Unverified` when its key was not known where it was checked: its signer entered the
        register only since.
        """
        known = self._recorded.get(checked.key)
        if known is not None:
            return self._repeated(checked, *known)
        # Credential events change nothing in the register but its size and its time.
        register_events = len(checked.submission.events) - len(checked.credentials)
        draft = self.register.draft() if register_events else replace(self.register)
        admitted = self._admitted(draft, checked)

        receipt = Recorded(
            position=self.register.size,
            events=len(checked.submission.events),
            recorded_at=self._recorded_at,
            flags=submissions.flags_of(admitted),
            repeated=False,
        )
        self._add_rows(checked, receipt, admitted, register_events)
        if register_events:
            self.register.absorb(draft)
        else:
            self.register = draft
        return receipt

    def _repeated(self, checked: Checked, signing_input: str, receipt: Recorded) -> Recorded:
        """Return the receipt of a submission that is on the log, if `checked` is the same."""
        header = checked.submission.header
        if signing_input != header.signing_input:
            raise Refusal(
                "jti-conflict",
                f"{header.payload.iss} used this jti for another submission, "
                f"recorded at position {receipt.position}",
                line=1,
                value=header.payload.jti,
            )
        if checked.verified_by is None:
            listed = checked.key_in(self.register)
            if listed is not None:
                raise Unverified(listed)
            header.verify_signature(self._log_key)  # of the genesis, which names nobody listed
        return replace(receipt, repeated=True)

    def _admitted(self, draft: Register, checked: Checked) -> list[Admitted]:
        """Fold a submission into `draft` and the credentials; a refusal leaves the latter as is."""
        before = {
            name: self._credentials[name]
            for name in checked.credentials
            if name in self._credentials
        }
        try:
            return self._judged(draft, checked)
        except (Refusal, Unverified):
            for name in checked.credentials:
                self._credentials.pop(name, None)
            self._credentials.update(before)
            raise

    def _judged(self, draft: Register, checked: Checked) -> list[Admitted]:
        header, events = checked.submission.header, checked.submission.events
        if draft.size == 0:
            genesis = admit_genesis(draft, header, events, self._recorded_at, self._log_key)
            header.verify_signature(self._log_key)
            _raise_objection(checked)
            return genesis
        key = admit_header(draft, header, self._recorded_at)
        if checked.verified_by != key:
            raise Unverified(key)
        _raise_objection(checked)
        return admit_events(
            draft,
            self._credentials,
            header,
            events,
            self._recorded_at,
            possessed=checked.possessed,
        )

    def _add_rows(
        self, checked: Checked, receipt: Recorded, admitted: list[Admitted], register_events: int
    ) -> None:
        header = checked.submission.header
        row = SubmissionRow(
            receipt.position,
            receipt.events,
            header.payload.iss,
            receipt.recorded_at,
            register_events,
            submissions.pack_flags(receipt.flags),
        )
        header_entry = submission_entry(header.jws, receipt.recorded_at)
        self.submissions[checked.key] = (row, header_entry)
        self.entries += _entry_rows(checked, receipt.position, header_entry, admitted)
        self._recorded[checked.key] = (header.signing_input, receipt)


def _raise_objection(checked: Checked) -> None:
    # After the signature, since only a signer is told about names; never of what is on the log.
    if checked.objection is not None:
        raise checked.objection


def _entry_rows(
    checked: Checked, position: int, header_entry: bytes, admitted: list[Admitted]
) -> list[EntryRow]:
    submission = checked.submission
    first = position + 1
    # Every stream is named by a UUID; taken apart together, they cost a tenth of one by one.
    streams = bytes.fromhex("".join([str(one.stream) for one in admitted]).replace("-", ""))
    return [
        (first, checked.key, 1, submissions.TOPIC, header_entry, leaf_hash(header_entry)),
        *zip(
            range(first + 1, first + 1 + len(admitted)),
            [streams[at : at + 16] for at in range(0, len(streams), 16)],
            [one.version for one in admitted],
            [TABLE[type(event)].name for event in submission.events],
            submission.lines,
            submission.leaves,
            strict=True,
        ),
    ]
