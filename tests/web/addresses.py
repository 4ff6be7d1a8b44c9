"""The address of every page, made from the routes of the application: no new page is forgotten.

A new name between braces in a path needs examples here, and whatever asks for addresses says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from fastapi.routing import iter_route_contexts

from api.app import ROUTES
from api.web import static_files
from tests.web.shown_log import STATUSES, ShownLog

BROWSER: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
_PLACE: Final = re.compile(r"\{([a-z]+)(?::path)?\}")
NOT_FOUND: Final = (
    "/nothing",
    "/credentials/019aa5f0-5c00-7000-8000-000000000001",
    "/organizations?size=99999999",
    "/log?at=yesterday",
)
_LONG_LISTS: Final = ("/credentials", "/submissions")
_SOME: Final = "?limit=8"
_ASKED: Final = {"/consistency": "?earlier=100", "/moment": "?page=/"}
"""What a path needs to be asked at all."""
_OTHER_STATES: Final = (
    "/organizations?name=nobody+is+called+this",
    "/credentials?flagged=true&limit=3",
    "/?size=0",
    "/log?size=100",
    "/log?size=0",
    "/entries/12?size=100",
)


def templates() -> list[str]:
    """Return the path of every route that is asked by GET."""
    found = (
        route.path
        for router in ROUTES
        for route in iter_route_contexts(router.routes)
        if "GET" in (route.methods or ())
    )
    return [path for path in found if path is not None]


def examples(shown: ShownLog) -> Mapping[str, Sequence[str]]:
    """Return what to put in the place of each name: the first everywhere, all where it ends."""
    story, long, right = shown.served.story, shown.long, shown.from_the_right
    parties = (story.provider, long.provider, right.provider, story.accreditor, story.authority)
    first = shown.served.answer("/submissions?limit=2").json()["items"][1]
    return {
        "accreditation": (story.accreditation, long.accreditation),
        "achievement": (story.achievement, long.achievement, right.achievement),
        "credential": [shown.holders[name].id for name in STATUSES],
        "did": [each.did for each in parties],
        "digest": (static_files.digest(),),
        "issuer": (first["issuer"],),
        "jti": (first["jti"],),
        "name": ("style.css",),
        "position": ("12", "2", "300"),
        "recognition": (story.recognition,),
        "rule": ("unknown-credential", "header-form"),
    }


def addresses(template: str, known: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the addresses that examples make of the path of a route."""
    if template.endswith("/compare"):
        return [f"{template}?{'&'.join(f'id={each}' for each in known['achievement'])}"]
    names = _PLACE.findall(template)
    missing = [name for name in names if name not in known]
    assert not missing, f"{template}: give examples of {missing}"
    template += _SOME if template.endswith(_LONG_LISTS) else _ASKED.get(template, "")
    if not names:
        return [template]
    *before, last = names
    made = _PLACE.sub(
        lambda found: known[found[1]][0] if found[1] in before else found[0], template
    )
    every = known[last] if template.endswith("}") else known[last][:1]
    return [_PLACE.sub(lambda _, each=each: each, made) for each in every]  # type: ignore[misc]


def pages(shown: ShownLog) -> dict[str, int]:
    """Return the address of every page, and of some without content, each with its status."""
    known = examples(shown)
    asked = [each for template in templates() for each in addresses(template, known)]
    asked += [*_OTHER_STATES, *NOT_FOUND]
    asked += [f"/submissions/{known['issuer'][0]}/{known['jti'][0]}?size=300"]
    found = dict(_answered(shown, asked))
    failing = {each: status for each, status in found.items() if status != 200}
    assert failing.keys() == set(NOT_FOUND), failing
    return found


def _answered(shown: ShownLog, asked: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield the addresses that answer a browser with a page, and the statuses of the answers."""
    for address in asked:
        # The beginning of an answer is enough: one of them never ends.
        with shown.served.client.stream(
            "GET", shown.served.url + address, headers={"Accept": BROWSER}
        ) as answer:
            shown_there = "content-disposition" not in answer.headers  # others are saved
            if shown_there and answer.headers.get("content-type", "").startswith("text/html"):
                yield address, answer.status_code
