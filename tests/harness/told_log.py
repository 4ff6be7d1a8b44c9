"""A story of the trust model on a published log, and what an outsider concludes from it.

told = ToldLog(tmp_path, tell(seed).register)
told.report("c1", ["Ministry"])          # by what bears on the credential, found by a replay

The log holds what the story's gate admitted, each line real and signed. No gate judges it again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

from testamur.badges.commitment import HolderFile
from testamur.tlog.policy import Log, Policy
from testamur.verification.bearing import Bearing
from testamur.verification.evidence import build_evidence
from testamur.verification.replay import replay
from testamur.verification.report import EvidenceFrom, Report
from testamur.verification.verify import verify
from tests.harness.published_log import PublishedLog
from tests.harness.story import Story
from tests.trust_model import story
from tests.trust_model.events import Issued
from tests.trust_model.gate import ADMITTED
from tests.trust_model.submissions import LOG
from tests.trust_model.world import World, evaluate
from tests.trust_stories.holders import Holders
from tests.trust_stories.naming import ORIGIN, did_of, id_of, key_of, milliseconds_of
from tests.trust_stories.rendering import genesis, submission


class ToldLog:
    """The log of a story that was told, its holders, and what the model says of it."""

    def __init__(self, root: Path, told: story.Register) -> None:
        self.told = told
        self.world: World = evaluate(told.log, None, told.settings)
        self.log = PublishedLog(root, _story())
        self._holders = Holders(told.story)
        self.now = 0
        self.log.append(genesis(told.authorities), recorded_at=milliseconds_of(0))
        for number, step in enumerate(told.steps):
            self.now += step.after
            if step.answer == ADMITTED:
                self._append(number, step)
        self.log.publish()
        self.bearing = Bearing(map(id_of, self.credentials()))
        replay(self.log.source(), self.log.key, on_submission=self.bearing.read)

    def credentials(self) -> list[str]:
        """Return the names of the credentials that were ever issued."""
        return list(dict.fromkeys(issued.credential for _, issued in self._issuances()))

    def holder(self, credential: str) -> HolderFile | None:
        """Return what its holder has; None if nothing opens the commitment that counts."""
        thing = self.world.thing("credential", credential)
        if thing is not None and isinstance(thing.event, Issued):
            return self._holders.holder(thing.owner, thing.event)
        first = next(each for each in self._issuances() if each[1].credential == credential)
        return self._holders.holder(*first)

    def positions(self, credential: str, anchors: Collection[str]) -> list[tuple[int, list[int]]]:
        """Return what bears on a credential, found by a replay."""
        return self.bearing.positions(id_of(credential), list(map(did_of, anchors)))

    def report(self, credential: str, anchors: Collection[str]) -> Report | None:
        """Return the report of a verifier with these anchors; None for what nobody can show."""
        holder = self.holder(credential)
        if holder is None:
            return None
        note = self.log.source().fetch("checkpoint")
        positions = self.positions(credential, anchors)
        return verify(
            holder,
            build_evidence(self.log.reader(), note, holder.id, positions),
            Policy((Log(self.log.key),), (), (), None),
            anchors=list(map(did_of, anchors)),
            now=datetime.fromtimestamp(milliseconds_of(self.now) / 1000 + 1, UTC),
            evidence_from=EvidenceFrom.REPLAY,
        )

    def _append(self, number: int, step: story.Step) -> None:
        body = submission(
            step.organization,
            step.key,
            self.now,
            step.events,
            label=str(number),
            commit=self._holders.commitment,
        )
        self.log.append(body, recorded_at=milliseconds_of(self.now))

    def _issuances(self) -> Iterator[tuple[str, Issued]]:
        for each in self.told.log:
            for event in each.events:
                if isinstance(event, Issued):
                    yield each.organization, event


def _story() -> Story:
    named = Story(origin=ORIGIN)
    named.log_key = key_of(LOG)
    return named
