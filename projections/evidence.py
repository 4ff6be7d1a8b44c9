"""Which entries bear on a credential: what a verifier must see to reach the verdict alone.

Folding these entries with the rules, from the genesis on, gives the same status, flags and
register of those involved as folding the whole log. It is only a list of positions: the
entries and their proofs are the log's, and nothing shows that the list leaves nothing out.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, select

from projections.accreditations import ACCREDITATIONS, RECOGNITIONS
from projections.achievements import ACHIEVEMENTS
from projections.credentials import CREDENTIALS
from projections.organizations import DIDS, ORGANIZATIONS
from projections.submissions import SUBMISSIONS, submission_before
from projections.tables import uuid_bytes
from testamur.errors import Unavailable

MAX_ENTRIES: Final = 100_000
"""Events that evidence may need; a credential with more behind it is judged by a replay."""

_GENESIS: Final = (0, 1)
_SIZE: Final = bindparam("size")
_KEY: Final = bindparam("key")

_ISSUER: Final = (
    select(SUBMISSIONS.c.issuer)
    .where(SUBMISSIONS.c.position == submission_before(CREDENTIALS.c.position))
    .scalar_subquery()
)
_CREDENTIAL: Final = (
    select(CREDENTIALS.c.position, CREDENTIALS.c.version, CREDENTIALS.c.achievement)
    .add_columns(CREDENTIALS.c.accreditation, CREDENTIALS.c.successor, _ISSUER.label("issuer"))
    .where(CREDENTIALS.c.credential == _KEY, CREDENTIALS.c.position < _SIZE)
    .order_by(CREDENTIALS.c.version)
)
