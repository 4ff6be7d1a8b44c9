"""What the log and the ledger say against credentials that are being prepared, row by row.

Each credential passes by once and is compared with the definition and the names on the log. At the
end a dry run of all events tells how they would be recorded, and the ledger whose learners hold the
achievement already.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from testamur.badges.contradictions import Contradictions, Words
from testamur.badges.prepare import Made
from testamur.badges.prepared_folder import ID
from testamur.badges.spreadsheet import UNREAD
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.members import Definition
from testamur.cli.awarded_again import Standing, awarded_again, standing_in
from testamur.cli.awarded_ledger import Ledger, Prepared
from testamur.cli.comparing import try_out
from testamur.cli.receipts import head_of
from testamur.cli.signer import Signer
from testamur.errors import Refusal, Unavailable
from testamur.http.check_report import CheckReport
from testamur.http.client import RegistryClient
from testamur.tlog.source import NotFound


class Found(NamedTuple):
    """Why credentials, by id, must not be issued, and what a registry made of all events."""

    refused: dict[str, list[Refusal]]
    tried: CheckReport | None
    unread: Refusal | None
    """Why it could not be told of every event, if it could not."""


class Comparison:
    """Compares what is prepared with a `registry`, with a `ledger`, or with both.

    `signer` signs the dry run, `log` is the name of the log if it was given. With `again` learners
    may be awarded what they hold.
    """

    def __init__(
        self,
        registry: RegistryClient | None,
        signer: Signer | None,
        ledger: Ledger | None,
        *,
        log: str | None,
        again: bool,
    ) -> None:
        """Ask the registry how far its log is; raises `Unavailable`."""
        self._registry = registry
        self._signer = signer
        self._ledger = ledger
        self._again = again
        head = None if registry is None else head_of(registry)
        self._size = 0 if head is None else head.size
        self._log = log or (None if head is None else head.origin)
        self._definitions: dict[tuple[str, int], Definition] = {}
        self._vouched: dict[str, Words] = {}
        self._asked: set[object] = set()
        self._unknown: list[str] = []
        issuer = "" if signer is None else signer.did
        self._against = Contradictions(issuer, self._definitions, self._vouched)
        self._refused: dict[str, list[Refusal]] = {}
        self._prepared: dict[str, Prepared] = {}
        self.unnamed = 0
        """Credentials that name their learner by a hash alone, which no ledger can compare."""

    def take(self, made: Made) -> None:
        """Compare one credential, and remember its learner."""
        name = made.event.credential
        if self._ledger is not None:
            tokens = self._ledger.tokens(made.event.achievement, made.learners)
            if tokens:
                self._prepared[name] = Prepared(tokens, again=False)
            else:
                self.unnamed += 1
        if self._registry is not None:
            self._learn(self._registry, made.event)
            found = self._against.of(made.holder.credential, made.event)
            if found:
                self._refused[name] = list(found)

    @property
    def asks(self) -> bool:
        """Whether a registry is asked, which is sent all events."""
        return self._registry is not None

    def found(self, lines: Sequence[bytes]) -> Found:
        """Return what is found, once all were taken; `lines` are ids, each followed by its event.

        Raises `Unavailable`, and `Refusal` when line 1 of the dry run is refused.
        """
        tried, unread = None, None
        if self._registry is not None and self._signer is not None:
            events = [line[ID:].removesuffix(b"\n") for line in lines]
            tried = try_out(events, self._registry, self._signer, self._log)
            for each in tried.refusals:
                if each.line is None or not 2 <= each.line <= len(lines) + 1:
                    raise each.refusal()
                name = lines[each.line - 2][:ID].decode()
                refusal = each.refusal()
                refusal.line = None  # the person knows rows, and no lines of events
                self._refused.setdefault(name, []).append(refusal)
            if tried.left_off:
                unread = Refusal(UNREAD, f"{tried.left_off:,} more that the registry did not list")
            elif tried.accepted and self._unknown:
                raise Unavailable(
                    f"{self._registry.url} takes events about {self._unknown[0]}, and does not "
                    "show it, so nothing could be compared"
                )
        self._look_into_the_ledger()
        return Found(self._refused, tried, unread)

    def remember(self) -> None:
        """Write down whose credentials these are, before the holder files get their names."""
        if self._ledger is not None:
            self._ledger.prepare(
                {name: each for name, each in self._prepared.items() if name not in self._refused}
            )

    def _learn(self, registry: RegistryClient, event: CredentialIssued) -> None:
        version, accreditation = (event.achievement, event.achievement_version), event.accreditation
        if version not in self._asked:
            self._asked.add(version)
            try:
                found = registry.definition(*version, size=self._size)
                self._definitions[version] = found.definition
            except NotFound:
                self._unknown.append(f"version {version[1]} of achievement {version[0]}")
        if accreditation is not None and accreditation not in self._asked:
            self._asked.add(accreditation)
            try:
                named = registry.accreditation(accreditation, size=self._size)
                self._vouched[accreditation] = named.vouched
            except NotFound:
                self._unknown.append(f"accreditation {accreditation}")

    def _look_into_the_ledger(self) -> None:
        if self._ledger is None or not self._prepared:
            return
        stands: Standing | None = None
        if self._registry is not None:
            stands = standing_in(self._registry, datetime.now(UTC).date(), self._size)
        second = awarded_again(self._ledger, self._prepared, log=self._log, stands=stands)
        for name, refusal in second.items():
            if self._again:
                self._prepared[name] = self._prepared[name]._replace(again=True)
            else:
                self._refused.setdefault(name, []).append(refusal)
