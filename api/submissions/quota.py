"""How much one organization may submit: submissions, and events, a second.

Only what it signed is charged to it, and only once the signature is checked. Submissions on the
log are public, so a stranger can send one of them again, or its first line with other events behind
it: neither is charged. What is charged is what passed the gate's check and is not on the log, and
dry runs, which are on no log. A submission is charged before the gate gets it, since its signer may
send a thousand of them at once, and gets that back if it turns out to be repeated or unavailable.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from api.http.problems import Problem, TooMany, too_many
from api.http.rate_limits import Buckets


class Quota:
    """`submissions` and `events` are the buckets by DID, None for no limit. Threads may share it.

    A bucket may come to owe: a submission of any size is taken while anything is left, and the
    next one waits until all of it is paid off. `on_limited` is called at each refusal,
    by one thread at a time.
    """

    def __init__(
        self,
        submissions: Buckets | None = None,
        events: Buckets | None = None,
        *,
        on_limited: Callable[[], None] = lambda: None,
    ) -> None:
        self._limits = [
            (buckets, what)
            for buckets, what in ((submissions, "submissions"), (events, "events"))
            if buckets is not None
        ]
        self._submissions = submissions
        self._events = events
        self._on_limited = on_limited
        self._turn = Lock()

    def check(self, issuer: str) -> None:
        """Raise `TooMany` if the organization must wait; take nothing."""
        with self._turn:
            self._check(issuer)

    def reserve(self, issuer: str, events: int) -> None:
        """Take one submission of so many events, or nothing and raise `TooMany`.

        Both in one step: of submissions sent in parallel no more pass than of a row of them.
        """
        with self._turn:
            self._check(issuer)
            self.charge(issuer, events)

    def give_back(self, issuer: str, events: int) -> None:
        """Undo a `reserve`."""
        self._charge(issuer, -1, -events)

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return bool(self._limits)

    def charge(self, issuer: str, events: int) -> None:
        """Take one submission of so many events into account, whatever is left."""
        self._charge(issuer, 1, events)

    def _check(self, issuer: str) -> None:
        for buckets, what in self._limits:
            wait = buckets.wait(issuer)
            if wait:
                self._on_limited()
                raise TooMany(self._problem(buckets, what, wait))

    def _charge(self, issuer: str, submissions: int, events: int) -> None:
        if self._submissions is not None:
            self._submissions.charge(issuer, submissions)
        if self._events is not None:
            self._events.charge(issuer, events)

    @staticmethod
    def _problem(buckets: Buckets, what: str, wait: float) -> Problem:
        return too_many(
            f"this organization has submitted more than {buckets.rate:g} {what} a second",
            retry_after=wait,
        )
