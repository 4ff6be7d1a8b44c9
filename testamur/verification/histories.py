"""What a log says, looked up history by history, and a register drawn from such look-ups.

Everything that is asked of a register rests on a few histories (`catalogue/touched.py`). So an
answer about one credential needs those alone, whether they come from a replay or from tables. A
drawn register reads each when it is first asked for, and answers as one that folded the whole log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NoReturn, Protocol, TypeVar

from testamur.catalogue import events as e
from testamur.catalogue.events import KEY_EVENTS
from testamur.catalogue.table import Kind
from testamur.catalogue.touched import History, Thing, succession
from testamur.rules.fold import key_submission, take, take_key_submissions
from testamur.rules.key_table import KeySubmission
from testamur.rules.register import Credential, Grant, Organization, Register
from testamur.rules.said import Said

_State = TypeVar("_State")


class Histories(Protocol):
    """What a log says as of one size. Every answer must be complete for it, in log order."""

    def history(self, thing: Thing, /) -> Sequence[Said]:
        """Return every event that touches `thing`, whether it counts or not; empty if none does.

        The genesis' event belongs to the history of the keys of each of its authorities.
        """
        ...

    def genesis(self) -> Said:
        """Return the event `log.opened/1` at position 1."""
        ...

    def issuances(self, credential: str, /) -> Sequence[Said]:
        """Return every `credential.issued/1` with this id."""
        ...

    def links(self, anchor: str, accreditor: str, length: int, /) -> Mapping[str, Sequence[str]]:
        """Return, by granter, the recognitions as authority that could be links of a chain.

        Those of chains of `length` recognitions from `anchor` to `accreditor`, by what they say
        alone: whether they hold is asked of the rules. What leads elsewhere must not be among
        them, since an authority may recognise without end.
        """
        ...

    def grants(self, subject: str, granter: str, /) -> Sequence[str]:
        """Return the ids of all recognitions and accreditations of `subject` by `granter`."""
        ...


def drawn(histories: Histories) -> Register:
    """Return a register that reads organizations, grants and lists of grants as it is asked.

    What organizations say of their names, what flags look at, whom authorities made authorities,
    and achievements are not read: the caller folds those that it needs (`folded`).
    """
    return Register(
        organizations=Drawn(partial(_organization, histories)),
        recognitions=Drawn(partial(_grant, histories, Kind.RECOGNITION)),
        accreditations=Drawn(partial(_grant, histories, Kind.ACCREDITATION)),
        grants_of=Drawn(lambda pair: tuple(histories.grants(*pair.split(" ")))),
        successions=Drawn(lambda pair: tuple(histories.history(succession(*pair.split(" "))))),
    )


class FewCredentials(dict[str, Credential]):
    """The credentials of an excerpt, kept in memory."""

    def issuance(self, credential: str, /) -> e.CredentialIssued:
        """Raise `KeyError`: admission alone asks for the line, and an excerpt admits nothing."""
        raise KeyError(credential)


def folded(
    register: Register, said: Iterable[Said], credentials: FewCredentials | None = None
) -> None:
    """Fold events in log order; of a submission of key events all must be there."""
    known = FewCredentials() if credentials is None else credentials
    about_keys: dict[str, list[KeySubmission]] = {}
    for _, together in groupby(said, key=lambda each: each.signed.position):
        events = list(together)
        signed = events[0].signed
        pairs = [(each.position, each.event) for each in events]
        if type(events[0].event) in KEY_EVENTS:
            submission = key_submission(signed, pairs)
            about_keys.setdefault(signed.organization, []).append(submission)
        else:
            take(register, known, signed, pairs)
    for did, submissions in about_keys.items():
        take_key_submissions(register, did, submissions)


class Drawn(MutableMapping[str, _State]):
    """A mapping that reads each value when it is first asked for; what was set stays."""

    __slots__ = ("_known", "_read")

    def __init__(self, read: Callable[[str], _State | None]) -> None:
        self._read = read
        self._known: dict[str, _State | None] = {}

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of `name`, or `default`."""
        if name not in self._known:
            self._known[name] = self._read(name)
        found = self._known[name]
        return default if found is None else found

    def __getitem__(self, name: str) -> _State:
        found: _State | None = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __setitem__(self, name: str, value: _State) -> None:
        self._known[name] = value

    def __delitem__(self, name: str) -> NoReturn:
        raise TypeError("a register only adds and replaces")

    def __iter__(self) -> Iterator[str]:
        """Yield the names of what was read so far."""
        return (name for name, value in self._known.items() if value is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _organization(histories: Histories, did: str) -> Organization | None:
    alone = Register()
    folded(alone, histories.history(Thing(History.KEYS, did)))
    folded(alone, histories.history(Thing(History.ORGANIZATION, did)))
    return alone.organizations.get(did)


def _grant(histories: Histories, kind: Kind, id_: str) -> Grant | None:
    alone = Register()
    folded(alone, histories.history(Thing(History(kind.value), id_)))
    return alone.grant(kind, id_)
