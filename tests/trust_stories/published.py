"""A story on a real log: admitted by the gate, published, and read again by outsiders.

    published = PublishedStory(tmp_path, register)
    published.replay()                                    # what a stranger's replay leads to
    published.report("c1").exit_code == 0                 # a verifier who found the evidence itself

The store, the tiles and the checkpoint are those of a server; only HTTP is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from log.directory import DirectoryStore
from log.publisher import Publisher
from log.sqlite import SqliteLastSigned
from testamur.badges.commitment import HolderFile
from testamur.tlog.note import SignerKey
from testamur.tlog.policy import parse_policy
from testamur.tlog.reader import LogReader
from testamur.tlog.source import DirectorySource
from testamur.verification.bearing import Bearing
from testamur.verification.evidence import Evidence, build_evidence
from testamur.verification.replay import Replayed, replay
from testamur.verification.report import EvidenceFrom, Report
from testamur.verification.verify import verify
from tests.trust_model import story
from tests.trust_model.cast import ANCHORS
from tests.trust_model.events import Issued
from tests.trust_model.submissions import LOG, prefix
from tests.trust_stories.gate_level import StoredLog
from tests.trust_stories.holders import NONE, Alteration, Holders
from tests.trust_stories.naming import ORIGIN, did_of, id_of, key_of, milliseconds_of

SIGNER: Final = SignerKey.from_seed(ORIGIN, key_of(LOG).raw())


class PublishedStory:
    """A story that was told, in the store of a gate and in a folder of tiles."""

    def __init__(
        self, folder: Path, told: story.Register, alterations: Mapping[str, Alteration] = NONE
    ) -> None:
        """Open the log; `alterations` change the credentials of these names before they are issued.

        The story itself is submitted by `play`.
        """
        self.told = told
        self.holders = Holders(told.story, alterations)
        self.stored = StoredLog(folder / "registry", told, self.holders.commitment)
        self._folder = folder / "log"
        self._store = DirectoryStore(self._folder)
        self._last_signed = SqliteLastSigned(folder / "last-signed.db")
        self._publisher = Publisher(
            self.stored.desk.gate.entries,
            self._store,
            self._last_signed,
            SIGNER,
            published=lambda *_: None,
        )
        self._publisher.resume()

    def play(self, *, thoroughly: bool = True) -> list[str]:
        """Submit all of the story and publish it; return where the gate first differs."""
        played = self.stored.play(thoroughly=thoroughly)
        found = next((each for each in played if each), [])
        self.publish()
        return found

    def publish(self) -> None:
        """Publish what is committed."""
        self._publisher.publish_once()

    def bearing(self) -> Bearing:
        """Return what bears on the credentials of the story, after a replay of all published."""
        bearing = Bearing(map(id_of, self.credentials()))
        replay(self.source(), SIGNER.verifier, on_submission=bearing.read)
        return bearing

    def credentials(self, size: int | None = None) -> dict[str, HolderFile]:
        """Return what holders have of the credentials on the log, by the names of the story.

        It is what the first line of an id says, counting or not. Left out are those whose
        commitment nobody can open, and those that were written at `size` or later.
        """
        first: dict[str, HolderFile | None] = {}
        for submission in self.told.log if size is None else prefix(self.told.log, size):
            for event in submission.events:
                if isinstance(event, Issued) and event.credential not in first:
                    holder = self.holders.holder(submission.organization, event)
                    first[event.credential] = holder
        return {name: holder for name, holder in first.items() if holder is not None}

    def evidence(
        self, credential: str, *, bearing: Bearing | None = None, anchors: Collection[str] = ()
    ) -> Evidence:
        """Return the evidence about a credential, with chains to the anchors of these names."""
        id_ = id_of(credential)
        positions = (bearing or self.bearing()).positions(id_, list(map(did_of, anchors)))
        return self.excerpt(credential, positions)

    def excerpt(
        self,
        credential: str,
        positions: list[tuple[int, list[int]]],
        *,
        as_of: int | None = None,
    ) -> Evidence:
        """Return the entries at these positions as evidence about a credential, as of a size."""
        return build_evidence(self.reader(), self.note, id_of(credential), positions, as_of=as_of)

    def report(
        self,
        credential: str,
        evidence: Evidence | None = None,
        *,
        holder: HolderFile | None = None,
        anchors: Collection[str] = ANCHORS,
        evidence_from: EvidenceFrom = EvidenceFrom.REPLAY,
    ) -> Report:
        """Return the report of a verifier with these anchors, on the day of the last attempt."""
        return verify(
            holder or self.credentials()[credential],
            evidence or self.evidence(credential, anchors=anchors),
            parse_policy(f"log {SIGNER.verifier}\nquorum none\n"),
            anchors=frozenset(map(did_of, anchors)),
            now=datetime.fromtimestamp(milliseconds_of(self.told.now) / 1000, UTC),
            evidence_from=evidence_from,
        )

    @property
    def note(self) -> bytes:
        """The signed checkpoint."""
        return (self._folder / "checkpoint").read_bytes()

    def source(self) -> DirectorySource:
        """Return the folder as a reader's source."""
        return DirectorySource(self._folder)

    def reader(self) -> LogReader:
        """Return a fresh reader of this log."""
        return LogReader(self.source(), SIGNER.verifier)

    def replay(self) -> Replayed:
        """Replay all that is published."""
        return replay(self.source(), SIGNER.verifier)

    def close(self) -> None:
        """Close everything."""
        self._last_signed.close()
        self._publisher.release()
        self.stored.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
