"""A log with real credentials on it, the evidence for them, and a verifier to judge by.

    issued = IssuedLog(tmp_path)
    holder = issued.holders[0]
    issued.report(holder).exit_code == 0

The provider of the story awarded three credentials; `says` appends what follows. The
evidence is made as an outsider would make it: by replaying the log and keeping what bears on
the credential. The verifier trusts the log's key, the witnesses it is given, and the story's
authority.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from testamur.badges.commitment import HolderFile
from testamur.badges.prepare import Prepared
from testamur.catalogue import events as e
from testamur.rules import Flags
from testamur.tlog.checkpoint import sign_checkpoint
from testamur.tlog.cosignature import Cosigner
from testamur.tlog.note import parse_note
from testamur.tlog.policy import Policy, parse_policy
from testamur.verification.bearing import Bearing
from testamur.verification.evidence import Evidence, build_evidence
from testamur.verification.replay import replay
from testamur.verification.report import EvidenceFrom, Report
from testamur.verification.verify import verify
from tests.harness.awards import awards
from tests.harness.published_log import PublishedLog
from tests.harness.story import Party, Story

Positions = list[tuple[int, list[int]]]


class IssuedLog:
    """The log, its holders, and what a verifier makes of them."""

    def __init__(self, root: Path, story: Story | None = None, *, count: int = 3) -> None:
        self.story = story or Story()
        self.log = PublishedLog(root, self.story)
        self.log.append(*self.story.opening())
        self.witnesses: list[tuple[Cosigner, int]] = []
        self.holders = self.award(awards(self.story, count))

    # --- What happens on the log ---

    def award(self, prepared: Prepared, by: Party | None = None) -> list[HolderFile]:
        """Have the provider issue what was prepared; return what the holders get."""
        self.says(by or self.story.provider, *prepared.events)
        return prepared.holders

    def says(self, signer: Party, *events: e.Event, **terms: Any) -> int:
        """Append a submission; return the position of its header. No rule is asked."""
        return self.log.append(self.story.submission(signer, *events, **terms))

    def publish(self) -> bytes:
        """Publish all entries; return the signed checkpoint, cosigned by the witnesses."""
        checkpoint = self.log.publish()
        note = sign_checkpoint(checkpoint, self.log.signer)
        text = parse_note(note).text
        note += b"".join(witness.cosign(text, time) for witness, time in self.witnesses)
        self.log.write("checkpoint", note)
        return note

    # --- What outsiders make of it ---

    def bearing(self, credential: str) -> Bearing:
        """Return what the published log says of a credential, after a replay."""
        bearing = Bearing([credential])
        replay(self.log.source(), self.log.key, on_submission=bearing.read)
        return bearing

    def positions(self, credential: str, anchors: Sequence[Party] = ()) -> Positions:
        """Return what bears on the credential, with chains to anchors and root authorities."""
        return self.bearing(credential).positions(credential, [each.did for each in anchors])

    def evidence(
        self,
        holder: HolderFile,
        *,
        anchors: Sequence[Party] = (),
        positions: Positions | None = None,
    ) -> Evidence:
        """Return the evidence, of all that bears on the credential or of these positions."""
        note = self.publish()
        if positions is None:
            positions = self.positions(holder.id, anchors)
        return build_evidence(self.log.reader(), note, holder.id, positions)

    def policy(self, quorum: str = "none", *lines: str) -> Policy:
        """Return the policy of a verifier who trusts this log and asks for this quorum."""
        text = "\n".join([f"log {self.log.key}", *lines, f"quorum {quorum}", ""])
        return parse_policy(text)

    def report(
        self,
        holder: HolderFile,
        evidence: Evidence | None = None,
        *,
        policy: Policy | None = None,
        anchors: Sequence[Party] | None = None,
        now: datetime | None = None,
        at: datetime | None = None,
        evidence_from: EvidenceFrom = EvidenceFrom.REPLAY,
        stated: Flags | None = None,
    ) -> Report:
        """Return the report on the credential, by the whole evidence unless other is given.

        The anchor is the story's authority, unless others are given.
        """
        trusted = [self.story.authority] if anchors is None else anchors
        return verify(
            holder,
            evidence or self.evidence(holder, anchors=trusted),
            policy or self.policy(),
            anchors=[each.did for each in trusted],
            now=now or datetime.fromtimestamp(self.story.now, UTC),
            at=at,
            evidence_from=evidence_from,
            stated=stated,
        )
