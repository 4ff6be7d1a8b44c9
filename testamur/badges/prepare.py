"""From a cohort or from Open Badges to the events that a provider signs.

Every award becomes one credential, one `credential.issued/1` event with a blinded commitment
to it, and one holder file. The events hold nothing personal, and their ids no trace of the order
in which the learners were listed: an alphabetical class list must not be readable off the log. What
cannot be prepared is refused with its place and its reason, and all of it is listed. Nothing
is admitted here: the register may still refuse what this module prepares.

`each_award` and `each_badge` make one after another, and keep none: a hundred thousand with all
that is in them take more memory than a laptop has. `prepare_cohort` and `prepare_badges` return
them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, TypeAlias, TypeVar, get_args
from urllib.parse import unquote

import msgspec

from testamur.badges.award_days import dates
from testamur.badges.blockcert_receipts import SUITES, carries_receipt, examine
from testamur.badges.blockcert_versions import Version, version_of
from testamur.badges.blockcerts import read_credential
from testamur.badges.cohort_csv import (
    MAX_REFUSED,
    Award,
    Provider,
    Registered,
    credential,
    offered_achievement,
    profile,
)
from testamur.badges.commitment import HolderFile, commit, new_blind
from testamur.badges.data_integrity import SUITE, sign, verify_proofs
from testamur.badges.learner_tokens import learners_of
from testamur.badges.openbadges import Badge, parse_credential, read_badge
from testamur.badges.sources import Source, plain_name
from testamur.badges.spreadsheet import UNREAD
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.ids import ids_in_no_order
from testamur.catalogue.members import Origin, Suite
from testamur.catalogue.submission import MAX_EVENTS
from testamur.errors import Refusal, Refuted, Unavailable, detached
from testamur.keys import PrivateKey

Refused: TypeAlias = tuple[str, Refusal]
T = TypeVar("T")
# To these no proof is added: their receipt covers what stood in them when it was made.
_KEPT: Final = frozenset(get_args(Version))
Track: TypeAlias = Callable[[Iterable[Any]], Iterable[Any]]
"""Shows progress through what it returns, as `rich.progress.track` does."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that was prepared: its event is for the log, the rest stays with the provider.

    `learners` are names of its one learner, as far as they are known in the clear; `row` is that of
    a cohort. `note` says why the credential's own proof could not be examined.
    """

    event: CredentialIssued
    holder: HolderFile
    source: str
    learners: tuple[str, ...] = ()
    row: int | None = None
    note: str | None = None


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What was prepared, in random order, and what was refused.

    The events are for the log. The rest stays with the provider and the holders.
    """

    made: list[Made]
    refused: list[Refused]

    @property
    def events(self) -> list[CredentialIssued]:
        """What goes on the log."""
        return [each.event for each in self.made]

    @property
    def holders(self) -> list[HolderFile]:
        """In the same order."""
        return [each.holder for each in self.made]

    @property
    def sources(self) -> list[str]:
        """In the same order."""
        return [each.source for each in self.made]

    @property
    def notes(self) -> list[tuple[str, str]]:
        """Sources whose proof could not be examined, and why; they are prepared all the same."""
        return [(each.source, each.note) for each in self.made if each.note]


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that is ready to be committed to."""

    source: str
    credential: dict[str, Any]
    badge: Badge
    registered: Registered
    row: int | None = None


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
    """Return all that `each_award` makes of the awards, beside what `read_cohort` refused."""
    made = each_award(track(awards), provider, now=now, key=key, log=log, source=source)
    return _together([*made, *refused_rows(refused, source)])


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
    """Return all that `each_badge` makes or refuses of the badges."""
    made = each_badge(track(sources), registered, now=now, issuer=issuer, key=key, log=log)
    return _together(list(made))


def each_award(
    awards: Iterable[Award],
    provider: Provider,
    *,
    now: datetime,
    key: PrivateKey | None = None,
    log: str | None = None,
    source: str = "cohort.csv",
) -> Iterator[Made]:
    """Make a new credential, holder file and event of every award, in the order of the awards.

    `source` is the name of the file, `log` the origin to note in the holder files. With `key`, a
    signing key of the provider, the credentials are signed (eddsa-jcs-2022) as of `now`. Raises
    `Refusal`: `signing-key` for the founding key, and `log-origin`.
    """
    _check_key(key, provider.did)
    _check_origin(log)
    return _of_awards(awards, provider, now, key, log, plain_name(source))


def each_badge(
    sources: Iterable[Source],
    registered: Registered | Mapping[str, Registered],
    *,
    now: datetime,
    issuer: str | None = None,
    key: PrivateKey | None = None,
    log: str | None = None,
) -> Iterator[Made | Refused]:
    """Make an event and a holder file of every Open Badge among `sources`, or refuse it.

    `registered` is the achievement they all award, or those they award by Open Badges
    achievement id. With `issuer`, badges of other issuers are refused. With `key`, a proof by
    this signing key of the issuer, made `now`, is added to each. After `MAX_REFUSED` refusals no
    source is read. Raises `Refusal` (`log-origin`, and `events-count` when there are more than a
    submission takes).
    """
    _check_origin(log)
    return _of_badges(sources, registered, now, issuer, key, log)


def refused_rows(refused: Iterable[tuple[int, Refusal]], source: str) -> list[Refused]:
    """Return what `read_cohort` refused, each with the name of the file and the row."""
    return [(f"{plain_name(source)} row {row}", refusal) for row, refusal in refused]


def _of_awards(
    awards: Iterable[Award],
    provider: Provider,
    now: datetime,
    key: PrivateKey | None,
    log: str | None,
    source: str,
) -> Iterator[Made]:
    issuer, did = profile(provider), _documented(provider.issuer)
    objects: dict[tuple[str, int], dict[str, Any]] = {}
    for award, credential_id in zip(awards, ids_in_no_order(), strict=False):
        offering = award.offering
        offered = offering.achievement, offering.version
        if offered not in objects:
            objects[offered] = offered_achievement(offering)
        when = dates(award.awarded, award.valid_until, offset=provider.offset, now=now)
        made = credential(award, credential_id, issuer, objects[offered], when)
        if key:
            made = sign(made, key, created=now, did=did)
        # Read back what was written, so a credential becomes an event in one way only.
        draft = _Draft(
            source=f"{source} row {award.row}",
            credential=made,
            badge=read_badge(made),
            registered=offering,
            row=award.row,
        )
        learners = tuple(filter(None, (award.learner, award.learner_did)))
        yield _issued(draft, credential_id, log, learners)


def _of_badges(
    sources: Iterable[Source],
    registered: Registered | Mapping[str, Registered],
    now: datetime,
    issuer: str | None,
    key: PrivateKey | None,
    log: str | None,
) -> Iterator[Made | Refused]:
    first_source: dict[bytes, str] = {}
    ids, refused, prepared = ids_in_no_order(), 0, 0
    for source, data in sources:
        try:
            draft = _draft(source, data, registered, issuer)
            note = _examine(draft)
            if key and draft.badge.format not in _KEPT:
                draft = _signed(draft, key, now)
            _check_first(draft, first_source)
        except Refusal as refusal:
            yield source, detached(refusal)
            refused += 1
            if refused >= MAX_REFUSED:
                detail = f"{MAX_REFUSED} refusals; the sources after this one were not read"
                yield source, Refusal(UNREAD, detail)
                return
            continue
        prepared += 1
        if prepared > MAX_EVENTS:
            raise Refusal("events-count", f"a submission has at most {MAX_EVENTS} events")
        yield _issued(draft, next(ids), log, learners_of(draft.credential), note)


def _together(made: Iterable[Made | Refused]) -> Prepared:
    """Return what was made, in the order of the ids, which is random."""
    found = [each for each in made if isinstance(each, Made)]
    refused = [each for each in made if not isinstance(each, Made)]
    found.sort(key=attrgetter("event.credential"))
    return Prepared(made=found, refused=refused)


def _check_origin(log: str | None) -> None:
    try:
        msgspec.convert(log, Origin | None)
    except msgspec.ValidationError:
        raise Refusal("log-origin", "is not the origin of a log", value=log) from None


def _check_key(key: PrivateKey | None, issuer: str) -> None:
    if key and key.public.did_key() == issuer:
        raise Refusal(
            "signing-key",
            "this is the founding key, which signs key events alone; give a signing key",
            value=issuer,
        )


def _issued(
    draft: _Draft,
    credential_id: str,
    log: str | None,
    learners: tuple[str, ...],
    note: str | None = None,
) -> Made:
    badge, registered, blind = draft.badge, draft.registered, new_blind()
    event = CredentialIssued(
        achievement=registered.achievement,
        achievement_version=registered.version,
        commitment=commit(draft.credential, blind),
        credential=credential_id,
        format=badge.format,
        valid_from=badge.valid_from.date(),
        accreditation=registered.accreditation,
        assessment=_only(badge.elements.assessment),
        participation=_only(badge.elements.participation),
        suite=_suite(badge),
        supervision=badge.elements.supervision,
        valid_until=badge.valid_until.date() if badge.valid_until else None,
    )
    holder = HolderFile(blind=blind, credential=draft.credential, id=credential_id, log=log)
    return Made(
        event=event,
        holder=holder,
        source=draft.source,
        learners=learners,
        row=draft.row,
        note=note,
    )


def _only(values: Sequence[T]) -> T | None:
    # The event has room for one; of several, none is *the* form of this award.
    return values[0] if len(values) == 1 else None


def _suite(badge: Badge) -> Suite | None:
    """Return the suite to state: that of a receipt, the one of proofs, else the first known."""
    if not badge.suites:
        return "none"
    if SUITE in badge.suites:
        return SUITE
    known: tuple[Suite, ...] = get_args(Suite)
    receipts = (suite for suite in known if suite in badge.suites and suite in SUITES)
    if badge.format in _KEPT and (receipt := next(receipts, None)):
        return receipt
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
    badge = read_credential(parsed)
    if issuer is not None and badge.issuer.id != issuer:
        raise Refusal("issuer", f"the issuer is not {issuer}", value=badge.issuer.id)
    if not isinstance(registered, Registered):
        if badge.achievement.id is None or badge.achievement.id not in registered:
            raise Refusal(
                "achievement-unknown",
                "no registered achievement is given for this one",
                value=badge.achievement.id,
            )
        registered = registered[badge.achievement.id]
    return _Draft(
        source=source,
        credential=parsed,
        badge=badge,
        registered=registered,
    )


def _signed(draft: _Draft, key: PrivateKey, now: datetime) -> _Draft:
    did = _documented(draft.badge.issuer.id)
    made = sign(draft.credential, key, created=now, did=did)
    return msgspec.structs.replace(draft, credential=made, badge=read_badge(made))


def _documented(issuer: str) -> str | None:
    """Return the issuer if it is a DID whose document lists its keys, as that of a did:web does.

    Other verifiers look there. A did:key spells one key, which is not the one that signs.
    """
    return issuer if issuer.startswith("did:") and not issuer.startswith("did:key:") else None


def _check_first(draft: _Draft, first_source: dict[bytes, str]) -> None:
    # Open Badges 3.0: same issuer and same id, percent-decoded and trimmed, is the same
    # credential; one is not issued twice.
    identity = f"{draft.badge.issuer.id} {unquote(draft.badge.id).strip()}".encode()
    first = first_source.setdefault(hashlib.sha256(identity).digest(), draft.source)
    if first != draft.source:
        raise Refusal(
            "duplicate-credential", f"the same credential as in {first}", value=draft.badge.id
        )


def _examine(draft: _Draft) -> str | None:
    """Return what is to be known of its proofs, or None; refuse a proof that is false."""
    notes = (_examine_receipt(draft.credential), _examine_proofs(draft))
    return "; ".join(filter(None, notes)) or None


def _examine_receipt(credential: dict[str, Any]) -> str | None:
    if version_of(credential) is None and not carries_receipt(credential):
        return None
    try:
        examine(credential)
    except Unavailable as reason:
        return str(reason)
    except Refuted as error:
        raise Refusal("proof", f"the credential's own receipt is false: {error}") from None
    return None


def _examine_proofs(draft: _Draft) -> str | None:
    if SUITES.issuperset(draft.badge.suites):
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
