"""Admission of one submission: first its header, then its events in order.

Each event is judged by the state that the earlier ones leave, and then folded (`fold.py`). No
signature is verified here but those of registrations that the caller has not verified.
"""

from __future__ import annotations

from collections.abc import Container, MutableMapping, Sequence
from typing import Final, TypeAlias, assert_never

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.submission import SignedHeader, format_time
from testamur.catalogue.table import row_of, subject_of
from testamur.errors import Refusal
from testamur.keys import PublicKey
from testamur.rules import fold
from testamur.rules.accreditation import admit_accreditation
from testamur.rules.accreditors import Accreditors
from testamur.rules.achievements import EventAt, admit_achievement
from testamur.rules.chain import Moment
from testamur.rules.credentials import Found, Issuance, admit_change, taken_in
from testamur.rules.flags import Flag, Flags
from testamur.rules.key_admission import admit_key_events, admit_signer, key_in_force
from testamur.rules.key_table import KeySubmission, KeyTable
from testamur.rules.organizations import admit_organization
from testamur.rules.reach import Reach, Totals, reach
from testamur.rules.recognition import admit_recognition
from testamur.rules.register import Credentials, Register
from testamur.rules.registrations import (
    BRINGING_KEYS,
    admit_authorities,
    admit_registration,
    listing_flags,
    verify_alone,
)
from testamur.rules.roles import require_role
from testamur.rules.said import Said, Signed
from testamur.rules.spending import LIMITS, Limits, check_spending, check_status_events
from testamur.rules.status import closing

MAX_AHEAD: Final = 5 * 60
"""How far `iat` may lie ahead of `recordedAt`, in seconds: clocks differ."""

MAX_AGE: Final = 7 * 24 * 3600
"""How old a signature may be when it is recorded, in seconds. Long enough for a key that is
kept offline; short enough that a file mislaid for years cannot be submitted."""

_Judged: TypeAlias = (
    e.LogOpened
    | e.OrganizationEvent
    | e.RecognitionEvent
    | e.AccreditationEvent
    | e.AchievementEvent
)


_CHANGING_ACCREDITORS: Final = (
    e.RecognitionEvent | e.OrganizationClosed | e.OrganizationSucceeded | e.OrganizationObjected
)
"""The events that may change how accreditors of the same submission are judged."""


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """What becomes of one event: its version in its stream, and its flags.

    The version counts the entries of the stream, whether they count or not. `reach` is given for a
    declaration of compromise: what its submission changes about the counting of earlier ones that
    issued, granted to others or ended something, if any.
    """

    version: int
    flags: Flags
    reach: Reach | None = None


def admit_header(register: Register, header: SignedHeader, recorded_at: int) -> Signed:
    """Return who signs `header` with which key, were it recorded at `register.size` now.

    `recorded_at` is in Unix milliseconds. Raises `Refusal` (rules `audience`, `time-order`,
    `issued-at`, `unknown-organization`, `unknown-key`, `key-inactive`). The signature itself is
    not verified here: the caller does `header.verify_signature(header.key())`.
    """
    payload = header.payload
    if payload.aud != register.origin:
        raise Refusal("audience", f"this log is {register.origin}", line=1, value=payload.aud)
    _check_time(register, payload.iat, recorded_at)
    organization = register.organizations.get(payload.iss)
    if organization is None:
        raise Refusal(
            "unknown-organization",
            "no organization with this DID is in the register",
            line=1,
            value=payload.iss,
        )
    key = key_in_force(organization.keys, header.key_id, register.size, recorded_at)
    # The register's own strings, so that millions of submissions share them.
    return Signed(organization.did, key.key, register.size, recorded_at)


def check_issued_at(iat: int, recorded_at: int) -> None:
    """Raise `Refusal` (rule `issued-at`) unless what was signed at `iat` may be recorded then.

    `iat` is in Unix seconds, `recorded_at` in milliseconds.
    """
    seconds = recorded_at // 1000
    if not seconds - MAX_AGE <= iat <= seconds + MAX_AHEAD:
        raise Refusal(
            "issued-at",
            f"signed at {format_time(iat * 1000)} and recorded at {format_time(recorded_at)}; a "
            f"submission is signed at most {MAX_AGE // 86_400} days before it is recorded, and "
            f"{MAX_AHEAD // 60} minutes after: set the clock that it is signed by, and sign anew",
            line=1,
            value=iat,
        )


def admit_events(
    register: Register,
    credentials: Credentials,
    signed: Signed,
    events: Sequence[e.Event],
    *,
    event_at: EventAt,
    verified: Container[int] = (),
    limits: Limits = LIMITS,
    totals: Totals | None = None,
    found: MutableMapping[str, Found] | None = None,
) -> list[Admitted]:
    """Fold the events of an admitted header into `register` and `credentials`, in order.

    `events` are all of the submission. `credentials` must hold every existing credential that
    they name. `event_at` returns the event of the log at a position; it is asked only when a
    definition is written again. `verified` are the places, from 1 on, of events that passed
    `registrations.verify_alone` before: it costs a hundred times the rest, and needs no register.

    With `found`, submissions of nothing but credentials share what they find of terms, by
    organization: pass the same as long as nothing but credentials is said in between.

    With `totals`, declarations of compromise tell how far they reach back (`reach.py`).

    Raises the first `Refusal`, with its line; `register` and `credentials` are then half changed,
    so pass drafts of them.
    """
    keys = register.organizations[signed.organization].keys
    admit_signer(keys, signed, events)
    admission = _Admission(register, credentials, signed, event_at, verified, limits, totals, found)
    if type(events[0]) in e.KEY_EVENTS:
        admitted = admission.of_keys(events)
    else:
        admitted = admission.in_order(events)
    register.size = signed.position + 1 + len(events)
    register.recorded_at = signed.recorded_at
    return admitted


def admit_genesis(
    register: Register,
    header: SignedHeader,
    events: Sequence[e.Event],
    recorded_at: int,
    log_key: PublicKey,
) -> list[Admitted]:
    """Fold entries 0 and 1: the log's own key opens the log. Raises `Refusal`."""
    if register.size != 0:
        raise Refusal("genesis-position", "a log is opened at entry 0", value=register.size)
    own_kid = f"{log_key.did_key()}#{log_key.multikey()}"
    if header.payload.iss != log_key.did_key() or header.protected.kid != own_kid:
        raise Refusal(
            "genesis-signer",
            f"the log's own key {own_kid} opens it",
            line=1,
            value=header.protected.kid,
        )
    opened = events[0]
    if not isinstance(opened, e.LogOpened) or len(events) != 1:
        raise Refusal("genesis-event", "exactly one log.opened/1", value=e.wire_name(opened))
    if header.payload.aud != opened.origin:
        raise Refusal("audience", f"this log is {opened.origin}", line=1, value=header.payload.aud)
    _check_time(register, header.payload.iat, recorded_at)
    signed = Signed(header.payload.iss, header.key_id, 0, recorded_at)
    try:
        admit_authorities(signed, opened)
    except Refusal as refusal:
        raise refusal.at(2) from None
    fold.take_to_register(register, Said(1, signed, opened))
    register.size, register.recorded_at = 2, recorded_at
    return [Admitted(1, ())]


class _Admission:
    """The events of one submission, half admitted."""

    def __init__(
        self,
        register: Register,
        credentials: Credentials,
        signed: Signed,
        event_at: EventAt,
        verified: Container[int],
        limits: Limits,
        totals: Totals | None,
        found: MutableMapping[str, Found] | None,
    ) -> None:
        self._register = register
        self._credentials = credentials
        self._signed = signed
        self._event_at = event_at
        self._verified = verified
        self._limits = limits
        self._totals = totals
        self._found = found
        self._accreditors: Accreditors | None = None

    def in_order(self, events: Sequence[e.Event]) -> list[Admitted]:
        """Admit events that are not about keys."""
        self._check_open(2)
        credentials = self._credentials
        admitted = []
        issuance: Issuance | None = None
        for number, event in enumerate(events, 1):
            try:
                if isinstance(event, e.CredentialIssued):
                    if issuance is None:
                        issuance = self._issuance_at(self._signed.position + number)
                    if event.credential not in credentials:
                        flags = issuance.issue(credentials, event)
                        admitted.append(Admitted(1, flags))
                    else:
                        flags = issuance.issue_again(credentials, event, self._limits)
                        admitted.append(Admitted(self._version(event), flags))
                    continue
                if isinstance(event, e.CredentialStatusEvent):
                    admitted.append(self._change(number, event))
                    continue
                admitted.append(self._one(number, event))
                # It may change what the events that follow it are judged by.
                if isinstance(event, _CHANGING_ACCREDITORS):
                    issuance = self._accreditors = None
                elif issuance and isinstance(event, e.AchievementEvent | e.AccreditationEvent):
                    issuance.forget(event, self._signed.position + number)
                if isinstance(event, e.OrganizationClosed) and number < len(events):
                    self._check_open(number + 2)
            except Refusal as refusal:
                raise refusal.at(number + 1) from None
        return admitted

    def of_keys(self, events: Sequence[e.Event]) -> list[Admitted]:
        """Admit a submission of key events."""
        signed, did = self._signed, self._signed.organization
        about_keys = tuple(event for event in events if isinstance(event, e.KeyEvent))
        submission = KeySubmission.of(signed.position, signed.key, signed.recorded_at, about_keys)
        before = self._register.organizations[did]
        keys = admit_key_events(
            before.keys,
            submission,
            closings=[said.signed for said in before.closings],
            caps=self._limits.keys,
        )
        for number, event in enumerate(events, 1):
            self._verify(number, event)
        reaches = self._reach(before.keys, keys)
        admitted = [
            _declared(version, reaches)
            if isinstance(event, e.KeyCompromised)
            else Admitted(version, listing_flags(self._register, did, event))
            for version, event in enumerate(about_keys, before.entries + 1)
        ]
        fold.take_keys(self._register, did, submission, keys)
        return admitted

    def _reach(self, before: KeyTable, after: KeyTable) -> Reach | None:
        if self._totals is None:
            return None
        did, position = self._signed.organization, self._signed.position
        found = reach(self._totals, did, before, after, position, self._register.concluded)
        return found or None

    def _change(self, number: int, event: e.CredentialStatusEvent) -> Admitted:
        """Admit what is said of a credential: it changes nothing else that anybody is judged by."""
        said = Said(self._signed.position + number, self._signed, event)
        known = admit_change(self._register, self._credentials, said, event)
        check_status_events(self._register, known, said, self._limits)
        told = self._credentials[event.credential] = fold.told_of(known, said)
        return Admitted(told.entries, ())

    def _one(self, number: int, event: _Judged) -> Admitted:
        said = Said(self._signed.position + number, self._signed, event)
        self._verify(number, event)
        flags = self._judge(said, event)
        check_spending(self._register, self._credentials, said, self._limits)
        fold.take_one(self._register, self._credentials, said)
        return Admitted(self._version(event), flags)

    def _verify(self, number: int, event: e.Event) -> None:
        if type(event) in BRINGING_KEYS and number not in self._verified:
            try:
                verify_alone(event)
            except Refusal as refusal:
                raise refusal.at(number + 1) from None

    def _judge(self, said: Said, event: _Judged) -> Flags:
        register, credentials = self._register, self._credentials
        if isinstance(event, e.OrganizationRegistered):
            return admit_registration(register, said, event, self._limits.keys)
        if isinstance(event, e.KeyEvent):
            raise TypeError("a submission of key events is admitted whole, by of_keys")
        if isinstance(event, e.OrganizationEvent):
            return admit_organization(register, said, event)
        if isinstance(event, e.RecognitionEvent):
            return admit_recognition(register, credentials, said, event)
        if isinstance(event, e.AccreditationEvent):
            accreditors = self._accreditors_at(said.position)
            return admit_accreditation(register, credentials, said, event, accreditors)
        if isinstance(event, e.AchievementEvent):
            return admit_achievement(register, credentials, said, event, self._event_at)
        if isinstance(event, e.LogOpened):
            raise Refusal("genesis-again", "only entry 1 opens the log", value=e.wire_name(event))
        assert_never(event)

    def _issuance_at(self, position: int) -> Issuance:
        """Return the rules for issuing from a position on; raises `Refusal` (rule `role`)."""
        register, signed = self._register, self._signed
        found = None if self._found is None else self._found.get(signed.organization)
        if found is None or found.moment.day != signed.day:
            require_role(register, signed.organization, "provider")
            moment = Moment(position, signed.day)
            found = Found(moment, self._accreditors_at(position), taken_in(register))
            if self._found is not None:
                self._found[signed.organization] = found
        return Issuance(register, signed, found)

    def _accreditors_at(self, position: int) -> Accreditors:
        """Return what was found of accreditors so far, from the first position that asked on."""
        if self._accreditors is None:
            moment = Moment(position, self._signed.day)
            self._accreditors = Accreditors(self._register, moment)
        return self._accreditors

    def _version(self, event: e.Event) -> int:
        """Return the version of an event that was just folded, in its stream."""
        kind, name = row_of(event).kind, subject_of(event, self._signed.organization)
        thing = self._register.thing(self._credentials, kind, name)
        return self._register.organizations[name].entries if thing is None else thing.entries

    def _check_open(self, line: int) -> None:
        if self._found is not None and self._signed.organization in self._found:
            return  # it was open when it issued, and nothing but credentials was said since
        organization = self._register.organizations[self._signed.organization]
        closed = closing(self._register, organization)
        if closed is not None:
            raise Refusal(
                "organization-closed",
                f"it closed at {closed.position}, and may only retire keys and declare them "
                "compromised",
                line=line,
                value=organization.did,
            )


def _declared(version: int, reaches: Reach | None) -> Admitted:
    flagged = reaches is not None and reaches.flagged
    return Admitted(version, (Flag.REACHES_BACK,) if flagged else (), reaches)


def _check_time(register: Register, iat: int, recorded_at: int) -> None:
    if recorded_at < register.recorded_at:
        raise Refusal(
            "time-order",
            f"recordedAt never decreases; the last was {register.recorded_at} ms",
            value=f"{recorded_at} ms",
        )
    check_issued_at(iat, recorded_at)
