"""Trust policies: which logs and how many witnesses we believe, as c2sp.org/tlog-policy defines.

A checkpoint that passes `Policy.check` is signed by a log of the policy under its own origin, and
cosigned by a quorum of the policy's witnesses. It does not show that a given entry is in that
tree: `merkle.verify_inclusion` and `proof.py` do; nor how recent it is: the times that `check`
returns let the caller judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NoReturn

from testamur.errors import Refuted, Unavailable, shown
from testamur.tlog.checkpoint import Checkpoint, strict_decimal
from testamur.tlog.cosignature import verify_cosignature
from testamur.tlog.log_keys import unknown_key
from testamur.tlog.note import (
    ED25519,
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    BadSignature,
    Note,
    Unsigned,
    VerifierKey,
    keyed,
    parse_note,
)

MAX_POLICY = 1 << 20  # bytes
NONE = "none"
_LOG_TYPES = (ED25519, MLDSA44_COSIGNATURE)
_WITNESS_TYPES = (ED25519_COSIGNATURE, MLDSA44_COSIGNATURE)
_CONTROLS = frozenset([*range(0x09), *range(0x0B, 0x20), 0x7F])


class MalformedPolicy(Refuted):
    """The text is not a trust policy."""


class QuorumMissed(Refuted):
    """Too few witnesses have cosigned the checkpoint."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose checkpoint is believed once it has the quorum; its origin is `key.name`."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness; `name` is what groups and the quorum call it."""

    name: str
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses and groups; it counts as one witness once `threshold` of them have cosigned."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """A checkpoint that a policy believes, and the witnesses that cosigned it.

    `witnesses` are (name in the policy, POSIX time in seconds of the latest cosignature), in the
    order of the policy.
    """

    checkpoint: Checkpoint
    note: Note
    witnesses: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Logs, witnesses, groups in order of definition, and the name of the quorum.

    `quorum` is None when no witness is needed. Built by `parse_policy`, which checks that the
    names fit together.
    """

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str | None

    def render(self) -> str:
        """Return the text that `parse_policy` reads back as this policy."""
        lines = [
            *(("log", str(log.key), log.url) for log in self.logs),
            *(("witness", each.name, str(each.key), each.url) for each in self.witnesses),
            *(("group", each.name, str(each.threshold), *each.members) for each in self.groups),
            ("quorum", NONE if self.quorum is None else self.quorum),
        ]
        return "".join(" ".join(filter(None, line)) + "\n" for line in lines)

    def check(self, note_bytes: bytes) -> Verified:
        """Return the checkpoint in the note if this policy believes it.

        Every line that names a key of the policy must hold. A cosignature at time 0 states no
        time and does not count: witnesses make none (c2sp.org/tlog-witness).

        Raises `Refuted`: `MalformedNote`, `MalformedCheckpoint`, `BadSignature`, `Unsigned` when
        no log of the policy signed under its own origin, `QuorumMissed`. Raises `Unavailable` when
        the verdict depends on a signature that cannot be verified here, or (`UnknownLogKey`) when
        other keys alone signed for a log of the policy, which may have changed its key.
        """
        note = parse_note(note_bytes)
        checkpoint = Checkpoint.parse(note.text)
        self._check_log(note, checkpoint)
        times, unexamined = self._cosigned(note)
        if not self._is_quorum(times.keys()):
            self._refuse(checkpoint, times.keys(), unexamined)
        witnesses = [(each.name, times[each.name]) for each in self.witnesses if each.name in times]
        return Verified(checkpoint, note, tuple(witnesses))

    def _check_log(self, note: Note, checkpoint: Checkpoint) -> None:
        keys = keyed(log.key for log in self.logs)
        signers: set[str] = set()
        unexamined: set[str] = set()
        for signature in note.signatures:
            if key := keys.get(signature.key):
                try:
                    _verify_log(key, note.text, checkpoint, signature.blob)
                except Unavailable:
                    unexamined.add(key.name)
                else:
                    signers.add(key.name)
        origin = checkpoint.origin
        if origin in signers:
            return
        if origin in unexamined:
            raise Unavailable(f"the signature of {shown(origin)} cannot be verified here")
        known = [log.key for log in self.logs if log.key.name == origin]
        if known and (unknown := unknown_key(note, origin, known)):
            raise unknown
        raise Unsigned(
            f"the checkpoint of {shown(origin)} is not signed by a key that the policy lists "
            "for that log"
        )

    def _cosigned(self, note: Note) -> tuple[dict[str, int], set[str]]:
        """Return when each witness cosigned, and the witnesses we could not examine."""
        keys = keyed(witness.key for witness in self.witnesses)
        names = {witness.key: witness.name for witness in self.witnesses}
        times: dict[str, int] = {}
        unexamined: set[str] = set()
        for signature in note.signatures:
            if key := keys.get(signature.key):
                name = names[key]
                try:
                    time = verify_cosignature(key, note.text, signature.blob)
                except Unavailable:
                    unexamined.add(name)
                    continue
                if time:
                    times[name] = max(time, times.get(name, 0))
        return times, unexamined

    def _is_quorum(self, cosigners: AbstractSet[str]) -> bool:
        if self.quorum is None:
            return True
        reached = set(cosigners)
        # A group names only members defined before it, so one pass in order is enough.
        for group in self.groups:
            if sum(member in reached for member in group.members) >= group.threshold:
                reached.add(group.name)
        return self.quorum in reached

    def _refuse(
        self, checkpoint: Checkpoint, cosigners: AbstractSet[str], unexamined: AbstractSet[str]
    ) -> NoReturn:
        if self._is_quorum(cosigners | unexamined):
            raise Unavailable(
                f"the quorum {shown(self.quorum)} depends on cosignatures that cannot be verified "
                f"here: {_listed(unexamined)}"
            )
        missing = [each.name for each in self.witnesses if each.name not in cosigners]
        raise QuorumMissed(
            f"checkpoint of {checkpoint.size} leaves misses the quorum {shown(self.quorum)}: "
            f"cosigned by {_listed(cosigners)}; missing {_listed(missing)}"
        )


def _verify_log(key: VerifierKey, text: bytes, checkpoint: Checkpoint, blob: bytes) -> None:
    if key.algorithm == ED25519:
        key.verify(text, blob)
        return
    if checkpoint.extensions:
        raise BadSignature(
            f"{key.name}: an ML-DSA-44 signature leaves extension lines of a checkpoint unsigned"
        )
    verify_cosignature(key, text, blob)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(shown(name) for name in sorted(names)) or "nobody"


# --- Parsing ---


def parse_policy(text: str | bytes) -> Policy:
    """Return the policy that `text` spells; raises `MalformedPolicy`, naming the line, if none.

    Names are opaque bytes: those that are not UTF-8 appear with surrogate escapes.
    """
    raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    if len(raw) > MAX_POLICY:
        raise MalformedPolicy(f"a policy of {len(raw)} bytes is above {MAX_POLICY}")
    if not raw.endswith(b"\n"):
        # A file cut short could otherwise name another quorum: `quorum g1` of `quorum g12`.
        raise MalformedPolicy("the last line of a policy must end in a newline")
    reading = _Reading()
    for number, line in enumerate(raw[:-1].split(b"\n"), start=1):
        try:
            reading.take(line)
        except Refuted as error:
            raise MalformedPolicy(f"line {number}: {error}") from None
    return reading.policy()


class _Reading:
    """What the lines read so far define."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.quorums: list[str] = []
        self.defined: set[str] = set()
        self.grouped: set[str] = set()
        self.publics: set[bytes] = set()

    def take(self, line: bytes) -> None:
        if stray := _CONTROLS.intersection(line):
            raise MalformedPolicy(f"byte 0x{min(stray):02x} is not allowed")
        # `bytes.split` separates at ASCII blanks only, `str.split` at Unicode's too.
        items = [item.decode("utf-8", "surrogateescape") for item in line.split()]
        match items:
            case []:
                return
            case [first, *_] if first.startswith("#"):
                return
            case ["log", vkey, *url] if len(url) <= 1:
                self.logs.append(Log(self._key(vkey, _LOG_TYPES), *url))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._define(name)
                self.witnesses.append(Witness(name, self._key(vkey, _WITNESS_TYPES), *url))
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, members)
            case ["quorum", name]:
                self._quorum(name)
            case _:
                raise MalformedPolicy(f"not a log, witness, group or quorum: {shown(line)}")

    def _key(self, vkey: str, types: Sequence[int]) -> VerifierKey:
        key = VerifierKey.parse(vkey)
        if key.algorithm not in types:
            raise MalformedPolicy(
                f"{key.name}: a key of type 0x{key.algorithm:02x} cannot be used here"
            )
        if key.public in self.publics:
            raise MalformedPolicy(f"the public key of {key.name} is listed twice")
        self.publics.add(key.public)
        return key

    def _define(self, name: str) -> None:
        if name == NONE or name in self.defined:
            raise MalformedPolicy(f"the name {shown(name)} is taken")
        self.defined.add(name)

    def _refer(self, name: str) -> None:
        if name not in self.defined:
            raise MalformedPolicy(f"{shown(name)} is not defined above")

    def _group(self, name: str, threshold: str, members: list[str]) -> None:
        for member in members:
            self._refer(member)
            if member in self.grouped:
                raise MalformedPolicy(f"{shown(member)} is a member twice")
            self.grouped.add(member)
        self._define(name)
        self.groups.append(Group(name, _threshold(threshold, len(members)), tuple(members)))

    def _quorum(self, name: str) -> None:
        if self.quorums:
            raise MalformedPolicy("a policy has one quorum")
        if name != NONE:
            self._refer(name)
        self.quorums.append(name)

    def policy(self) -> Policy:
        if not self.quorums:
            raise MalformedPolicy("a policy must have a quorum line")
        keyed([*(log.key for log in self.logs), *(each.key for each in self.witnesses)])
        quorum = None if self.quorums[0] == NONE else self.quorums[0]
        return Policy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), quorum)


def _threshold(text: str, count: int) -> int:
    if text == "any":
        return 1
    if text == "all":
        return count
    threshold = strict_decimal(text, count)
    if threshold == 0:
        raise MalformedPolicy(f"a threshold is from 1 to {count}, not 0")
    return threshold
