"""Where a command has its evidence from: a registry that is asked, a log that is read, or files.

Many credentials share one connection, or one reading of the log. A registry that cannot be reached
is not tried again for the next credential.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from testamur.badges.commitment import HolderFile
from testamur.cli.asking import asked, reach
from testamur.cli.files import read, unread
from testamur.cli.terminal import note, progress
from testamur.cli.trust import TrustedLog, opened, trusted_log
from testamur.cli.values import own_address
from testamur.errors import Refusal, Refuted, Unavailable, shown
from testamur.http.client import AsOf, RegistryClient
from testamur.http.exchange import NoServer
from testamur.http.source import is_url
from testamur.rules import Flag, Flags
from testamur.tlog.kept import KeptSource
from testamur.tlog.reader import LogReader
from testamur.verification.bearing import Bearing
from testamur.verification.evidence import (
    MAX_EVIDENCE,
    Evidence,
    build_evidence,
    parse_evidence,
    render_evidence,
)
from testamur.verification.replay import replay
from testamur.verification.report import EvidenceFrom

_KEPT: Final = 8  # answers, of up to 16 MiB each
_FLAGS: Final = {flag.value: flag for flag in Flag}


class Given(NamedTuple):
    """Evidence, where it is from, and the flags that the register stated: None if unasked."""

    evidence_from: EvidenceFrom
    evidence: Evidence
    flags: Flags | None


Fresh: TypeAlias = Callable[[str], Given]
"""Returns what the verifier finds itself about a credential; raises `Unavailable`."""


class FromRegistry:
    """Asks a registry; threads may share it."""

    def __init__(
        self,
        registry: RegistryClient,
        anchors: Sequence[str] = (),
        as_of: AsOf | None = None,
        *,
        flags: bool = True,
    ) -> None:
        self._registry = registry
        self._anchors = anchors
        self._as_of = as_of
        self._flags = flags
        self._gone: NoServer | None = None
        self._told: set[str] = set()
        # Two files of one credential are one question.
        self._asked = lru_cache(maxsize=_KEPT)(self._ask)

    def __call__(self, credential: str) -> Given:
        """Return its evidence, unverified, and the flags that the register states."""
        return self._asked(credential)

    def _ask(self, credential: str) -> Given:
        if self._gone is not None:
            raise NoServer(str(self._gone))
        try:
            found = self._evidence(credential)
            flags = self._stated(credential) if self._flags else None
        except NoServer as error:
            self._gone = error
            raise
        return Given(EvidenceFrom.REGISTER, found, flags)

    def _evidence(self, credential: str) -> Evidence:
        answer = self._registry.evidence(credential, self._as_of, self._anchors)
        # An answer of another kind says nothing about the credential.
        try:
            found = parse_evidence(answer)
        except Refusal as refusal:
            raise Unavailable(
                f"{self._registry.url} answered with no evidence: {refusal}"
            ) from None
        if found.credential != credential:
            raise Unavailable(
                f"{self._registry.url} answered about {found.credential}, not about {credential}"
            )
        if not self._as_of and found.size is not None:
            raise Unavailable(
                f"{self._registry.url} answered as of size {found.size}, and was asked about now"
            )
        return found

    def _stated(self, credential: str) -> Flags | None:
        """Return the flags that the registry states of the issuance; None if it states none.

        No flag changes a verdict, so a registry that does not answer is told about and no more.
        """
        try:
            stated = self._registry.credential(credential).get("flags")
        except Unavailable as error:
            self._tell(f"The registry does not state how the issuance was flagged: {error}")
            return None
        if not isinstance(stated, list) or not all(isinstance(code, str) for code in stated):
            self._tell(f"The registry states flags in an unknown form: {shown(stated)}")
            return None
        for code in stated:
            if code not in _FLAGS:
                self._tell(
                    f"The registry states a flag that this version does not know: {shown(code)}"
                )
        return tuple(_FLAGS[code] for code in stated if code in _FLAGS)

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            note(text, "yellow")


class FromLog:
    """What a replay of the whole log found about the credentials that it looked for."""

    def __init__(self, log: TrustedLog, bearing: Bearing, anchors: Sequence[str]) -> None:
        self._log = log
        self._bearing = bearing
        self._anchors = anchors
        # The histories behind credentials of one provider lie in the same few bundles.
        self._reader = LogReader(KeptSource(log.source), log.keys)

    def __call__(self, credential: str) -> Given:
        """Return its evidence, and the flags of its issuance."""
        positions = self._bearing.positions(credential, self._anchors)
        if not positions:
            size = self._log.checkpoint.size
            raise Unavailable(f"{credential} is not among the first {size} entries")
        found = build_evidence(self._reader, self._log.note, credential, positions)
        try:
            evidence = parse_evidence(render_evidence(found))
        except Refusal as refusal:
            raise Unavailable(
                f"a verifier does not read this much evidence; replay the log instead: {refusal}"
            ) from None
        return Given(EvidenceFrom.REPLAY, evidence, self._bearing.flags(credential))


@contextmanager
def from_registry(
    url: str, anchors: Sequence[str] = (), as_of: AsOf | None = None, *, flags: bool = True
) -> Iterator[Fresh]:
    """Ask the registry at `url`, over one connection or a few."""
    with asked(url) as registry:
        yield FromRegistry(registry, anchors, as_of, flags=flags)


@contextmanager
def from_log(
    place: str, trust: str | None, anchors: Sequence[str], credentials: Collection[str]
) -> Iterator[Fresh]:
    """Replay the log at `place` once, for these credentials.

    Raises `Unavailable` for a log that is not sound: that refutes nobody's credential.
    """
    bearing = Bearing(credentials)
    with opened(place) as source:
        try:
            log = trusted_log(source, trust)
            with progress("Reading the log") as on_progress:
                replay(
                    source,
                    log.keys,
                    checkpoint=log.checkpoint,
                    now=datetime.now(UTC),
                    progress=on_progress,
                    on_submission=bearing.read,
                )
        except Refuted as error:
            # That refutes the log, or the copy of it, and nobody's credential.
            raise Unavailable(f"the log at {place} is not sound: {error}") from None
        yield FromLog(log, bearing, anchors)


@dataclass(frozen=True, slots=True)
class Source:
    """What a verifier asks or reads itself: a registry, a log, or nothing but files."""

    url: str | None
    log: str | None
    trust: str | None

    @property
    def is_there(self) -> bool:
        """Whether there is anything to ask or to read."""
        return self.url is not None or self.log is not None

    @property
    def needs_ids(self) -> bool:
        """Whether all ids must be known before: a log is read once, for all of them."""
        return self.log is not None

    @property
    def asks(self) -> bool:
        """Whether each credential is a question over the network, of which a few run at once."""
        return self.url is not None

    def reach(self) -> None:
        """Raise `NoServer` if there is a registry to ask and nobody answers there."""
        if self.url is not None:
            reach(self.url)

    @contextmanager
    def opened(
        self, anchors: Sequence[str], credentials: Collection[str]
    ) -> Iterator[Fresh | None]:
        """Ask or read about these credentials; None if there are files alone."""
        if self.url is not None:
            with from_registry(self.url, anchors) as fresh:
                yield fresh
        elif self.log is not None:
            # What others can change on the way is not what the verifier read itself.
            place = own_address(self.log) if is_url(self.log) else self.log
            with from_log(place, self.trust, anchors, credentials) as fresh:
                yield fresh
        else:
            yield None


def evidence_given(
    holder: HolderFile,
    fresh: Fresh | None,
    files: Mapping[str, Sequence[Path]],
    logs: Collection[str],
) -> list[Given]:
    """Return the evidence about a credential, what is fresh first, then the files by its id.

    `logs` are the names of those that the policy believes. Raises `Unavailable` if there is none,
    or a file is no evidence.
    """
    found = []
    paths = files.get(holder.id, ())
    if fresh is not None:
        try:
            found.append(fresh(holder.id))
        except Unavailable as error:
            if not paths:
                raise _elsewhere(holder, logs, error) from None
            note(f"{error}; {holder.id} is judged by {paths[0]} alone", "yellow")
    # Each may show what another leaves out.
    found += [Given(EvidenceFrom.FILE, read_evidence(path), None) for path in paths]
    if not found:
        raise Unavailable(f"none of the files given is evidence about {holder.id}")
    return found


def _elsewhere(holder: HolderFile, logs: Collection[str], error: Unavailable) -> Unavailable:
    """Return the error, with where else to ask if the file names another log.

    That is no more than a hint: which register is asked is not for a file to say.
    """
    if isinstance(error, NoServer) or holder.log is None or holder.log in logs:
        return error
    return Unavailable(f"{error}; its file says that it is on another log, {holder.log}")


def read_evidence(path: Path) -> Evidence:
    """Return the evidence in a file; raises `Unavailable` for a file that is none."""
    with unread(path):
        return parse_evidence(read(path, MAX_EVIDENCE))
