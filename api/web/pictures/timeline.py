"""Accreditations as bars on a line of time: from when to when, suspended, withdrawn. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from markupsafe import Markup

from api.web.pictures.plot import framed

_WIDTH: Final = 720
_ROW: Final = 46
_TOP: Final = 8
_AXIS: Final = 28
_BAR: Final = 14
_LONGEST: Final = 70  # characters of a name in the picture
_YEARS_AHEAD: Final = 5
_LABELS: Final = 10  # years that are named along the axis, at most


class Bar(NamedTuple):
    """One accreditation: whose, its days, when it was suspended, and whether it was withdrawn.

    `ends` is the first day on which it holds no more, None if it has no end.
    """

    label: str
    begins: date
    ends: date | None
    suspended: tuple[tuple[date, date | None], ...] = ()
    withdrawn: bool = False


def timeline(name: str, title: str, bars: Sequence[Bar], today: date) -> Markup:
    """Return the picture of some bars; `name` is an id that nothing else on the page has."""
    first = min(each.begins for each in bars)
    last = _last(bars, today)
    scale = _Scale(min(first, today), last)
    height = _TOP + _ROW * len(bars) + _AXIS
    rows = Markup("").join(_row(bar, number, scale) for number, bar in enumerate(bars))
    foot = height - _AXIS
    axis = Markup("").join(
        Markup(
            '<line class="grid" x1="{x}" x2="{x}" y1="0" y2="{foot}"/>'
            '<text class="tick" x="{x}" y="{y}" text-anchor="{anchor}">{year}</text>'
        ).format(x=scale.at(day), foot=foot, y=foot + 18, year=day.year, anchor=scale.anchor(day))
        for day in _years(scale)
    )
    now = Markup('<line class="now" x1="{x}" x2="{x}" y1="0" y2="{foot}"/>').format(
        x=scale.at(today), foot=foot
    )
    return framed(
        name, title, _told(bars, today), _WIDTH, height, axis + now + rows, kind="timeline"
    )


class _Scale(NamedTuple):
    """Where a day stands between the first and the last."""

    first: date
    last: date

    def at(self, day: date) -> float:
        share = (min(max(day, self.first), self.last) - self.first).days
        return round(2 + (_WIDTH - 4) * share / max(1, (self.last - self.first).days), 1)

    def anchor(self, day: date) -> str:
        at = self.at(day)
        return "start" if at < 20 else "end" if at > _WIDTH - 20 else "middle"


def _last(bars: Sequence[Bar], today: date) -> date:
    """Return the right edge: a while ahead, so that bars without an end run out of the picture."""
    ends = [each.ends for each in bars if each.ends is not None]
    ahead = today + timedelta(days=365 * _YEARS_AHEAD)
    latest = max([today + timedelta(days=180), *ends])
    return min(latest, ahead)


def _years(scale: _Scale) -> list[date]:
    years = [date(year, 1, 1) for year in range(scale.first.year + 1, scale.last.year + 1)]
    step = -(-len(years) // _LABELS) or 1
    return years[::step]


def _row(bar: Bar, number: int, scale: _Scale) -> Markup:
    top = _TOP + number * _ROW
    end = scale.last if bar.ends is None else bar.ends
    parts = [_bar("bar ended" if bar.withdrawn else "bar", bar.begins, end, top, scale)]
    parts += (
        _bar("bar suspended", since, until or end, top, scale)
        for since, until in bar.suspended
        if since < end
    )
    label = Markup('<text class="label" x="2" y="{y}">{text}</text>').format(
        y=top + 13, text=shortened(bar.label, _LONGEST)
    )
    return label + Markup("").join(parts)


def _bar(kind: str, begins: date, ends: date, top: int, scale: _Scale) -> Markup:
    left, right = scale.at(begins), scale.at(ends)
    return Markup(
        '<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="3"/>'
    ).format(kind=kind, x=left, y=top + 20, width=round(max(2, right - left), 1), height=_BAR)


def _told(bars: Sequence[Bar], today: date) -> str:
    """Return the picture in words."""
    return " ".join([*map(_sentence, bars), f"Today is {today.isoformat()}."])


def _sentence(bar: Bar) -> str:
    until = "without an end" if bar.ends is None else f"to {bar.ends.isoformat()}"
    withdrawn = ", when it was withdrawn" if bar.withdrawn else ""
    suspended = "".join(
        f", suspended from {since.isoformat()}"
        + ("" if until_ is None else f" to {until_.isoformat()}")
        for since, until_ in bar.suspended
    )
    return f"{bar.label}: from {bar.begins.isoformat()} {until}{withdrawn}{suspended}."


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters, the last a sign that more follows."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
