"""The lease: publishers of one log, of which one at a time may sign.

The steps are those of `log.publisher.Publisher` over `log.postgres.PostgresLastSigned` and a store
of objects (README.md names the line of each). Time is not in the model: a lease may be over at any
moment, a message may be on its way for ever, and a process that is paused is one that takes no
step for a while. A tree is the tuple of its entries. Where `lies` are allowed, a publisher may be
given other entries than its predecessor was, as from a database that was set back.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from typing import Literal, NamedTuple, TypeAlias

Tree: TypeAlias = tuple[int, ...]
"""A checkpoint is named for its tree; the empty one stands for none."""


class Guard(Enum):
    """What can be taken out of the model."""

    LOCK = auto()  # one session holds the claim
    LEASE = auto()  # the server ends a session that says nothing
    EPOCH = auto()  # a note is replaced only in the epoch of the last claim
    COMPARE = auto()  # and only if it is the one that was extended
    CLAIM_BEFORE_READ = auto()  # what is signed and public is read by the holder of the claim
    TILES_BEFORE_SIGNING = auto()  # a checkpoint is signed over files that are stored
    SWAP_BEFORE_PUBLISHING = auto()  # a checkpoint leaves once it is the last one signed
    RESUME_PUBLISHES = auto()  # what is signed and not public is made so before anything else
    IF_MATCH = auto()  # the public checkpoint is replaced only if it is the one that was read
    NO_RETRY = auto()  # a swap whose answer was lost is not sent again
    FROM_THE_FUTURE = auto()  # a public checkpoint beyond the last one signed stops publication


class Swap(NamedTuple):
    """A note on its way to the database; `claim` is its sender's, whatever the guards are."""

    old: Tree
    new: Tree
    epoch: int
    claim: int


class Put(NamedTuple):
    """A checkpoint on its way to the store, to replace `seen`."""

    seen: Tree
    new: Tree


class Publisher(NamedTuple):
    """One publisher; `at` is what it does next."""

    at: Literal[
        "claim", "read", "claim late", "ready", "tiles", "swap", "answer", "publish", "stopped"
    ] = "claim"
    session: bool = False  # the one that holds the lock stands
    believes: bool = False  # that it does
    epoch: int = 0
    claim: int = 0
    signed: Tree = ()  # the note that it extends
    seen: Tree = ()  # the public checkpoint that it read or wrote last
    new: Tree = ()
    done: bool = False  # what the answer to its swap says


class State(NamedTuple):
    """Publishers, the row in the database, files, messages, and what was ever true."""

    publishers: tuple[Publisher, ...]
    note: Tree
    epoch: int
    tiles: frozenset[Tree]
    public: Tree
    swaps: tuple[Swap, ...]  # of those who wait for no answer any more
    puts: tuple[Put, ...]
    claims: int
    rows: tuple[tuple[int, Tree], ...]  # what epoch and note were before, as a backup may have them
    furthest: Tree  # the largest that was ever public
    wrong: str
    faults: tuple[int, int, int]  # crashes, sessions cut, publishers stopped for good


class Lease:
    """`publishers` of a log that grows to `size` entries.

    `crashes`, `cuts` and `stops` bound the faults; `restores` allows one of the database from a
    backup. Without `lies` every publisher is given the same entries. With `backwards` it is no
    broken promise that the public checkpoint goes back.
    """

    def __init__(
        self,
        *without: Guard,
        publishers: int = 2,
        size: int = 2,
        crashes: int = 1,
        cuts: int = 1,
        stops: int = 0,
        lies: bool = False,
        restores: bool = False,
        backwards: bool = False,
    ) -> None:
        self._without = frozenset(without)
        self._size = size
        self._values = (0, 1) if lies else (0,)
        self._lies = lies
        self._restores = restores
        self._backwards = backwards
        self._first = State(
            (Publisher(),) * publishers, (), 0, frozenset(), (), (), (), 0, (), (), "",
            (crashes, cuts, stops),
        )  # fmt: skip

    def first(self) -> State:
        """Return a log of which nothing is signed."""
        return self._first

    def steps(self, state: State) -> Iterator[tuple[str, State]]:
        """Yield what publishers, the database, the store and the network can do."""
        for number, one in enumerate(state.publishers):
            if number and one == state.publishers[number - 1]:
                continue  # publishers are alike
            for name, changed, after in self._of_publisher(state, one):
                yield name, _with(after, number, changed)
        for at, swap in enumerate(state.swaps):
            after = state._replace(swaps=state.swaps[:at] + state.swaps[at + 1 :])
            yield "a swap nobody waits for is lost", after
            yield "a swap nobody waits for arrives", self._swapped(after, swap)[0]
        for at, put in enumerate(state.puts):
            after = state._replace(puts=state.puts[:at] + state.puts[at + 1 :])
            yield "a checkpoint nobody waits for is lost", after
            yield "a checkpoint nobody waits for arrives", self._stored(after, put)[0]
        for epoch, note in state.rows if self._restores else ():
            # The server was stopped for it, so every session and what it was asked is gone.
            cut = sorted(one._replace(session=False) for one in state.publishers)
            yield (
                f"the database is set back to {note}",
                state._replace(
                    publishers=tuple(cut), epoch=epoch, note=note, swaps=(), rows=(), claims=-1
                ),
            )

    def broken(self, state: State) -> str | None:  # noqa: PLR0911  # a list of promises
        """Return the promise that is broken."""
        if state.wrong:
            return state.wrong
        if state.note and state.note not in state.tiles:
            return "what is signed is there"
        if sum(one.session for one in state.publishers) > 1:
            return "one publisher at a time holds the claim"
        if state.public[: len(state.furthest)] != state.furthest:
            if state.furthest[: len(state.public)] != state.public:
                return "no two histories are published"
            if not self._backwards:
                return "the public checkpoint never goes back"
        if not self._restores and state.note[: len(state.public)] != state.public:
            return "what is public was signed and stored before"
        return None

    def settled(self, state: State) -> bool:
        """Return whether all is published; among lies it may stop for good."""
        return self._lies or self._restores or state.public == state.note == (0,) * self._size

    # --- A publisher ---

    def _of_publisher(self, state: State, of: Publisher) -> Iterator[tuple[str, Publisher, State]]:
        """Yield the steps of one publisher: their names, what becomes of it, and of the rest."""
        crashes, cuts, stops = state.faults
        if of.session and self._has(Guard.LEASE) and (cuts or of.at == "stopped"):
            # It was stopped, or is cut off; it does not know. The server's kernel answers for a
            # stopped one, so without the lease its session stands.
            faults = (crashes, cuts - 1, stops) if of.at != "stopped" else state.faults
            yield "a lease is over", of._replace(session=False), state._replace(faults=faults)
        if of.at == "stopped":
            return
        yield from self._of_running(state, of)
        if crashes:
            after = state._replace(faults=(crashes - 1, cuts, stops))
            yield "a publisher is killed", Publisher(), self._left(after, of)
        if stops:
            after = self._left(state._replace(faults=(crashes, cuts, stops - 1)), of)
            yield "a publisher is stopped", Publisher("stopped", session=of.session), after

    def _of_running(  # noqa: C901  # a step each
        self, state: State, of: Publisher
    ) -> Iterator[tuple[str, Publisher, State]]:
        match of.at:
            case "claim" if self._has(Guard.CLAIM_BEFORE_READ):
                yield from self._claim(state, of, "read")
            case "claim":
                yield (
                    "reads",
                    of._replace(at="claim late", signed=state.note, seen=state.public),
                    state,
                )
            case "claim late":
                yield from self._claim(state, of, "ready")
            case "read":
                yield self._resume(state, of)
            case "ready" if len(of.signed) < self._size:
                for end in range(len(of.signed) + 1, self._size + 1):
                    for value in self._values:
                        new = of.signed + (value,) * (end - len(of.signed))
                        yield f"is given {new}", of._replace(at="tiles", new=new), state
            case "tiles":
                yield from self._write(state, of)
            case "swap":
                # The driver sends it in the session of the claim alone. Here it may go out in any,
                # so the promises do not rest on that; the answer may be lost with the session.
                yield from self._swap(state, of)
            case "answer":
                yield self._learn(state, of)
            case "publish":
                yield from self._publish(state, of)
            case _:
                pass

    def _claim(
        self, state: State, of: Publisher, then: Literal["read", "ready"]
    ) -> Iterator[tuple[str, Publisher, State]]:
        if of.believes and of.session:
            yield "still holds the claim", of._replace(at=then), state
            return
        if any(one.session for one in state.publishers) and self._has(Guard.LOCK):
            return
        epoch, claims = state.epoch + 1, state.claims + 1 if state.claims >= 0 else -1
        held = of._replace(at=then, session=True, believes=True, epoch=epoch, claim=claims)
        yield "claims", held, self._row(state, epoch, state.note)._replace(claims=claims)

    def _resume(self, state: State, of: Publisher) -> tuple[str, Publisher, State]:
        signed, public = state.note, state.public
        if len(public) > len(signed) and self._has(Guard.FROM_THE_FUTURE):
            return "finds a public checkpoint from the future", Publisher("stopped"), state
        if public != signed[: len(public)] and self._has(Guard.FROM_THE_FUTURE):
            return "finds another tree", Publisher("stopped"), state
        resumed = of._replace(at="ready", signed=signed, seen=public, new=signed)
        if public != signed and self._has(Guard.RESUME_PUBLISHES):
            resumed = resumed._replace(at="publish")
        return "resumes", resumed, state

    def _write(self, state: State, of: Publisher) -> Iterator[tuple[str, Publisher, State]]:
        # Files are named for the size, and never replaced by others.
        other = any(len(one) == len(of.new) and one != of.new for one in state.tiles)
        if other:
            yield "finds another file", Publisher("stopped"), state
            return
        after = state._replace(tiles=state.tiles | {of.new})
        if self._has(Guard.TILES_BEFORE_SIGNING):
            yield "stores files, signs", of._replace(at="swap"), after
        else:
            yield "signs", of._replace(at="swap"), state

    def _swap(self, state: State, of: Publisher) -> Iterator[tuple[str, Publisher, State]]:
        if not self._has(Guard.SWAP_BEFORE_PUBLISHING):
            after, stored = self._stored(state, Put(of.seen, of.new))
            if not stored:
                yield "is refused", _failed(of), state
                return
            state, of = after, of._replace(seen=of.new)
        swap = Swap(of.signed, of.new, of.epoch, of.claim)
        after, done = self._swapped(state, swap)
        answered = of._replace(at="answer", done=done)
        yield "swaps", answered, after
        crashes, cuts, stops = state.faults
        if cuts:
            # Its session is cut; whether the swap arrives is not known to it.
            on_its_way = state._replace(
                swaps=tuple(sorted((*state.swaps, swap))), faults=(crashes, cuts - 1, stops)
            )
            lost = _failed(of)._replace(session=False, believes=False)
            yield "loses the answer", lost, on_its_way
            if not self._has(Guard.NO_RETRY):
                after, _ = self._swapped(state, swap)
                after = after._replace(faults=(crashes, cuts - 1, stops))
                yield "sends the swap again", of, after

    def _learn(self, state: State, of: Publisher) -> tuple[str, Publisher, State]:
        if of.done:
            return "is answered", of._replace(at="publish", done=False, signed=of.new), state
        if state.claims == of.claim and not self._restores:
            state = state._replace(wrong="who is told of another publisher has met one")
        return "is overtaken", _failed(of), state

    def _publish(self, state: State, of: Publisher) -> Iterator[tuple[str, Publisher, State]]:
        put = Put(of.seen, of.new)
        after, stored = self._stored(state, put)
        if stored:
            yield "publishes", of._replace(at="ready", seen=of.new), after
        else:
            yield "may not publish", _failed(of), state
        crashes, cuts, stops = state.faults
        if cuts:
            on_its_way = state._replace(
                puts=tuple(sorted((*state.puts, put))), faults=(crashes, cuts - 1, stops)
            )
            yield "loses the store's answer", _failed(of), on_its_way

    # --- The database and the store ---

    def _swapped(self, state: State, swap: Swap) -> tuple[State, bool]:
        if self._has(Guard.EPOCH) and swap.epoch != state.epoch:
            return state, False
        if self._has(Guard.COMPARE) and swap.old != state.note:
            return state, False
        wrong = state.wrong
        if swap.claim != state.claims >= 0:
            wrong = "nobody signs after a successor has claimed the log"
        elif swap.new[: len(state.note)] != state.note:
            wrong = "each signed checkpoint extends the one before"
        return self._row(state, state.epoch, swap.new)._replace(wrong=wrong), True

    def _row(self, state: State, epoch: int, note: Tree) -> State:
        """Change the row that holds epoch and note."""
        if self._restores and state.claims >= 0:
            state = state._replace(rows=(*state.rows, (state.epoch, state.note)))
        return state._replace(epoch=epoch, note=note)

    def _stored(self, state: State, put: Put) -> tuple[State, bool]:
        if self._has(Guard.IF_MATCH) and put.seen != state.public:
            return state, False
        furthest = max(state.furthest, put.new, key=len)
        return state._replace(public=put.new, furthest=furthest), True

    def _left(self, state: State, of: Publisher) -> State:
        """Return what a publisher leaves that takes no more steps: a request on its way."""
        if of.at == "swap":
            swap = Swap(of.signed, of.new, of.epoch, of.claim)
            return state._replace(swaps=tuple(sorted((*state.swaps, swap))))
        if of.at == "publish":
            put = Put(of.seen, of.new)
            return state._replace(puts=tuple(sorted((*state.puts, put))))
        return state

    def _has(self, guard: Guard) -> bool:
        return guard not in self._without


def _failed(of: Publisher) -> Publisher:
    """Return a publisher that has to resume; what it holds, it still holds."""
    return Publisher("claim", of.session, of.believes, of.epoch, of.claim)


def _with(state: State, number: int, one: Publisher) -> State:
    others = state.publishers[:number] + state.publishers[number + 1 :]
    return state._replace(publishers=tuple(sorted((*others, one))))
