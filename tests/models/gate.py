"""The gate: several API processes record submissions in one sequence, and a reader follows it.

The steps are those of `registry.committer.Committer._transact` over `registry.postgres.store`
(README.md names the line of each). A guard is something that the product does so that a promise
holds; a model without it must break one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import Final, Literal, NamedTuple, TypeAlias

PLAIN: Final = "a"
DECLARES: Final = "k"  # declares compromised the key that signed the next one
SIGNED: Final = "b"


class Guard(Enum):
    """What can be taken out of the model."""

    LOCK = auto()  # a transaction takes the head's row before its first read
    LOCK_UNTIL_COMMIT = auto()  # and keeps it until it ends
    READ_AFTER_LOCK = auto()  # catching up and look-ups see all that is committed by then
    POSITION_INDEX = auto()  # the primary key
    STREAM_INDEX = auto()  # unique (stream, version), so (iss, jti) is written once
    FROM_HEAD = auto()  # positions are counted from the head, not taken from a sequence
    LOOK_UP = auto()  # submissions recorded already are looked up under the lock
    ANSWER_AFTER_COMMIT = auto()  # senders are answered once COMMIT was
    ASK_AFTER_LOSS = auto()  # after a lost answer the store is asked, and nothing is guessed
    NOT_THERE_IS_UNKNOWN = auto()  # what is not there then may still arrive
    ABSORB_AFTER_COMMIT = auto()  # the register takes over only what is durable
    DURABLE = auto()  # COMMIT is answered when the disk has it
    WAKE_AGAIN = auto()  # a listener that was cut looks when it listens again
    POLL = auto()  # a reader looks also when nothing was announced


Rows: TypeAlias = tuple[tuple[int, str], ...]


class Outcome(NamedTuple):
    """What became of a submission; *failed*: nothing was recorded, *lost*: nobody answered."""

    kind: Literal["recorded", "refused", "failed", "unknown", "lost"]
    position: int = -1


REFUSED: Final = Outcome("refused")
FAILED: Final = Outcome("failed")
UNKNOWN: Final = Outcome("unknown")
LOST: Final = Outcome("lost")
Told: TypeAlias = tuple[tuple[str, Outcome], ...]


class Transaction(NamedTuple):
    """What the server holds: it goes on without its client until it ends."""

    base: int
    rows: Rows = ()
    requested: bool = False  # COMMIT has been sent


class Process(NamedTuple):
    """One API process; `known` is its register: the submissions that it was folded from."""

    known: tuple[str, ...] = ()
    queue: tuple[str, ...] = ()
    at: Literal[
        "idle", "waiting", "locked", "ready", "written", "committing", "asking", "damaged", "dead"
    ] = "idle"
    group: tuple[str, ...] = ()
    again: bool = False  # decided anew after a clash
    seen: Rows = ()  # what its look-ups answer from
    outcomes: Told = ()
    rows: Rows = ()
    open: tuple[Transaction, ...] = ()  # one, or none: also once the session was cut
    answered: bool = False  # COMMIT's answer is on the way


class State(NamedTuple):
    """The whole: committed rows in the order of their commits, processes, senders, the reader."""

    rows: Rows
    head: int
    numbers: int  # the next one of a sequence, without `FROM_HEAD`
    processes: tuple[Process, ...]
    orphans: tuple[Transaction, ...]  # of sessions that are gone
    unsent: tuple[tuple[str, int], ...]
    answers: frozenset[tuple[str, Outcome]]
    reader: tuple[str, ...]
    listening: bool
    woken: bool
    faults: tuple[int, int, int]  # crashes of a process, cuts of a session, crashes of the server


class Gate:
    """`processes` of them; each submission is sent at most so often, to any process.

    `crashes`, `cuts` and `restarts` bound the faults: of processes, sessions and the server.
    """

    def __init__(
        self,
        *without: Guard,
        processes: int = 2,
        sends: tuple[tuple[str, int], ...] = ((PLAIN, 2), (DECLARES, 1), (SIGNED, 1)),
        crashes: int = 1,
        cuts: int = 1,
        restarts: int = 0,
    ) -> None:
        self._without = frozenset(without)
        # A reader that looks anyway may look at any time: what else wakes it changes nothing.
        self._announces = Guard.POLL in without
        self._first = State(
            (), 0, 0, (Process(),) * processes, (), sends, frozenset(), (), True, False,
            (crashes, cuts, restarts),
        )  # fmt: skip

    def first(self) -> State:
        """Return an empty log and what is to be sent to it."""
        return self._first

    def steps(self, state: State) -> Iterator[tuple[str, State]]:
        """Yield what clients, processes, the server, the network and the reader can do."""
        for number, process in enumerate(state.processes):
            if number and process == state.processes[number - 1]:
                continue  # processes are alike
            for name, changed, after in self._of_process(state, process):
                yield name, _with(after, number, changed)
        for at, orphan in enumerate(state.orphans):
            others = state.orphans[:at] + state.orphans[at + 1 :]
            yield "the server drops an orphan", state._replace(orphans=others)
            if orphan.requested:
                # It had arrived; its sender is gone.
                after = state._replace(orphans=others)
                yield "the server commits an orphan", self._committed(after, orphan)
        yield from self._of_reader(state)
        if state.faults[2]:
            yield "the server crashes", self._restarted(state)

    def broken(self, state: State) -> str | None:  # noqa: C901, PLR0911  # a list of promises
        """Return the promise that is broken."""
        log = tuple(name for _, name in state.rows)
        if [at for at, _ in state.rows] != list(range(len(log))) or state.head != len(log):
            return "gapless: positions are given once, in the order of commits"
        if state.reader != log[: len(state.reader)]:
            return "the reader sees each entry once, in order"
        if len(set(log)) < len(log):
            return "a submission is recorded once"
        if any(process.at == "damaged" for process in state.processes):
            return "a sound store is never called damaged"
        for name, outcome in state.answers:
            at = outcome.position
            if outcome.kind == "recorded" and log[at : at + 1] != (name,):
                return "what was acknowledged is where its receipt says"
            if outcome == REFUSED and (name in log or DECLARES not in log):
                return "a refusal is true"
        if SIGNED in log and DECLARES in log and log.index(DECLARES) < log.index(SIGNED):
            return "rules are judged as of the position"
        for name in log:
            if (name, FAILED) in state.answers and not _may_be_there(state, name):
                return "who was told that nothing was recorded was told the truth"
        return None

    def settled(self, state: State) -> bool:
        """Return whether nobody waits, and the reader has everything."""
        return (
            not state.orphans
            and all(process.at == "idle" and not process.queue for process in state.processes)
            and len(state.reader) == len(state.rows)
        )

    # --- A process ---

    def _of_process(self, state: State, of: Process) -> Iterator[tuple[str, Process, State]]:
        """Yield the steps of one process: their names, what becomes of it, and of the rest."""
        if of.at == "dead":
            names = _by_position(state.rows)
            yield "a process starts", Process(known=names), state
            return
        for at, (name, left) in enumerate(state.unsent):
            if left:
                unsent = (*state.unsent[:at], (name, left - 1), *state.unsent[at + 1 :])
                queued = of._replace(queue=(*of.queue, name))
                yield f"{name} is sent", queued, state._replace(unsent=unsent)
        yield from self._of_committer(state, of)
        crashes, cuts, restarts = state.faults
        if crashes:
            after = state._replace(faults=(crashes - 1, cuts, restarts))
            after = _answered(after, [(name, LOST) for name in of.queue + of.group])
            yield "a process is killed", Process(at="dead"), _orphaned(after, of)
        if cuts and of.open:
            after = _orphaned(state._replace(faults=(crashes, cuts - 1, restarts)), of)
            yield "a session is cut", of._replace(open=(), answered=False), after

    def _of_committer(  # noqa: C901, PLR0912  # a step each
        self, state: State, of: Process
    ) -> Iterator[tuple[str, Process, State]]:
        match of.at:
            case "idle":
                for many in range(1, len(of.queue) + 1):
                    taken = of._replace(at="waiting", group=of.queue[:many], queue=of.queue[many:])
                    if not self._has(Guard.READ_AFTER_LOCK):
                        taken = taken._replace(seen=state.rows)
                    yield f"takes {many}", taken, state
            case "waiting":
                yield from self._lock(state, of)
            case "locked":
                seen = state.rows if self._has(Guard.READ_AFTER_LOCK) else of.seen
                if not of.open:
                    yield self._gave_up(state, of)
                else:
                    new = _by_position(seen)[len(of.known) :]
                    caught_up = of._replace(at="ready", known=of.known + new, seen=seen)
                    yield "catches up", caught_up, state
            case "ready":
                yield from self._write(state, of)
            case "written":
                yield from self._commit(state, of)
            case "committing" if of.answered:
                yield (
                    "COMMIT is answered",
                    _idle(of, self._absorbed(of)),
                    _answered(state, of.outcomes),
                )
            case "committing" if not of.open:
                yield "the answer is lost", of._replace(at="asking"), state
            case "committing":
                after = self._committed(state, of.open[0])
                yield "the server commits", of._replace(open=(), answered=True), after
            case "asking":
                yield self._ask(state, of)

    def _lock(self, state: State, of: Process) -> Iterator[tuple[str, Process, State]]:
        if self._has(Guard.LOCK) and any(map(self._holds, _open(state))):
            yield self._gave_up(state, of, "waits too long")
            return
        base = state.head if self._has(Guard.FROM_HEAD) else state.numbers
        yield "locks", of._replace(at="locked", open=(Transaction(base),)), state

    def _holds(self, one: Transaction) -> bool:
        return self._has(Guard.LOCK_UNTIL_COMMIT) or not one.requested

    def _write(self, state: State, of: Process) -> Iterator[tuple[str, Process, State]]:
        if not of.open:
            yield self._gave_up(state, of)
            return
        base = of.open[0].base
        outcomes, rows = self._decided(of, base)
        if not rows:
            yield "decides", _idle(of, of.known), _answered(state, outcomes)
            return
        if any(self._clashes(rows, one.rows) for one in _open(state)):
            return  # the index makes it wait for the other transaction
        if self._clashes(rows, state.rows):
            if of.again:
                yield "clashes again", of._replace(at="damaged", open=()), state
            else:
                anew = of._replace(at="waiting", again=True, open=())
                yield "clashes", anew, state
            return
        written = of._replace(
            at="written",
            outcomes=outcomes,
            rows=rows,
            open=(Transaction(base, rows),),
        )
        if not self._has(Guard.ABSORB_AFTER_COMMIT):
            written = written._replace(known=of.known + _by_position(rows))
        after = state._replace(numbers=base + len(rows))
        if not self._has(Guard.ANSWER_AFTER_COMMIT):
            after = _answered(after, outcomes)
        yield "writes", written, after

    def _decided(self, of: Process, base: int) -> tuple[Told, Rows]:
        outcomes: list[tuple[str, Outcome]] = []
        there = {name: at for at, name in of.seen} if self._has(Guard.LOOK_UP) else {}
        added: dict[str, int] = {}
        for name in of.group:
            if name in there or name in added:
                at = there[name] if name in there else added[name]
                outcomes.append((name, Outcome("recorded", at)))
            elif name == SIGNED and (DECLARES in of.known or DECLARES in added):
                outcomes.append((name, REFUSED))
            else:
                added[name] = base + len(added)
                outcomes.append((name, Outcome("recorded", added[name])))
        return tuple(outcomes), tuple((at, name) for name, at in added.items())

    def _clashes(self, rows: Rows, others: Rows) -> bool:
        at_once = {at for at, _ in rows} & {at for at, _ in others}
        twice = {name for _, name in rows} & {name for _, name in others}
        return bool(
            (at_once and self._has(Guard.POSITION_INDEX))
            or (twice and self._has(Guard.STREAM_INDEX))
        )

    def _commit(self, state: State, of: Process) -> Iterator[tuple[str, Process, State]]:
        if not of.open:
            # The session was cut before; whether COMMIT arrived is not known to the client.
            yield "sends COMMIT into a cut session", of._replace(at="asking"), state
            return
        requested = of.open[0]._replace(requested=True)
        yield "sends COMMIT", of._replace(at="committing", open=(requested,)), state

    def _ask(self, state: State, of: Process) -> tuple[str, Process, State]:
        if not self._has(Guard.ASK_AFTER_LOSS):
            return "guesses", _idle(of, of.known), _answered(state, of.outcomes)
        if set(of.rows) <= set(state.rows):
            known = self._absorbed(of)
            return "finds it there", _idle(of, known), _answered(state, of.outcomes)
        outcome = UNKNOWN if self._has(Guard.NOT_THERE_IS_UNKNOWN) else FAILED
        told = [(name, outcome) for name in of.group]
        return "does not find it", _idle(of, of.known), _answered(state, told)

    def _absorbed(self, of: Process) -> tuple[str, ...]:
        if self._has(Guard.ABSORB_AFTER_COMMIT):
            return of.known + _by_position(of.rows)
        return of.known

    def _gave_up(
        self, state: State, of: Process, why: str = "finds its session cut"
    ) -> tuple[str, Process, State]:
        return why, _idle(of, of.known), _answered(state, [(name, FAILED) for name in of.group])

    # --- The server, and the reader ---

    def _committed(self, state: State, one: Transaction) -> State:
        return state._replace(
            rows=state.rows + one.rows,
            head=one.base + len(one.rows),
            woken=self._announces and (state.woken or state.listening),
        )

    def _restarted(self, state: State) -> State:
        """Every session ends, and every transaction that did not commit is gone."""
        rows = state.rows
        if not self._has(Guard.DURABLE):
            rows = rows[:-1]
        crashes, cuts, restarts = state.faults
        return state._replace(
            rows=rows,
            head=len(rows),
            orphans=(),
            processes=tuple(sorted(each._replace(open=()) for each in state.processes)),
            listening=not self._announces,
            woken=False,
            faults=(crashes, cuts, restarts - 1),
        )

    def _of_reader(self, state: State) -> Iterator[tuple[str, State]]:
        behind = len(state.reader) < len(state.rows)
        if state.woken or (behind and self._has(Guard.POLL)):
            new = [name for at, name in sorted(state.rows) if at >= len(state.reader)]
            yield "the reader reads", state._replace(reader=(*state.reader, *new), woken=False)
        crashes, cuts, restarts = state.faults
        if not self._announces:
            return
        if not state.listening:
            again = self._has(Guard.WAKE_AGAIN)
            yield "the reader listens again", state._replace(listening=True, woken=again)
        elif cuts:
            faults = (crashes, cuts - 1, restarts)
            cut = state._replace(listening=False, woken=False, faults=faults)
            yield "the reader's session is cut", cut

    def _has(self, guard: Guard) -> bool:
        return guard not in self._without


def _with(state: State, number: int, process: Process) -> State:
    others = state.processes[:number] + state.processes[number + 1 :]
    return state._replace(processes=tuple(sorted((*others, process))))


def _idle(of: Process, known: tuple[str, ...]) -> Process:
    return Process(known=known, queue=of.queue)


def _orphaned(state: State, of: Process) -> State:
    """The server goes on with what a session asked for, until it takes notice that it is gone."""
    return state._replace(orphans=tuple(sorted(state.orphans + of.open)))


def _answered(state: State, told: Iterable[tuple[str, Outcome]]) -> State:
    return state._replace(answers=state.answers | frozenset(told))


def _open(state: State) -> Iterator[Transaction]:
    yield from state.orphans
    for process in state.processes:
        yield from process.open


def _by_position(rows: Rows) -> tuple[str, ...]:
    return tuple(name for _, name in sorted(rows))


def _may_be_there(state: State, name: str) -> bool:
    """Return whether somebody was told so, or may yet be."""
    if any(of == name and told not in (FAILED, REFUSED) for of, told in state.answers):
        return True
    return any(name in process.queue + process.group for process in state.processes)
