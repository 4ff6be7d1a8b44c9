"""From a cohort or from Open Badges to the events that a provider signs.

Every award becomes one credential, one `credential.issued/1` event with a blinded commitment
to it, and one holder file. The events hold nothing personal, and no trace of the order in
which the learners were listed: an alphabetical class list must not be readable off the log. What
cannot be prepared is refused with its place and its reason, and all of it is listed. Nothing
is admitted here: the register may still refuse what this module prepares.
"""

from __future__ import annotations

import csv
import errno
import io
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, get_args
from urllib.parse import unquote

import msgspec

from testamur.badges.award_days import dates
from testamur.badges.cohort_csv import (
    MAX_REFUSED,
    Award,
    Provider,
    Registered,
    credential,
    offered_achievement,
    profile,
)
from testamur.badges.commitment import HolderFile, commit, new_blind, render_holder_file
from testamur.badges.data_integrity import SUITE, sign, verify_proofs
from testamur.badges.openbadges import Badge, parse_credential, read_badge
from testamur.badges.spreadsheet import MAX_FILE, UNREAD
from testamur.canonical import MAX_DOCUMENT
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.ids import new_id
from testamur.catalogue.lines import decode_events, encode_event
from testamur.catalogue.members import Origin, Suite
from testamur.catalogue.submission import MAX_EVENTS
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.keys import PrivateKey
from testamur.private_keys import THIS_IS_ONE, holds_private_key

Source: TypeAlias = tuple[str, bytes | Refusal]
"""Where a document lies, and its bytes or why they could not be read."""
Refused: TypeAlias = tuple[str, Refusal]
T = TypeVar("T")
Track: TypeAlias = Callable[[Sequence[Any]], Iterable[Any]]
"""Shows progress through a sequence, as `rich.progress.track` does."""


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What was prepared; `events`, `holders` and `sources` run in parallel, in random order.

    The events are for the log. The rest stays with the provider and the holders.
    """

    events: list[CredentialIssued]
    holders: list[HolderFile]
    sources: list[str]
    refused: list[Refused]
    notes: list[tuple[str, str]]
    """Sources whose proof could not be examined, and why; they are prepared all the same."""


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that is ready to be committed to."""

    source: str
    credential: dict[str, Any]
    badge: Badge
    registered: Registered


def prepare_cohort(
    awards: Iterable[Award],
    provider: Provider,
    *,
    now: datetime,
    key: PrivateKey | None = None,
    log: str | None = None,
    refused: Iterable[tuple[int, Refusal]] = (),
    source: str = "cohort.csv",
    track: Track = iter,
) -> Prepared:
    """Return a new credential, holder file and event for every award.

    `awards` and `refused` are what `read_cohort` returned, `log` is the origin to note in the
    holder files. With `key`, a signing key of the provider, the credentials are signed
    (eddsa-jcs-2022) as of `now`. Raises `Refusal` (`signing-key`) for the founding key.
    """
    _check_key(key, provider.did)
    issuer, source = profile(provider), _plain(source)
    objects: dict[tuple[str, int], dict[str, Any]] = {}
    prepared = _nothing(log)
    for award in track(_shuffled(awards)):
        offering = award.offering
        offered = offering.achievement, offering.version
        if offered not in objects:
            objects[offered] = offered_achievement(offering)
        credential_id = new_id()
        when = dates(award.awarded, award.valid_until, offset=provider.offset, now=now)
        made = credential(award, credential_id, issuer, objects[offered], when)
        if key:
            made = sign(made, key, created=now, did=_documented(provider.issuer))
        # Read back what was written, so a credential becomes an event in one way only.
        draft = _Draft(
            source=f"{source} row {award.row}",
            credential=made,
            badge=read_badge(made),
            registered=offering,
        )
        _issue(prepared, draft, credential_id, log)
    prepared.refused.extend((f"{source} row {row}", refusal) for row, refusal in refused)
    return prepared


def prepare_badges(
    sources: Iterable[Source],
    registered: Registered | Mapping[str, Registered],
    *,
    now: datetime,
    issuer: str | None = None,
    key: PrivateKey | None = None,
    log: str | None = None,
    track: Track = iter,
) -> Prepared:
    """Return an event and a holder file for every Open Badge among `sources`.

    `registered` is the achievement they all award, or those they award by Open Badges
    achievement id. With `issuer`, badges of other issuers are refused. With `key`, a proof by
    this signing key of the issuer, made `now`, is added to each. Raises `Refusal` (`events-count`)
    when there are more than a submission takes.
    """
    prepared = _nothing(log)
    drafts: list[_Draft] = []
    first_source: dict[tuple[str, str], str] = {}
    for source, data in sources:
        try:
            draft = _draft(source, data, registered, issuer)
            note = _examine(draft)
            if key:
                draft = _signed(draft, key, now)
            _check_first(draft, first_source)
        except Refusal as refusal:
            prepared.refused.append((source, refusal))
            if len(prepared.refused) >= MAX_REFUSED:
                detail = f"{MAX_REFUSED} refusals; the sources after this one were not read"
                prepared.refused.append((source, Refusal(UNREAD, detail)))
                break
            continue
        drafts.append(draft)
        prepared.notes.extend([(source, note)] if note else [])
        if len(drafts) > MAX_EVENTS:
            raise Refusal("events-count", f"a submission has at most {MAX_EVENTS} events")
    for draft in track(_shuffled(drafts)):
        _issue(prepared, draft, new_id(), log)
    return prepared


def read_sources(path: Path) -> Iterator[Source]:
    """Yield the documents at `path`: a file, the lines of an .ndjson file, or all in a folder.

    A folder is gone through in full, in the order of names; names that begin with a dot are
    passed over. Symbolic links inside it are not followed, and what is no regular file is
    refused, not opened.
    """
    waiting = [path]
    while waiting:
        found = waiting.pop()
        given = found == path
        label = _plain(path.name if given else str(found.relative_to(path)))
        try:
            if found.is_dir() and (given or not found.is_symlink()):
                files = sorted(file for file in found.iterdir() if not file.name.startswith("."))
                waiting += reversed(files)
                continue
        except OSError as error:
            yield label, Refusal("file", f"cannot be read: {error.strerror}")
            continue
        yield from _documents(found, label, follow=given)


def write_prepared(prepared: Prepared, folder: Path, *, partial: bool = False) -> None:
    """Write `events.ndjson`, `holders/<credential id>.json` and `index.csv` into new `folder`.

    `events.ndjson` holds the lines 2 to n+1 of a submission. The index says which source
    became which holder file. The folder appears whole or not at all. Raises `Refusal`:
    `output-exists`; `output-partial` when something was refused and `partial` is not set,
    since preparing the rest again would issue the others twice; `output-empty`; and those of
    `decode_events`. Raises `Unavailable` when the folder cannot be written.
    """
    if prepared.refused and not partial:
        raise Refusal(
            "output-partial",
            f"{len(prepared.refused)} refused: mend them and prepare all anew, or ask for the rest",
        )
    if not prepared.events:
        raise Refusal("output-empty", "there is nothing to write")
    if folder.exists() or folder.is_symlink():
        raise Refusal("output-exists", "the folder is there already", value=str(folder))
    try:
        _write_whole(prepared, folder)
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written: {error.strerror}") from error


def _write_whole(prepared: Prepared, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its final place, so that the rename cannot cross file systems; readable by its
    # owner alone (0700), since all but the events is personal data.
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write_into(made, prepared)
        # If we stop before this line, a hidden folder is left over and nothing else; after
        # it all is there. Blinds cannot be made again, so they must be on disk by then.
        made.rename(folder)
        _sync(folder.parent)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _nothing(log: str | None) -> Prepared:
    try:
        msgspec.convert(log, Origin | None)
    except msgspec.ValidationError:
        raise Refusal("log-origin", "is not the origin of a log", value=log) from None
    return Prepared(events=[], holders=[], sources=[], refused=[], notes=[])


def _shuffled(items: Iterable[T]) -> list[T]:
    found = list(items)
    secrets.SystemRandom().shuffle(found)
    return found


def _check_key(key: PrivateKey | None, issuer: str) -> None:
    if key and key.public.did_key() == issuer:
        raise Refusal(
            "signing-key",
            "this is the founding key, which signs key events alone; give a signing key",
            value=issuer,
        )


def _issue(prepared: Prepared, draft: _Draft, credential_id: str, log: str | None) -> None:
    badge, registered, blind = draft.badge, draft.registered, new_blind()
    event = CredentialIssued(
        achievement=registered.achievement,
        achievement_version=registered.version,
        commitment=commit(draft.credential, blind),
        credential=credential_id,
        format="OpenBadgeCredential/3.0",
        valid_from=badge.valid_from.date(),
        accreditation=registered.accreditation,
        assessment=_only(badge.elements.assessment),
        participation=_only(badge.elements.participation),
        suite=_suite(badge),
        supervision=badge.elements.supervision,
        valid_until=badge.valid_until.date() if badge.valid_until else None,
    )
    holder = HolderFile(blind=blind, credential=draft.credential, id=credential_id, log=log)
    prepared.events.append(event)
    prepared.holders.append(holder)
    prepared.sources.append(draft.source)


def _only(values: Sequence[T]) -> T | None:
    # The event has room for one; of several, none is *the* form of this award.
    return values[0] if len(values) == 1 else None


def _suite(badge: Badge) -> Suite | None:
    """Return the suite to state: the one we can examine, else the first that has a name."""
    if not badge.suites:
        return "none"
    if SUITE in badge.suites:
        return SUITE
    known: tuple[Suite, ...] = get_args(Suite)
    return next((suite for suite in known if suite in badge.suites), None)


def _draft(
    source: str,
    data: bytes | Refusal,
    registered: Registered | Mapping[str, Registered],
    issuer: str | None,
) -> _Draft:
    if isinstance(data, Refusal):
        raise data
    parsed = parse_credential(data)
    badge = read_badge(parsed)
    if issuer is not None and badge.issuer.id != issuer:
        raise Refusal("issuer", f"the issuer is not {issuer}", value=badge.issuer.id)
    if not isinstance(registered, Registered):
        if badge.achievement.id not in registered:
            raise Refusal(
                "achievement-unknown",
                "no registered achievement is given for this one",
                value=badge.achievement.id,
            )
        registered = registered[badge.achievement.id]
    return _Draft(source=source, credential=parsed, badge=badge, registered=registered)


def _signed(draft: _Draft, key: PrivateKey, now: datetime) -> _Draft:
    did = _documented(draft.badge.issuer.id)
    made = sign(draft.credential, key, created=now, did=did)
    return msgspec.structs.replace(draft, credential=made, badge=read_badge(made))


def _documented(issuer: str) -> str | None:
    """Return the issuer if it is a DID whose document lists its keys, as that of a did:web does.

    Other verifiers look there. A did:key spells one key, which is not the one that signs.
    """
    return issuer if issuer.startswith("did:") and not issuer.startswith("did:key:") else None


def _check_first(draft: _Draft, first_source: dict[tuple[str, str], str]) -> None:
    # Open Badges 3.0: same issuer and same id, percent-decoded and trimmed, is the same
    # credential; one is not issued twice.
    identity = (draft.badge.issuer.id, unquote(draft.badge.id).strip())
    first = first_source.setdefault(identity, draft.source)
    if first != draft.source:
        raise Refusal(
            "duplicate-credential", f"the same credential as in {first}", value=draft.badge.id
        )


def _examine(draft: _Draft) -> str | None:
    """Return what is to be known of its proofs, or None; refuse a proof that is false."""
    if not draft.badge.suites:
        return None
    try:
        examined = verify_proofs(draft.credential)
    except Unavailable as reason:
        return str(reason)
    except Refuted as error:
        raise Refusal("proof", f"the credential's own proof is false: {error}") from None
    # Which keys are the issuer's stands in the register, which nobody asks here.
    founding = [p.signer for p in examined.proven if p.signer == draft.badge.issuer.id]
    notes = [
        f"the proof by {signer} counts only if the issuer lists that key as a signing key"
        for signer in founding
    ]
    return "; ".join((*notes, *examined.unexamined)) or None


def _documents(file: Path, label: str, *, follow: bool) -> Iterator[Source]:
    lines = file.suffix.lower() in (".ndjson", ".jsonl")
    try:
        # O_NONBLOCK: opening a named pipe that nobody writes to must not hang.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        flags |= 0 if follow else getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(file, flags), "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                yield label, Refusal("file", "is no regular file")
            elif status.st_size > MAX_FILE:
                detail = f"a file is at most {MAX_FILE} bytes"
                yield label, Refusal("file-size", detail, value=f"{status.st_size} bytes")
            elif lines:
                yield from _lines(opened, label)
            else:
                # One byte more than is allowed, so that a longer document is noticed.
                yield label, _public(opened.read(MAX_DOCUMENT + 1))
    except OSError as error:
        detail = f"cannot be read: {error.strerror}"
        if error.errno == errno.ELOOP:  # what O_NOFOLLOW says
            detail = "is a symbolic link, which is not followed"
        yield label, Refusal("file", detail)


def _lines(opened: io.BufferedReader, label: str) -> Iterator[Source]:
    number, left = 0, MAX_FILE
    while left > 0 and (line := opened.readline(MAX_DOCUMENT + 2)):
        number, left = number + 1, left - len(line)
        if not line.endswith(b"\n") and len(line) > MAX_DOCUMENT:
            detail = f"a document is at most {MAX_DOCUMENT} bytes; not read any further"
            yield f"{label} line {number}", Refusal(UNREAD, detail)
            return
        if holds_private_key(line):
            # Its other lines are no less secret, and look like any other text.
            yield f"{label} line {number}", Refusal("private-key", THIS_IS_ONE)
            return
        if line.strip():
            yield f"{label} line {number}", line.rstrip(b"\r\n")
    if left <= 0 and opened.read(1):
        yield label, Refusal(UNREAD, f"has grown beyond {MAX_FILE} bytes while it was read")


def _public(document: bytes) -> bytes | Refusal:
    # A parser's error may show what it found.
    return Refusal("private-key", THIS_IS_ONE) if holds_private_key(document) else document


def _plain(name: str) -> str:
    """Return a file name as text that can be shown and written, whatever its bytes are."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", "�", text)


def _write_into(folder: Path, prepared: Prepared) -> None:
    holders = folder / "holders"
    holders.mkdir(mode=0o700)
    lines = [encode_event(event) for event in prepared.events]
    decode_events(lines)  # what the register would refuse for its form is not written
    written = [
        _write(folder / "events.ndjson", b"".join(line + b"\n" for line in lines)),
        _write(folder / "index.csv", _index(prepared)),
    ]
    written += [
        _write(holders / f"{holder.id}.json", render_holder_file(holder))
        for holder in prepared.holders
    ]
    # Write all, then sync all: three times as fast as one by one.
    for path in (*written, holders, folder):
        _sync(path)


def _index(prepared: Prepared) -> bytes:
    rows = zip(prepared.sources, prepared.holders, strict=True)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["source", "credential", "holderFile"])
    for source, holder in sorted(rows, key=lambda row: _by_number(row[0])):
        # A file may be named like a formula, and this file is for spreadsheets.
        shown = f"'{source}" if source[0] in "=+-@" else source
        writer.writerow([shown, holder.id, f"holders/{holder.id}.json"])
    return text.getvalue().encode()


def _by_number(text: str) -> list[tuple[int, str]]:
    """Return a key that puts row 9 before row 10."""
    parts = re.split(r"([0-9]{1,18})", text)
    return [(int(part), "") if i % 2 else (0, part) for i, part in enumerate(parts)]


def _write(path: Path, data: bytes) -> Path:
    # O_EXCL: never over a file that is there; 0600: for the owner alone.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
    return path


def _sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on disk."""
    if os.name == "nt":
        return  # Windows syncs neither folders nor what is open for reading
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
