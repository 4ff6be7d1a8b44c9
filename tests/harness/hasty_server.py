"""A server that acknowledges what it did not make durable: the fault that a campaign must find.

python -m tests.harness.hasty_server serve --data DIR --port 0
"""

from __future__ import annotations

from contextlib import suppress

from api.__main__ import commands
from registry.committer import Committer
from registry.store import StorageDamaged, SubmissionRow, Transaction
from testamur.errors import Unavailable


def _commit(
    _: Committer, transaction: Transaction, __: dict[bytes, tuple[SubmissionRow, bytes]]
) -> None:
    """Commit, and take it for done whatever became of it."""
    with suppress(Unavailable, StorageDamaged):
        transaction.commit()


if __name__ == "__main__":
    Committer._commit = _commit  # type: ignore[method-assign, assignment]
    commands(prog_name="python -m api")
