"""The worst event: what each kind costs in the write transaction, whatever stands in the register.

python -m bench.gate_worst --things 100000

Every kind of event is tried in its heaviest spellings (`bench.gate_kinds`) against every shape of
a register (`bench.gate_shapes`), and the worst found is printed with both. Counted is the CPU
time of the committer while the store's write lock is held, without the store's own inserts and
COMMIT. Of events that come many in a submission or a group, what one of them costs alone in the
same register is taken off: that is paid once, and the worst of it printed beside. Memory is what a
fold of events leaves in a register.
"""

from __future__ import annotations

import gc
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

import msgspec
import typer

from bench.figures import report
from bench.gate_kinds import KINDS
from bench.gate_shapes import EARLIER, SHAPES, Filled
from bench.gate_trial import Act, Shared, Trial
from registry.checked import Checked
from registry.committer import Committer
from registry.credential_streams import CredentialStreams
from registry.outcomes import Recorded
from registry.sqlite.store import SqliteStore
from registry.store import Store
from testamur.catalogue.lines import decode_event, encode_event
from testamur.catalogue.submission import parse
from testamur.errors import Refusal
from testamur.memory import keep_freed_memory
from testamur.rules import Register, Signed
from testamur.rules.fold import take
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story, private_key

_GROUP: Final = 1_000
"""Events of one group, or of one submission."""

_AGAIN: Final = 5
_SPENT: Final = frozenset({"key-count", "key-events", "status-event-count"})
"""The rules by which a shape leaves room for only so many trials."""
_ROUNDS: Final = 3  # the least is taken: the others were disturbed
_ROUNDS_OF_GROUPS: Final = 10  # what submissions of one share is a larger part of what they take


@dataclass
class Meter:
    """CPU seconds of this thread inside write transactions, and of these in the store's inserts."""

    inside: float = 0.0
    inserting: float = 0.0

    @contextmanager
    def inserts(self) -> Iterator[None]:
        """Count what happens within as an insert."""
        begun = time.thread_time()
        yield
        self.inserting += time.thread_time() - begun


class Metered:
    """A store whose write transactions are measured."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.meter = Meter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """Enter a transaction; what is done until it is left is counted."""
        with self._store.writing() as transaction:
            begun = time.thread_time()
            try:
                yield _MeteredTransaction(transaction, self.meter)
            finally:
                self.meter.inside += time.thread_time() - begun


class _MeteredTransaction:
    def __init__(self, transaction: Any, meter: Meter) -> None:
        self._transaction = transaction
        self._meter = meter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)

    def append(self, *rows: Any) -> None:
        with self._meter.inserts():
            self._transaction.append(*rows)

    def commit(self) -> None:
        with self._meter.inserts():
            self._transaction.commit()


@dataclass
class Bench:
    """A gate's committer on a store of its own, with a register of one shape."""

    folder: Path
    things: int
    shape: str
    story: Story = field(default_factory=Story)

    def __post_init__(self) -> None:
        self.store = Metered(SqliteStore(self.folder / "log.db"))
        metered: Any = self.store
        self.committer = Committer(
            metered,
            Register(),
            log_key=self.story.log_key.public,
            clock=lambda: self.story.milliseconds,
        )
        for body in (*self.story.opening(), self.story.cohort(EARLIER)):
            self._commit([self._checked(body)])
        # Into the register itself, as a start would: what it costs to get there is not asked here.
        live = self.committer._shared._live  # noqa: SLF001  # a gate has no door for this
        self.filled = Filled(self.story, live)
        SHAPES[self.shape](self.filled, self.things)

    def least(self, trial: Trial, worst: float) -> Cost | None:
        """Return what an event costs as `cost` does, measured again if it is the worst yet.

        On a machine with neighbours the worst of a thousand measurements is a disturbed one.
        """
        taken: Cost | None = None
        for _ in range(1 + _AGAIN):
            try:
                self.prepare(trial)
                found = self.cost(trial)
            except Refusal as refusal:
                if refusal.rule not in _SPENT:
                    raise
                break
            if found is None:
                break
            taken = found if taken is None else min(taken, found)
            if taken.event <= worst:
                break
        return taken

    def cost(self, trial: Trial) -> Cost | None:
        """Return what an event of a trial costs, or None if it cannot be tried."""
        rounds = _ROUNDS if trial.shares != "transaction" else _ROUNDS_OF_GROUPS
        tried = (self._tried(trial, _GROUP) for _ in range(rounds))
        shared = trial.shares != "nothing"
        found = [each for each in tried if each.events > shared]
        if not found:
            return None
        if not shared:
            return Cost(min(each.us / each.events for each in found), 0.0)
        first = min(self._tried(trial, 1).us for _ in range(rounds))
        return Cost(min((each.us - first) / (each.events - 1) for each in found), first)

    def prepare(self, trial: Trial) -> None:
        """Record what the events of a trial build on."""
        for signer, events in trial.before(self.filled, _GROUP):
            self._commit([self._checked(self.story.submission(signer, *events))])

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def _tried(self, trial: Trial, events: int) -> _Tried:
        """Return what a group of so many events of a trial takes, or fewer if it has no more."""
        acts = trial.acts(self.filled, events)
        return _Tried(sum(len(said) for _, said in acts), self._taken(acts) if acts else 0.0)

    def _taken(self, acts: Sequence[Act]) -> float:
        """Return the microseconds of write transaction that a group of submissions takes."""
        bodies = [self.story.submission(signer, *events) for signer, events in acts]
        group = [self._checked(body) for body in bodies]
        self.store.meter = meter = Meter()
        self._commit(group)
        return (meter.inside - meter.inserting) * 1e6

    def _checked(self, body: bytes) -> Checked:
        # The largest scopes name fields and languages that there are not, which rules cannot tell.
        return replace(Checked.of(parse(body), len(body)), objection=None)

    def _commit(self, group: Sequence[Checked]) -> None:
        for outcome in self.committer.commit(group):
            if not isinstance(outcome, Recorded):
                raise outcome


class Cost(NamedTuple):
    """Microseconds of write transaction of an event, and of a group of one if hundreds share it."""

    event: float
    submission: float


class _Tried(NamedTuple):
    events: int
    us: float


class Found(NamedTuple):
    """The most microseconds of something, and in which spelling and shape."""

    us: float
    trial: str
    shape: str


Worst: TypeAlias = dict[tuple[str, Shared], Found]
"""By the kind of an event, and what hundreds of them shared."""


def worst_of(
    things: int, told: Callable[[str], None], shapes: Sequence[str], kinds: Sequence[str]
) -> tuple[Worst, Found]:
    """Return the worst of each of these kinds of event, and of what hundreds can share."""
    worst: Worst = {}
    submission = Found(0.0, "", "")
    for shape in shapes:
        told(f"{shape}, {things} things ...")
        with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name:
            bench = Bench(Path(name), things, shape)
            gc.collect()
            gc.freeze()  # as a server does once it has started
            for kind in kinds:
                for trial in KINDS[kind]:
                    place = kind, trial.shares
                    taken = bench.least(trial, worst[place].us if place in worst else 0.0)
                    if taken is not None:
                        found = Found(round(taken.event, 1), trial.name, shape)
                        worst[place] = max(found, worst.get(place, found))
                        one = Found(round(taken.submission, 1), f"{kind}, {trial.name}", shape)
                        submission = max(one, submission)
            gc.unfreeze()
            bench.close()
    return worst, submission


def memory(things: int) -> dict[str, float]:
    """Return bytes of register per organization with four keys, and per achievement."""
    story = Story()
    register = MemoryGate.opened(story).register
    achievements = [encode_event(story.defined(story.new_id())) for _ in range(things)]
    return {
        "bytes_per_organization": _bytes(lambda: _enrol(register, story, things)) / things,
        "bytes_per_achievement": _bytes(
            lambda: _fold(register, story.provider, story.milliseconds, achievements)
        )
        / things,
    }


def _bytes(fill: Callable[[], None]) -> int:
    gc.collect()
    tracemalloc.start()
    fill()
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


def _enrol(register: Register, story: Story, things: int) -> None:
    """Bring in organizations with four keys: the founding key and three others."""
    sponsor = story.accreditor
    like = story.registered(sponsor, story.provider, "provider")
    lines = []
    for number in range(things):
        founding, recovery, *signing = (
            private_key(f"key {key} of {number}").public.multikey() for key in range(4)
        )
        event = msgspec.structs.replace(
            like,
            name=f"Organization {number}",
            organization=f"did:key:{founding}",
            recovery_keys=(recovery,),
            signing_keys=tuple(sorted(signing)),
        )
        lines.append(encode_event(event))
    _fold(register, sponsor, story.milliseconds, lines)


def _fold(register: Register, signer: Party, recorded_at: int, lines: Sequence[bytes]) -> None:
    known = register.organizations[signer.did]
    key = known.keys.keys[signer.key_id].key
    for start in range(0, len(lines), _GROUP):
        # Decoded one submission at a time, so that nothing but the register keeps anything.
        signed = Signed(known.did, key, register.size, recorded_at)
        said = enumerate(map(decode_event, lines[start : start + _GROUP]), register.size + 1)
        take(register, CredentialStreams(), signed, list(said))
        register.size += 1 + _GROUP


def main(
    things: Annotated[int, typer.Option(help="things in the register")] = 20_000,
    shape: Annotated[str, typer.Option(help="what the names of shapes to try contain")] = "",
    kind: Annotated[str, typer.Option(help="what the names of kinds to try contain")] = "",
    counted: Annotated[int, typer.Option(help="things whose memory is counted")] = 5_000,
) -> None:
    """Print the worst of each kind of event, with the shape of register it was found in."""
    keep_freed_memory()  # as a server does
    shapes = [name for name in SHAPES if shape in name]
    kinds = [name for name in KINDS if kind in name]
    worst, submission = worst_of(things, lambda line: print(line, flush=True), shapes, kinds)
    for (name, _), found in sorted(worst.items(), key=lambda pair: -pair[1].us):
        print(f"{found.us:9.1f} us  {name:26} {found.trial}; {found.shape}")
    print(f"{submission.us:9.1f} us  a submission of one of {submission.trial}; {submission.shape}")

    def most(shares: Shared) -> float:
        found = (each.us for (_, shared), each in worst.items() if shared == shares)
        return max(found, default=0.0)

    report(
        "gate_worst",
        {
            "things": things,
            "credential_event_us": most("submission"),
            "credential_event_alone_us": most("transaction"),
            "submission_us": submission.us,
            "other_event_us": most("nothing"),
            **memory(counted),
        },
    )


if __name__ == "__main__":
    typer.run(main)
