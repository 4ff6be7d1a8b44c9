"""The rules that problem documents name: what each says, and what to do when it is broken.

The `type` of a problem is the address of its page (RFC 9457 section 3.1.1), which is made from
this table. A rule that the server can answer with and that is not here fails a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from api.http.problem_types import acting, following, form, now, requests
from api.http.problem_types.told import Told

PATH: Final = "/problems"


class Group(NamedTuple):
    """Rules that belong together, under a heading for people."""

    heading: str
    types: Mapping[str, Told]


GROUPS: Final = (
    Group("What is asked for, and how", requests.TYPES),
    Group("The form of a submission and its events", form.TYPES),
    Group("Who may say it", acting.TYPES),
    Group("What may follow on what is recorded", following.TYPES),
    Group("Not now", now.TYPES),
)

TYPES: Final[Mapping[str, Told]] = {
    rule: told for group in GROUPS for rule, told in group.types.items()
}
"""Every rule of every group."""


def address(rule: str) -> str:
    """Return the `type` of problems that name this rule: the path of its page."""
    return f"{PATH}/{rule}"
