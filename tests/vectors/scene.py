"""What one verifier is handed in a vector, made the same to the byte every time.

    scene = Scene(folder)
    scene.says(scene.story.provider, event)        # what anybody says on the log since
    scene.award()                                  # the credential to judge is a later one
    scene.bend(lambda file: file["submissions"].pop())
    scene.document("desc", expected)

The log is the story's: its opening (entries 0 to 9) and three credentials (10 to 13), of which
the first is judged unless another is awarded. The evidence shows all of the log but the issuances
of other credentials, so what is judged does not hang on anybody's choice of what bears on it.
Blinds are hashes of ids, which no real blind may be.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from testamur.badges.commitment import HolderFile, commit
from testamur.badges.data_integrity import sign
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event
from testamur.catalogue.submission import parse, parse_submission_entry, submission_entry
from testamur.keys import PrivateKey
from testamur.tlog.checkpoint import sign_checkpoint
from testamur.tlog.cosignature import Cosigner
from testamur.tlog.note import parse_note
from testamur.verification.evidence import build_evidence, render_evidence
from tests.harness.published_log import PublishedLog
from tests.harness.story import Party, Story

Change = Callable[[dict[str, Any]], object]
Positions = list[tuple[int, list[int]]]


class Scene:
    """A published log, a credential, its evidence, and what the verifier trusts."""

    def __init__(self, folder: Path, story: Story | None = None) -> None:
        self.story = story or Story(name="vectors")
        self.log = PublishedLog(folder, self.story)
        self.log.append(*self.story.opening())
        self.witnesses: list[tuple[Cosigner, int]] = []
        made = [self._awarded({}, None) for _ in range(3)]
        self.holders = [holder for holder, _ in made]
        self.says(self.story.provider, *(event for _, event in made))
        self.holder = self.holders[0]
        self.policy = f"log {self.log.key}\nquorum none\n"
        self.anchors = [self.story.authority.did]
        self.now = datetime.fromtimestamp(self.story.now, UTC)
        self.at: datetime | None = None
        self.learner: str | None = None
        self._evidence: dict[str, Any] | None = None

    # --- What happens on the log ---

    def wait(self, days: int, seconds: int = 0) -> None:
        """Let time pass on the log, and for the verifier."""
        self.story.now += days * 24 * 3600 + seconds
        self.now += timedelta(days=days, seconds=seconds)

    def says(self, signer: Party, *events: e.Event, **terms: Any) -> int:
        """Append a submission; return the position of its header. No rule is asked."""
        return self.log.append(self.story.submission(signer, *events, **terms))

    def award(
        self, change: Change | None = None, *, by: Party | None = None, **members: Any
    ) -> HolderFile:
        """Issue one more credential, `change`d from the start; it is the one to judge now."""
        self.holder, event = self._awarded(members, change)
        self.says(by or self.story.provider, event)
        return self.holder

    def prepared(self, change: Change | None = None, **members: Any) -> e.CredentialIssued:
        """Return the issuance of one more credential, the one to judge, for the caller to log."""
        self.holder, event = self._awarded(members, change)
        return event

    def forge(self, body: bytes, *, recorded_at: int | None = None) -> int:
        """Append a submission at a time that no clock told; return the position of its header."""
        at = self.story.milliseconds if recorded_at is None else recorded_at
        submission = parse(body)
        return self.log.append_entries(
            submission_entry(submission.header.jws, at), *submission.lines
        )

    def _awarded(
        self, members: Mapping[str, Any], change: Change | None
    ) -> tuple[HolderFile, e.CredentialIssued]:
        id_ = self.story.new_id()
        credential = _credential(self.story, id_, members.get("achievement"))
        if change is not None:
            change(credential)
        blind = sha256(f"blind of {id_}".encode()).digest()
        event = e.CredentialIssued(
            accreditation=self.story.accreditation,
            achievement=self.story.achievement,
            achievement_version=1,
            commitment=commit(credential, blind),
            credential=id_,
            format="OpenBadgeCredential/3.0",
            valid_from=datetime(2026, 11, 20, tzinfo=UTC).date(),
        )
        event = msgspec.structs.replace(event, **members)
        return HolderFile(blind=blind, credential=credential, id=id_, log=self.story.origin), event

    # --- What the verifier is handed ---

    def publish(self) -> bytes:
        """Publish all entries; return the checkpoint, cosigned by the witnesses."""
        note = sign_checkpoint(self.log.publish(), self.log.signer)
        text = parse_note(note).text
        note += b"".join(witness.cosign(text, time) for witness, time in self.witnesses)
        self.log.write("checkpoint", note)
        return note

    def positions(self) -> Positions:
        """Return all of the log as it is, but the issuances of other credentials."""
        found, header = [], 0
        while header < len(self.log.entries):
            count = parse_submission_entry(self.log.entries[header])[1].payload.events
            events = range(header + 1, header + 1 + count)
            if shown := [each for each in events if self._bears(self.log.entries[each])]:
                found.append((header, shown))
            header += 1 + count
        return found

    def _bears(self, line: bytes) -> bool:
        event = decode_event(line)
        return not isinstance(event, e.CredentialIssued) or event.credential == self.holder.id

    def show(self, positions: Positions) -> None:
        """Make the evidence of these positions."""
        note = self.publish()
        found = build_evidence(self.log.reader(), note, self.holder.id, positions)
        self._evidence = json.loads(render_evidence(found))

    def evidence(self) -> dict[str, Any]:
        """Return the evidence as it is in its file: whole, unless it was shown or bent before."""
        if self._evidence is None:
            self.show(self.positions())
        assert self._evidence is not None
        return self._evidence

    def bend(self, change: Change) -> None:
        """Change the evidence as it is in its file."""
        change(self.evidence())

    def leave_out(self, position: int, number: int | None = None) -> None:
        """Take a submission out of the evidence, or one event of it."""
        submissions = self.evidence()["submissions"]
        for submission in submissions:
            if submission["position"] == position and number is not None:
                events = [each for each in submission["events"] if each["number"] != number]
                submission["events"] = events
        submissions[:] = [
            each
            for each in submissions
            if each["events"] and (each["position"] != position or number is not None)
        ]

    def alter(self, change: Change) -> None:
        """Change the credential in the hands of its holder."""
        credential = copy.deepcopy(self.holder.credential)
        change(credential)
        self.holder = msgspec.structs.replace(self.holder, credential=credential)

    def sign(self, *keys: PrivateKey) -> None:
        """Add a proof by each of these keys to the credential."""
        credential = self.holder.credential
        for key in keys:
            created = datetime.fromtimestamp(self.story.now, UTC)
            credential = sign(credential, key, created=created)
        self.holder = msgspec.structs.replace(self.holder, credential=credential)

    def trust(self, quorum: str, *lines: str) -> None:
        """Have the policy ask for this quorum."""
        self.policy = "\n".join([f"log {self.log.key}", *lines, f"quorum {quorum}", ""])

    def document(
        self, desc: str, expected: Mapping[str, str], evidence_from: str
    ) -> dict[str, Any]:
        """Return the vector."""
        return {
            "desc": desc,
            "expected": dict(expected),
            "evidenceFrom": evidence_from,
            "policy": self.policy,
            "anchors": self.anchors,
            "now": _time(self.now),
            **({} if self.at is None else {"at": _time(self.at)}),
            **({} if self.learner is None else {"learner": self.learner}),
            "holder": msgspec.to_builtins(self.holder),
            "evidence": self.evidence(),
        }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _credential(story: Story, id_: str, achievement: str | None = None) -> dict[str, Any]:
    return {
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
        ],
        "id": f"urn:uuid:{id_}",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": story.provider.did, "type": ["Profile"], "name": "An Organization"},
        "validFrom": "2026-11-20T00:00:00Z",
        "credentialSubject": {
            "type": ["AchievementSubject"],
            "id": "did:example:learner",
            "achievement": {
                "id": f"urn:uuid:{achievement or story.achievement}",
                "type": ["Achievement"],
                "name": "Soil Science",
                "description": "What soils are made of.",
                "criteria": {"narrative": "Pass the examination."},
            },
        },
    }
