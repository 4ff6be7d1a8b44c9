"""Admission of one submission: first its header, then its events in order."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeAlias, assert_never
from uuid import UUID

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import CredentialStatus, KeyStatus, OrganizationStatus
from testamur.catalogue.submission import SignedHeader, stream_of
from testamur.catalogue.table import Kind, row_of, subject_of
from testamur.errors import Refusal
from testamur.keys import PublicKey
from testamur.rules.accreditation import admit_accreditation, admit_recognition
from testamur.rules.achievements import admit_achievement
from testamur.rules.credentials import Issuance, change_credential
from testamur.rules.flags import Flags
from testamur.rules.identity import check_free
from testamur.rules.occurrence import Occurrence
from testamur.rules.organizations import admit_organization, open_log
from testamur.rules.register import Credentials, Register

MAX_AHEAD: Final = 5 * 60
"""How far `iat` may lie ahead of `recordedAt`, in seconds: clocks differ."""

MAX_AGE: Final = 7 * 24 * 3600
"""How old a signature may be when it is recorded, in seconds. Long enough for a key that is
kept offline; short enough that a file mislaid for years cannot be submitted."""

_ISSUED: Final = CredentialStatus.ACTIVE
_NoIssuance: TypeAlias = e.RegisterEvent | e.CredentialStatusEvent


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """What becomes of one event: its stream, its version there, its flags, and the status after it.

    The status is that of the thing in whose stream the event is; the log itself has none.
    """

    stream: UUID | str
    version: int
    flags: Flags
    status: StrEnum | None


def admit_header(register: Register, header: SignedHeader, recorded_at: int) -> PublicKey:
    """Return the key that must have signed `header`, were it recorded at `register.size` now.

    `recorded_at` is in Unix milliseconds. Raises `Refusal` (rules `audience`, `time-order`,
    `issued-at`, `unknown-organization`, `organization-closed`, `unknown-key`, `key-inactive`).
    The signature itself is not looked at here.
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
    if organization.status is not OrganizationStatus.REGISTERED:
        raise Refusal(
            "organization-closed",
            "the organization has closed and may cause nothing",
            line=1,
            value=payload.iss,
        )
    key = organization.key(header.key_id)
    if key is None:
        raise Refusal("unknown-key", f"{payload.iss} has no such key", line=1, value=header.key_id)
    if key.status is not KeyStatus.ACTIVE:
        raise Refusal(
            "key-inactive",
            f"{header.protected.kid} is {key.status} since position {key.until}",
            line=1,
            value=header.key_id,
        )
    return key.public()


def check_issued_at(iat: int, recorded_at: int) -> None:
    """Raise `Refusal` (rule `issued-at`) unless what was signed at `iat` may be recorded then.

    `iat` is in Unix seconds, `recorded_at` in milliseconds.
    """
    seconds = recorded_at // 1000
    if not seconds - MAX_AGE <= iat <= seconds + MAX_AHEAD:
        raise Refusal(
            "issued-at",
            f"iat must lie within {MAX_AGE} s before and {MAX_AHEAD} s after "
            f"the time it is recorded at, {seconds}",
            line=1,
            value=iat,
        )


def admit_events(
    register: Register,
    credentials: Credentials,
    header: SignedHeader,
    events: Sequence[e.Event],
    recorded_at: int,
    *,
    numbers: Sequence[int] | None = None,
    possessed: Container[int] = (),
) -> list[Admitted]:
    """Fold the events of an admitted header into `register` and `credentials`, in order.

    Entry `register.size` is the header, the events follow it. `credentials` must hold every
    existing credential that the events name. Raises the first `Refusal`, with its line;
    `register` and `credentials` are then half changed, so pass drafts of them.

    For an excerpt of a submission, `numbers` are the places of these events in it, from 1 to n.
    `possessed` are the places of events whose new key was found to have signed for this log and
    this signer: a signature costs a hundred times the rest, and needs no register.
    """
    actor = header.payload.iss
    day = datetime.fromtimestamp(recorded_at // 1000, UTC).date()
    admitted = []
    issuance: Issuance | None = None
    for number, event in zip(numbers or range(1, len(events) + 1), events, strict=True):
        try:
            if isinstance(event, e.CredentialIssued):
                if issuance is None:
                    _check_acting(register, actor)
                    issuance = Issuance(register, actor, day)
                flags = issuance.issue(credentials, event)
                admitted.append(Admitted(event.credential, 1, flags, _ISSUED))
            else:
                if not isinstance(event, e.CredentialStatusEvent):
                    # It may change what the issuances that follow it are judged by.
                    issuance = None
                _check_acting(register, actor)
                at = Occurrence(register.size + number, actor, day, number in possessed)
                admitted.append(_admit_one(register, credentials, at, event))
        except Refusal as refusal:
            raise refusal.at(number + 1) from None
    register.size += 1 + header.payload.events
    register.recorded_at = recorded_at
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
    if header.payload.iss != log_key.did_key() or header.protected.kid != _own_kid(log_key):
        raise Refusal(
            "genesis-signer",
            f"the log's own key {_own_kid(log_key)} opens it",
            line=1,
            value=header.protected.kid,
        )
    opened = events[0]
    if not isinstance(opened, e.LogOpened) or header.payload.events != 1:
        raise Refusal("genesis-event", "exactly one log.opened/1", value=e.wire_name(opened))
    if header.payload.aud != opened.origin:
        raise Refusal("audience", f"this log is {opened.origin}", line=1, value=header.payload.aud)
    _check_time(register, header.payload.iat, recorded_at)
    day = datetime.fromtimestamp(recorded_at // 1000, UTC).date()
    open_log(register, Occurrence(1, header.payload.iss, day), opened)
    register.size, register.recorded_at = 2, recorded_at
    return [Admitted(stream_of("log", opened.origin), 1, (), None)]


def _admit_one(
    register: Register, credentials: Credentials, at: Occurrence, event: _NoIssuance
) -> Admitted:
    if isinstance(event, e.CredentialStatusEvent):
        after = change_credential(credentials, at, event)
        return Admitted(event.credential, after.version, (), after.status)
    check_free(register, credentials, event)
    flags = _admit_to_register(register, at, event)
    kind, name = row_of(event).kind.stream, subject_of(event)
    stream = stream_of(kind, name) if kind is Kind.ORGANIZATION else name
    state = register.states(kind)[name]
    return Admitted(stream, state.version, flags, state.status)


def _admit_to_register(register: Register, at: Occurrence, event: e.RegisterEvent) -> Flags:
    if isinstance(event, e.OrganizationEvent):
        return admit_organization(register, at, event)
    if isinstance(event, e.RecognitionEvent):
        return admit_recognition(register, at, event)
    if isinstance(event, e.AccreditationEvent):
        return admit_accreditation(register, at, event)
    if isinstance(event, e.AchievementEvent):
        return admit_achievement(register, at, event)
    if isinstance(event, e.LogOpened):
        raise Refusal("genesis-again", "only entry 1 opens the log", value=e.wire_name(event))
    assert_never(event)


def _check_acting(register: Register, actor: str) -> None:
    # An organization may close itself half way through its own submission.
    if register.organizations[actor].status is not OrganizationStatus.REGISTERED:
        raise Refusal(
            "organization-closed", "the organization has closed and may cause nothing", value=actor
        )


def _check_time(register: Register, iat: int, recorded_at: int) -> None:
    if recorded_at < register.recorded_at:
        raise Refusal(
            "time-order",
            f"recordedAt never decreases; the last was {register.recorded_at} ms",
            value=f"{recorded_at} ms",
        )
    check_issued_at(iat, recorded_at)


def _own_kid(key: PublicKey) -> str:
    return f"{key.did_key()}#{key.multikey()}"
