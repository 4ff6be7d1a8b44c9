"""What clients make the server hold in memory, over all connections, and which are ended first.

Each connection states what it holds: the answer that it is sending, what its client has yet to
read, and the requests that wait behind it. When together they hold more than the budget, the
connection whose client has read nothing for the longest time is ended. So clients that read
nothing, however many, cost a bounded amount of memory, and do not take the place of others.

An answer that is still being made is not counted: the number of threads bounds these.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Protocol

ANSWERS_BYTES: Final = 192 * 1024 * 1024


class Client(Protocol):
    """A connection, as far as the budget knows it."""

    def give_up(self) -> None:
        """End the connection at once; what it holds MUST be free a few turns of the loop later."""
        ...


class Answers:
    """The budget of all answers under way; for the event loop alone."""

    def __init__(self, budget: int = ANSWERS_BYTES) -> None:
        self._budget = budget
        # The client that has read nothing for the longest time comes first.
        self._clients: OrderedDict[Client, tuple[int, bytes | None]] = OrderedDict()
        self._senders: dict[int, int] = {}  # clients by the object that they are sent
        self.held = 0
        self.given_up = 0

    def hold(self, client: Client, size: int, sent: bytes | None = None) -> None:
        """Note that `client` now holds `size` bytes of its own, and is sent `sent`.

        Several clients may be sent one object, such as a file of the log: it counts once.
        """
        held = self._clients.get(client)
        if sent is not None:
            self._take(sent)
        if held is not None:
            self._uncount(*held)
        self.held += size
        if size or sent is not None:
            self._clients[client] = (size, sent)  # an old client keeps its place
        elif held is not None:
            del self._clients[client]
        while self.held > self._budget and self.make_room():
            pass

    def proceeds(self, client: Client) -> None:
        """Note that `client` has read something."""
        if client in self._clients:
            self._clients.move_to_end(client)

    def make_room(self) -> bool:
        """Give up the client that waits longest; return False when none holds anything."""
        if not self._clients:
            return False
        client, held = self._clients.popitem(last=False)
        # Counted as free at once, or every client would be given up before the first one is gone.
        self._uncount(*held)
        self.given_up += 1
        client.give_up()
        return True

    def _take(self, sent: bytes) -> None:
        senders = self._senders.get(id(sent), 0)
        self._senders[id(sent)] = senders + 1
        if not senders:
            self.held += len(sent)

    def _uncount(self, size: int, sent: bytes | None) -> None:
        self.held -= size
        if sent is None:
            return
        self._senders[id(sent)] -= 1
        if not self._senders[id(sent)]:
            del self._senders[id(sent)]
            self.held -= len(sent)
