"""The picture of a badge: what was awarded, by whom, at which level and when, and no person's name.

It is the same for all who were awarded the same on one day. No font comes with it, so lines are
broken by widths that hold for any: a reader's own font may be wider than the one that we see. The
PNG shows the fonts of the machine that makes it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from testamur.errors import Unavailable
from testamur.pages.facts import Facts
from testamur.pages.installed import library
from testamur.pages.templates import template

SIZE: Final = 600
_WIDTH: Final = 500.0
_MIDDLE: Final = 285  # of the title
_STEP: Final = 12  # from line to line, in tenths of the size
# Dark enough for white text: contrast of 7 and more (WCAG 2.2, 1.4.6).
_COLOURS: Final = (
    ("#1b4965", "#12344a"),
    ("#4a2545", "#321a2f"),
    ("#1f5134", "#143522"),
    ("#5b2c1a", "#3d1d11"),
    ("#2d3473", "#1d224d"),
    ("#5a1f36", "#3b1423"),
    ("#124e52", "#0b3437"),
    ("#3f3a1c", "#2a2713"),
)
_NARROW: Final = frozenset("fijlrtI.,:;'|!()[] -")
_WIDE: Final = frozenset("mwMWQOGCDNHU@%&")
_NO_FONT: Final = (
    "no font was found on this machine, so that pictures and certificates would show no text; on "
    "Debian and Ubuntu: apt-get install fonts-dejavu-core"
)


class Line(NamedTuple):
    """A line of text in the picture, at `y`, with the attribute for its direction."""

    text: str
    y: int
    size: int
    direction: Any


class _Colours(NamedTuple):
    ground: str
    head: str


def badge_svg(facts: Facts) -> str:
    """Return the picture as SVG, the same for the same facts."""
    title = _fitted(facts.title, _TITLE_SIZES)
    step = title[0].size * _STEP // 10
    first = _MIDDLE - step * (len(title) - 1) // 2
    issuer = _fitted(facts.issuer, ((26, 1), (22, 2), (18, 2)))
    until = f" to {facts.valid_until}" if facts.valid_until else ""
    foot = [each for each in (facts.level, f"{facts.awarded}{until}") if each]
    return str(
        template("badge.svg").render(
            facts=facts,
            colours=_colours(facts.issuer_id),
            kind=_placed(_fitted(facts.kind.upper(), ((20, 1), (14, 1))), 74),
            title=_placed(title, first),
            issuer=_placed(issuer, first + step * (len(title) - 1) + 56),
            foot=_placed([Line(text, 0, 26, "") for text in foot], 540 - 18 * (len(foot) - 1)),
        )
    )


@lru_cache(maxsize=8)
def png_of(svg: str) -> bytes:
    """Return the picture as PNG; raises `Unavailable` without the library, or without a font.

    A cohort has one picture, or a few.
    """
    check_fonts()
    return _rendered(svg)


@cache
def check_fonts() -> None:
    """Raise `Unavailable` where the library is missing, or text is drawn as nothing."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIZE}" height="99">'
    if _rendered(f"{head}</svg>") == _rendered(f'{head}<text y="50">Testamur</text></svg>'):
        raise Unavailable(_NO_FONT)


def _rendered(svg: str) -> bytes:
    return bytes(library("resvg_py").svg_to_bytes(svg_string=svg, width=SIZE))


def _colours(issuer: str) -> _Colours:
    """Return the colours of an issuer, which are always the same."""
    number = hashlib.sha256(issuer.encode()).digest()[0]
    return _Colours(*_COLOURS[number % len(_COLOURS)])


# Each a size, and how many lines of it there is room for.
_TITLE_SIZES: Final = ((52, 2), (44, 3), (36, 4), (30, 5), (24, 6))


def _fitted(text: str, sizes: tuple[tuple[int, int], ...]) -> list[Line]:
    """Return the text broken into lines, as large as there is room for it; cut if there is none."""
    for size, most in sizes:
        lines = _broken(text, _WIDTH / size)
        if len(lines) <= most:
            return [Line(line, 0, size, _direction(line)) for line in lines]
    size, most = sizes[-1]
    kept = lines[:most]
    kept[-1] = f"{kept[-1][:-1]}…"
    return [Line(line, 0, size, _direction(line)) for line in kept]


def _placed(lines: list[Line], first: int) -> list[Line]:
    """Return the lines one below another, the first at `first`."""
    step = lines[0].size * _STEP // 10 if lines else 0
    return [line._replace(y=first + step * at) for at, line in enumerate(lines)]


def _broken(text: str, room: float) -> list[str]:
    """Return the lines of a text, between words or, where one is too long, within it."""
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if _width(joined) <= room:
            line = joined
            continue
        if line:
            lines.append(line)
        *whole, line = _pieces(word, room)
        lines += whole
    return [*lines, line]


def _pieces(word: str, room: float) -> list[str]:
    found = [""]
    for char in word:
        # A mark, or a joiner, stays with the letter before it.
        apart = unicodedata.category(char)[0] not in "MC"
        if apart and _width(found[-1] + char) > room:
            found.append("")
        found[-1] += char
    return found


def _width(text: str) -> float:
    """Return how wide a text is at most, in sizes of its font."""
    return sum(map(_width_of, text))


@cache
def _width_of(char: str) -> float:
    if char in _NARROW:
        return 0.42
    if char in _WIDE:
        return 1.0 if char in "mwMW@%" else 0.86
    if unicodedata.category(char)[0] in "MC":
        return 0.0
    if unicodedata.east_asian_width(char) in "WF" or ord(char) >= 0x1F000:
        return 1.2
    return 0.78 if char.isupper() else 0.69


def _direction(text: str) -> Any:
    """Return the attribute that a line takes whose first letter is written from right to left."""
    classes = (unicodedata.bidirectional(char) for char in text)
    first = next((each for each in classes if each in ("L", "R", "AL")), "L")
    return "" if first == "L" else library("markupsafe").Markup(' direction="rtl"')
