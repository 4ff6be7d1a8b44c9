"""Cases of the log: lines, paths, positions, checkpoints, and what no rule admits."""

from __future__ import annotations

import base64
from hashlib import sha256

import msgspec

from testamur.badges.commitment import commit
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_events, encode_event
from testamur.catalogue.submission import parse, submission_entry
from testamur.rules import MAX_AHEAD
from testamur.tlog.checkpoint import Checkpoint, sign_checkpoint
from testamur.tlog.cosignature import Cosigner
from testamur.tlog.note import SignerKey
from tests.harness.story import NOW, Party, Story, party, private_key
from tests.vectors.cases import AFTER_SIGNATURE, case
from tests.vectors.scene import Scene

_ZERO = base64.b64encode(bytes(32)).decode()
_NO_CHAIN = f"signature {AFTER_SIGNATURE}"
_NO_TREE = f"inclusion {_NO_CHAIN}"


def _witness(number: int) -> Cosigner:
    return Cosigner.from_seed(f"w{number}", bytes([number]) * 32)


# --- The events under the root that was signed ---


@case(
    "a line of the same submission in its place",
    refuted="submission inclusion",
    unchecked=_NO_CHAIN,
)
def _(scene: Scene) -> None:
    other = scene.log.entries[12].decode()
    scene.bend(lambda f: f["submissions"][-1]["events"][0].update(line=other))


@case("a line made up", refuted="submission inclusion", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    line = encode_event(scene.story.issued(scene.holder.id)).decode()
    scene.bend(lambda f: f["submissions"][-1]["events"][0].update(line=line))


@case("another number", refuted="submission inclusion", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][-1]["events"][0].update(number=2))


@case("a path in the submission that leads elsewhere", refuted="submission", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][-1]["events"][0]["path"].__setitem__(0, _ZERO))


@case("a header that is none", refuted="submission inclusion", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][-1].update(entry="{}"))


# --- Inclusion ---


@case("a path that leads elsewhere", refuted="inclusion")
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][2]["inclusion"].__setitem__(0, _ZERO))


@case("a path of an event that leads elsewhere", refuted="inclusion")
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][2]["events"][0]["inclusion"].__setitem__(0, _ZERO))


@case("a path that is cut short", refuted="inclusion")
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][-1]["inclusion"].pop())


@case("a path that goes on above the root", refuted="inclusion")
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][-1]["inclusion"].append(_ZERO))


@case("another position", refuted="inclusion", unchecked=AFTER_SIGNATURE)
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][-1].update(position=9))


@case("a position beyond the tree", refuted="inclusion")
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][-1].update(position=10**12))


@case("a time the log never stated", refuted="inclusion", unchecked=AFTER_SIGNATURE)
def _(scene: Scene) -> None:
    def change(found: dict[str, list[dict[str, str]]]) -> None:
        last = found["submissions"][-1]
        last["entry"] = last["entry"].replace("T10:00:00.000Z", "T09:59:00.000Z")

    scene.bend(change)


@case("submissions that overlap", refuted="inclusion", unchecked=AFTER_SIGNATURE)
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][1].update(position=1))


@case("a size beyond the checkpoint", refuted="inclusion")
def _(scene: Scene) -> None:
    scene.bend(lambda f: f.update(size=15))


@case("a size that what is shown goes beyond", refuted="inclusion")
def _(scene: Scene) -> None:
    scene.bend(lambda f: f.update(size=11))


@case("a size that cuts a submission", refuted="inclusion")
def _(scene: Scene) -> None:
    event = scene.prepared()
    revoked = e.CredentialRevoked(credential=scene.holder.id, reason="issuedInError")
    position = scene.says(scene.story.provider, event, revoked)
    scene.show([*scene.opening(), (position, [position + 1])])
    scene.bend(lambda f: f.update(size=position + 2))


@case("a tree that cuts a submission", refuted="inclusion")
def _(scene: Scene) -> None:
    found = scene.evidence()
    scene.log.republish(scene.log.entries[:-1])  # the last of three issuances is missing
    reader, size = scene.log.reader(), len(scene.log.entries)
    found["checkpoint"] = (scene.log.root / "checkpoint").read_text()
    for submission in found["submissions"]:
        position = submission["position"]
        submission["inclusion"] = _texts(reader.inclusion(position, size))
        for event in submission["events"]:
            event["inclusion"] = _texts(reader.inclusion(position + event["number"], size))


def _texts(path: list[bytes]) -> list[str]:
    return [base64.b64encode(node).decode() for node in path]


# --- The checkpoint ---


@case("a larger tree", refuted="checkpoint", unchecked=_NO_TREE)
def _(scene: Scene) -> None:
    scene.bend(lambda f: f.update(checkpoint=f["checkpoint"].replace("\n14\n", "\n15\n")))


@case("a root signed by another key", refuted="checkpoint", unchecked=_NO_TREE)
def _(scene: Scene) -> None:
    fork = Checkpoint(scene.story.origin, 14, bytes(32))
    stranger = SignerKey.from_seed(fork.origin, bytes([9]) * 32)
    scene.bend(lambda f: f.update(checkpoint=sign_checkpoint(fork, stranger).decode()))


@case("a log the verifier does not know", refuted="checkpoint", unchecked=_NO_TREE)
def _(scene: Scene) -> None:
    key = SignerKey.from_seed(scene.story.origin, bytes([9]) * 32).verifier
    scene.policy = f"log {key}\nquorum none\n"


@case("no signature at all", refuted="checkpoint", unchecked=_NO_TREE)
def _(scene: Scene) -> None:
    scene.bend(lambda f: f.update(checkpoint=f["checkpoint"].partition("\n\n")[0] + "\n"))


@case("a quorum that is met")
def _(scene: Scene) -> None:
    scene.witnesses = [(_witness(number), NOW + 60) for number in (1, 2)]
    lines = [f"witness w{n} {_witness(n).verifier}" for n in (1, 2)]
    scene.trust("g", *lines, "group g all w1 w2")


@case("too few witnesses", refuted="checkpoint", unchecked=_NO_TREE)
def _(scene: Scene) -> None:
    scene.witnesses = [(_witness(1), NOW)]
    lines = [f"witness w{n} {_witness(n).verifier}" for n in (1, 2, 3)]
    scene.trust("g", *lines, "group g 2 w1 w2 w3")


@case("a cosignature of another tree", refuted="checkpoint", unchecked=_NO_TREE)
def _(scene: Scene) -> None:
    scene.witnesses = [(_witness(1), NOW)]
    older = scene.publish().decode().split("\n\n")[1]
    scene.says(scene.story.provider, scene.story.issued())
    scene.witnesses = []
    cosignature = older.splitlines()[-1] + "\n"
    scene.bend(lambda f: f.update(checkpoint=f["checkpoint"] + cosignature))
    scene.trust("w1", f"witness w1 {_witness(1).verifier}")


@case("an entry recorded after witnesses saw it", refuted="signature")
def _(scene: Scene) -> None:
    scene.witnesses = [(_witness(1), NOW - MAX_AHEAD - 1)]
    scene.trust("w1", f"witness w1 {_witness(1).verifier}")


@case("an entry recorded in the time to come", refuted="signature")
def _(scene: Scene) -> None:
    scene.at = scene.now
    scene.now = scene.now.fromtimestamp(NOW - MAX_AHEAD - 1, scene.now.tzinfo)


# --- What an operator admits against the rules ---


@case("signed by a key of another", refuted="signature", unchecked=AFTER_SIGNATURE)
def _(scene: Scene) -> None:
    provider = scene.story.provider
    thief = Party(provider.did, private_key("x"), provider.key_id)
    scene.forge(scene.story.submission(thief, scene.prepared()))


@case("recorded before the last", refuted="signature", unchecked=AFTER_SIGNATURE)
def _(scene: Scene) -> None:
    body = scene.story.submission(scene.story.provider, scene.prepared())
    scene.forge(body, recorded_at=scene.story.milliseconds - 1000)


@case("signed long before it was recorded", refuted="signature", unchecked=AFTER_SIGNATURE)
def _(scene: Scene) -> None:
    iat = NOW - 30 * 24 * 3600
    scene.forge(scene.story.submission(scene.story.provider, scene.prepared(), iat=iat))


@case("meant for another log", refuted="signature", unchecked=AFTER_SIGNATURE)
def _(scene: Scene) -> None:
    scene.forge(scene.story.submission(scene.story.provider, scene.prepared(), aud="other"))


@case("issued by an accreditor", refuted="signature", unchecked=AFTER_SIGNATURE)
def _(scene: Scene) -> None:
    scene.forge(scene.story.submission(scene.story.accreditor, scene.prepared()))


@case("a credential called like its achievement", refuted="signature", unchecked=AFTER_SIGNATURE)
def _(scene: Scene) -> None:
    taken = scene.story.achievement
    event = scene.prepared(credential=taken)
    scene.holder = msgspec.structs.replace(scene.holder, id=taken)
    scene.forge(scene.story.submission(scene.story.provider, event))


@case("a genesis that the log's key did not sign", refuted="signature", unchecked=AFTER_SIGNATURE)
def _(scene: Scene) -> None:
    positions = scene.positions()
    public = scene.story.log_key.public
    forger = Party(public.did_key(), private_key("forger"), public.multikey())
    (opened,) = decode_events([scene.log.entries[1]])
    body = parse(scene.story.submission(forger, opened))
    entry = submission_entry(body.header.jws, scene.story.milliseconds)
    scene.log.republish([entry, *body.lines, *scene.log.entries[2:]])
    scene.show(positions)


@case(
    "a log opened by a key the policy does not list",
    refuted="signature",
    unchecked=AFTER_SIGNATURE,
)
def _(scene: Scene) -> None:
    scene.log.signer = SignerKey.from_seed(scene.story.origin, bytes([9]) * 32)
    scene.policy = f"log {scene.log.key}\nquorum none\n"
    scene.show([*scene.opening(), (10, [11])])


@case(
    "a log that opens under another name",
    refuted="signature",
    unchecked=AFTER_SIGNATURE,
    story=lambda: Story(name="vectors", origin="other.example/log"),
)
def _(scene: Scene) -> None:
    here = SignerKey.from_seed("log.example/testamur", scene.story.log_key.raw())
    scene.log.signer = here
    scene.policy = f"log {here.verifier}\nquorum none\n"
    scene.holder = msgspec.structs.replace(scene.holder, log=None)
    scene.show([*scene.opening(), (10, [11, 12, 13])])


@case(
    "a second issuance of the same credential",
    refuted="signature commitment",
    unchecked="status",
)
def _(scene: Scene) -> None:
    """One event commits to what was awarded, the other to what the holder shows."""
    (event,) = decode_events([scene.log.entries[11]])
    assert isinstance(event, e.CredentialIssued)
    blind = sha256(b"another blind").digest()
    scene.alter(lambda c: c.update(name="Better"))
    scene.holder = msgspec.structs.replace(scene.holder, blind=blind)
    better = commit(scene.holder.credential, blind)
    again = msgspec.structs.replace(event, commitment=better)
    position = scene.says(scene.story.provider, again)
    scene.show([*scene.opening(), (10, [11]), (position, [position + 1])])


@case(
    "an issuance repeated in the submission that grants it",
    refuted="signature",
    unchecked=AFTER_SIGNATURE,
)
def _(scene: Scene) -> None:
    story, both = scene.story, party("accreditor and provider")
    accreditation, achievement = story.new_id(), story.new_id()
    entered = scene.says(
        story.authority,
        story.registered(story.authority, both, "accreditor", "provider"),
        msgspec.structs.replace(story.recognised(story.new_id()), accreditor=both.did),
    )
    granted = msgspec.structs.replace(story.accredited(accreditation), provider=both.did)
    issuance = scene.prepared(
        lambda c: c["issuer"].update(id=both.did),
        achievement=achievement,
        accreditation=accreditation,
    )
    at = scene.says(both, story.defined(achievement), granted, issuance, issuance)
    scene.show(
        [(0, [1]), (entered, [entered + 1, entered + 2]), (at, [at + i for i in (1, 2, 3, 4)])]
    )


@case("a suspension that was logged again", refuted="signature", unchecked="status")
def _(scene: Scene) -> None:
    """What its signer said once, an operator cannot have said once more."""
    story, holder = scene.story, scene.holder
    there = e.CredentialSuspended(credential=holder.id, reason="misconduct")
    scene.says(story.provider, there)
    back = story.submission(story.provider, e.CredentialReinstated(credential=holder.id))
    scene.log.append(back)
    scene.says(story.provider, there)
    positions = scene.positions()
    last = scene.log.append(back)
    scene.show([*positions, (last, [last + 1])])


@case(
    "an accreditation reinstated by a submission that was logged again",
    refuted="signature",
    unchecked="status",
)
def _(scene: Scene) -> None:
    story = scene.story
    there = e.AccreditationSuspended(accreditation=story.accreditation, reason="qualityConcern")
    scene.says(story.accreditor, there)
    mended = e.AccreditationReinstated(accreditation=story.accreditation)
    back = story.submission(story.accreditor, mended)
    scene.log.append(back)
    scene.says(story.accreditor, there)
    event = scene.prepared()
    scene.says(story.provider, event)
    positions = scene.positions()
    last = scene.log.append(back)
    scene.show([*positions, (last, [last + 1])])


def _impossible(scene: Scene, signer: Party, *events: e.Event) -> None:
    """Show events that no rule admits, after all that bears on the credential."""
    positions = scene.positions()
    last = scene.says(signer, *events)
    scene.show([*positions, (last, [last + number for number in range(1, len(events) + 1)])])


@case("a revoked credential reinstated in one submission", refuted="signature", unchecked="status")
def _(scene: Scene) -> None:
    revoked = e.CredentialRevoked(credential=scene.holder.id, reason="misconduct")
    back = e.CredentialReinstated(credential=scene.holder.id)
    _impossible(scene, scene.story.provider, revoked, back)


@case("an accreditation granted twice", refuted="signature", unchecked="status")
def _(scene: Scene) -> None:
    _impossible(scene, scene.story.accreditor, scene.story.accredited())


@case("an organization registered twice", refuted="signature", unchecked="status")
def _(scene: Scene) -> None:
    story = scene.story
    again = story.registered(story.accreditor, story.provider, "provider")
    _impossible(scene, story.accreditor, again)


@case("a revision made twice", refuted="signature", unchecked="status")
def _(scene: Scene) -> None:
    story = scene.story
    revised = e.AchievementRevised(
        achievement=story.achievement, definition=story.definition(), version=2
    )
    _impossible(scene, story.provider, revised, revised)
