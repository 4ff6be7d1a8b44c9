"""Cases of the log: lines, paths, positions, checkpoints, and what no signer said there."""

from __future__ import annotations

import base64
from dataclasses import replace
from hashlib import sha256

import msgspec

from testamur.badges.commitment import commit
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_events, encode_event
from testamur.catalogue.registration import UNSIGNED, sign_registration
from testamur.catalogue.submission import parse, submission_entry
from testamur.rules import MAX_AHEAD
from testamur.tlog.checkpoint import Checkpoint, sign_checkpoint
from testamur.tlog.cosignature import Cosigner
from testamur.tlog.note import SignerKey
from tests.harness.story import NOW, Story, log_itself, party, private_key
from tests.vectors.cases import case
from tests.vectors.scene import Scene

_ZERO = base64.b64encode(bytes(32)).decode()


def _witness(number: int) -> Cosigner:
    return Cosigner.from_seed(f"w{number}", bytes([number]) * 32)


# --- The events under the root that was signed ---


@case("a line of the same submission in its place", refuted="submission inclusion")
def _(scene: Scene) -> None:
    other = scene.log.entries[12].decode()
    scene.bend(lambda f: f["submissions"][-1]["events"][0].update(line=other))


@case("a line made up", refuted="submission inclusion")
def _(scene: Scene) -> None:
    line = encode_event(scene.story.issued(scene.holder.id)).decode()
    scene.bend(lambda f: f["submissions"][-1]["events"][0].update(line=line))


@case("another number", refuted="submission inclusion")
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][-1]["events"][0].update(number=2))


@case("a path in the submission that leads elsewhere", refuted="submission")
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][-1]["events"][0]["path"].__setitem__(0, _ZERO))


@case("a header that is none", refuted="submission inclusion")
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


@case("another position", refuted="inclusion")
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][-1].update(position=9))


@case("a position beyond the tree", refuted="inclusion")
def _(scene: Scene) -> None:
    scene.bend(lambda f: f["submissions"][-1].update(position=10**12))


@case("a time the log never stated", refuted="inclusion")
def _(scene: Scene) -> None:
    def change(found: dict[str, list[dict[str, str]]]) -> None:
        last = found["submissions"][-1]
        last["entry"] = last["entry"].replace("T10:00:00.000Z", "T09:59:00.000Z")

    scene.bend(change)


@case("submissions that overlap", refuted="inclusion")
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
    event, opening = scene.prepared(), scene.positions()
    revoked = e.CredentialRevoked(credential=scene.holder.id, reason="issuedInError")
    position = scene.says(scene.story.provider, event, revoked)
    scene.show([*opening, (position, [position + 1])])
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


@case("a larger tree", refuted="checkpoint")
def _(scene: Scene) -> None:
    scene.bend(lambda f: f.update(checkpoint=f["checkpoint"].replace("\n14\n", "\n15\n")))


@case("a root signed by another key", unchecked="checkpoint")
def _(scene: Scene) -> None:
    fork = Checkpoint(scene.story.origin, 14, bytes(32))
    stranger = SignerKey.from_seed(fork.origin, bytes([9]) * 32)
    scene.bend(lambda f: f.update(checkpoint=sign_checkpoint(fork, stranger).decode()))


@case("a log the verifier does not know", unchecked="checkpoint")
def _(scene: Scene) -> None:
    key = SignerKey.from_seed(scene.story.origin, bytes([9]) * 32).verifier
    scene.policy = f"log {key}\nquorum none\n"


@case("no signature at all", refuted="checkpoint")
def _(scene: Scene) -> None:
    scene.bend(lambda f: f.update(checkpoint=f["checkpoint"].partition("\n\n")[0] + "\n"))


@case("a quorum that is met")
def _(scene: Scene) -> None:
    scene.witnesses = [(_witness(number), NOW + 60) for number in (1, 2)]
    lines = [f"witness w{n} {_witness(n).verifier}" for n in (1, 2)]
    scene.trust("g", *lines, "group g all w1 w2")


@case("too few witnesses", refuted="checkpoint")
def _(scene: Scene) -> None:
    scene.witnesses = [(_witness(1), NOW)]
    lines = [f"witness w{n} {_witness(n).verifier}" for n in (1, 2, 3)]
    scene.trust("g", *lines, "group g 2 w1 w2 w3")


@case("a cosignature of another tree", refuted="checkpoint")
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


@case("an entry recorded in the time to come", unchecked="signature")
def _(scene: Scene) -> None:
    scene.at = scene.now
    scene.now = scene.now.fromtimestamp(NOW - MAX_AHEAD - 1, scene.now.tzinfo)


# --- Words that their signer did not say, or not there ---


@case("signed by a key of another", refuted="signature", unchecked="commitment")
def _(scene: Scene) -> None:
    provider = scene.story.provider
    scene.says(replace(provider, key=private_key("x")), scene.prepared())


@case("a submission of another that nobody signed", refuted="signature", unchecked="commitment")
def _(scene: Scene) -> None:
    authority = scene.story.authority
    gone = e.RecognitionWithdrawn(reason="misconduct", recognition=scene.story.recognition)
    scene.says(replace(authority, key=private_key("x")), gone)


@case("recorded before the last", refuted="signature", unchecked="commitment")
def _(scene: Scene) -> None:
    body = scene.story.submission(scene.story.provider, scene.prepared())
    scene.forge(body, recorded_at=scene.story.milliseconds - 1000)


@case("signed long before it was recorded", refuted="signature", unchecked="commitment")
def _(scene: Scene) -> None:
    iat = NOW - 30 * 24 * 3600
    scene.says(scene.story.provider, scene.prepared(), iat=iat)


@case("meant for another log", refuted="signature", unchecked="commitment")
def _(scene: Scene) -> None:
    scene.says(scene.story.provider, scene.prepared(), aud="other")


@case("a suspension that was logged again", refuted="signature", unchecked="commitment")
def _(scene: Scene) -> None:
    """What its signer said once, an operator cannot have said once more."""
    story, holder = scene.story, scene.holder
    there = e.CredentialSuspended(credential=holder.id, reason="misconduct")
    again = story.submission(story.provider, there)
    scene.log.append(again)
    scene.says(story.provider, e.CredentialReinstated(credential=holder.id))
    scene.log.append(again)


@case("key events among others", refuted="signature", unchecked="commitment")
def _(scene: Scene) -> None:
    provider = scene.story.provider
    fresh = scene.story.key_listed(provider.with_key("vectors fresh"))
    scene.says(provider, scene.prepared(), fresh)


# --- The genesis ---


@case("a genesis that the log's key did not sign", refuted="signature", unchecked="commitment")
def _(scene: Scene) -> None:
    positions = scene.positions()
    forger = replace(log_itself(scene.story.log_key), key=private_key("forger"))
    (opened,) = decode_events([scene.log.entries[1]])
    body = parse(scene.story.submission(forger, opened))
    entry = submission_entry(body.header.jws, scene.story.milliseconds)
    scene.log.republish([entry, *body.lines, *scene.log.entries[2:]])
    scene.show(positions)


@case(
    "a log opened by a key the policy does not list",
    refuted="signature",
    unchecked="commitment",
)
def _(scene: Scene) -> None:
    scene.log.signer = SignerKey.from_seed(scene.story.origin, bytes([9]) * 32)
    scene.policy = f"log {scene.log.key}\nquorum none\n"


@case(
    "a log that opens under another name",
    refuted="signature",
    unchecked="commitment",
    story=lambda: Story(name="vectors", origin="other.example/log"),
)
def _(scene: Scene) -> None:
    here = SignerKey.from_seed("log.example/testamur", scene.story.log_key.raw())
    scene.log.signer = here
    scene.policy = f"log {here.verifier}\nquorum none\n"
    scene.holder = msgspec.structs.replace(scene.holder, log=None)


# --- Registrations ---


@case("a registration without a signature", refuted="signature", unchecked="commitment")
def _(scene: Scene) -> None:
    newcomer = party("vectors newcomer")
    event = scene.story.registered(scene.story.accreditor, newcomer, "provider")
    scene.says(scene.story.accreditor, msgspec.structs.replace(event, signature=UNSIGNED))


@case("a registration with a key that was put in", refuted="signature", unchecked="commitment")
def _(scene: Scene) -> None:
    """The sponsor could else sign in the newcomer's name."""
    newcomer, thief = party("vectors newcomer"), private_key("vectors thief")
    event = scene.story.registered(scene.story.accreditor, newcomer, "provider")
    keys = (thief.public.multikey(),)
    scene.says(scene.story.accreditor, msgspec.structs.replace(event, signing_keys=keys))


@case("a registration for another sponsor", refuted="signature", unchecked="commitment")
def _(scene: Scene) -> None:
    newcomer = party("vectors newcomer")
    scene.says(
        scene.story.accreditor, scene.story.registered(scene.story.authority, newcomer, "provider")
    )


@case("a registration for another log", refuted="signature", unchecked="commitment")
def _(scene: Scene) -> None:
    elsewhere, newcomer = Story(name="vectors", origin="other.example"), party("vectors newcomer")
    scene.says(
        scene.story.accreditor, elsewhere.registered(scene.story.accreditor, newcomer, "provider")
    )


@case("a key that only a second registration lists", unchecked="signature")
def _(scene: Scene) -> None:
    """The first registration of a DID is the one, also where its founding key signed two."""
    story, provider = scene.story, scene.story.provider
    fresh = provider.with_key("vectors fresh")
    first = story.registered(story.accreditor, provider, "provider")
    second = msgspec.structs.replace(first, signing_keys=(fresh.key.public.multikey(),))
    scene.says(scene.story.accreditor, sign_registration(second, provider.keys.founding))
    scene.award(by=fresh)


# --- Ids ---


@case("a second issuance of the same credential", refuted="commitment")
def _(scene: Scene) -> None:
    """The first commits to what was awarded, the other to what the holder shows."""
    (event,) = decode_events([scene.log.entries[11]])
    assert isinstance(event, e.CredentialIssued)
    blind = sha256(b"another blind").digest()
    scene.alter(lambda c: c.update(name="Better"))
    scene.holder = msgspec.structs.replace(scene.holder, blind=blind)
    better = commit(scene.holder.credential, blind)
    scene.says(scene.story.provider, msgspec.structs.replace(event, commitment=better))


@case("an id that another organization wrote first", refuted="commitment accreditation")
def _(scene: Scene) -> None:
    story, event = scene.story, scene.prepared()
    other = msgspec.structs.replace(event, commitment=bytes(32))
    scene.says(story.accreditor, other)
    scene.says(story.provider, event)


@case(
    "an issuance by another than the accredited one",
    refuted="accreditation",
    unchecked="achievement",
)
def _(scene: Scene) -> None:
    scene.award(by=scene.story.accreditor)


@case("an accreditation granted twice in the same words")
def _(scene: Scene) -> None:
    scene.says(scene.story.accreditor, scene.story.accredited())
