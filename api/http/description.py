"""What the OpenAPI document says of the API as a whole, and of its parts."""

from __future__ import annotations

from typing import Final

DESCRIPTION: Final = """\
Every issuance and revocation of a micro-credential, and every accreditation behind them, is an
entry of one public log. This API takes submissions, publishes the log, and answers questions.

Every question takes `size` (a tree size) or `at` (a time), and every answer names the size that it
holds for, in its body and in `Testamur-Size`: asked again for that size, it is the same for ever.
Answers state what the register says; evidence and the log prove it.

Lists page by `next`, or by the header `Link: rel="next"`. An unknown parameter is refused.
`Accept: text/csv` gives a question's answer as a table. Errors are problem documents (RFC 9457)
that name the rule that was broken.
"""

TAGS: Final = [
    {"name": "submissions", "description": "Giving events to the register, and their receipts."},
    {"name": "credentials", "description": "What was issued, what became of it, and evidence."},
    {"name": "organizations", "description": "Who is in the register, and with which keys."},
    {"name": "achievements", "description": "What is awarded."},
    {"name": "accreditations", "description": "Who accredited and recognised whom."},
    {"name": "entries", "description": "The log as text, to read and to follow."},
    {"name": "log", "description": "The log as tiles (c2sp.org/tlog-tiles), to verify."},
    {"name": "server", "description": "This server itself."},
]
