"""Columns over time as SVG, drawn by leather; the numbers stand in a table beside the plot.

leather draws a plot in 3 ms, costs 80 ms to import and needs no other package (MIT). What it says
of colours and fonts is taken out: the style sheet says that, for light and dark.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from decimal import Decimal
from math import ceil
from typing import Final

import leather
from markupsafe import Markup

_WIDTH: Final = 780
_HEIGHT: Final = 240
_LABELS: Final = 8  # along the axis of time, at most
_EDGE: Final = 30  # that leather leaves empty around a plot
_LEFT_OUT: Final = ("fill", "stroke", "stroke-width", "font-family", "font-size")
_NUMBERS: Final = frozenset({"x", "y", "x1", "x2", "y1", "y2", "width", "height"})


def columns(
    name: str, title: str, description: str, labels: Sequence[str], values: Sequence[int]
) -> Markup:
    """Return a plot of values in the order of their labels, which differ from one another.

    `name` is an id that nothing else on the page has, and a class.
    """
    chart = leather.Chart()
    chart.add_columns(list(zip(labels, values, strict=True)))
    chart.add_x_axis(ticks=list(labels[:: ceil(len(labels) / _LABELS)]))
    chart.add_y_axis(tick_formatter=_whole)
    chart.add_y_scale(0, max(*values, 1) if len(values) > 1 else max(values[0], 1))
    drawn = chart.to_svg_group(_WIDTH, _HEIGHT)
    for element in drawn.iter():
        _plain(element)
    for rect, label, value in zip(_bars(drawn), labels, values, strict=True):
        # What a pointer that rests on a column is told.
        ET.SubElement(rect, "title").text = f"{label}: {value:,}"
    drawn.remove(drawn[0])  # the background
    drawn.set("transform", f"translate({-_EDGE} {-_EDGE})")
    width, height = _WIDTH - _EDGE, _HEIGHT - 2 * _EDGE
    return framed(name, title, description, width, height, _text(drawn), kind=f"plot {name}")


def framed(
    name: str,
    title: str,
    description: str,
    width: int,
    height: int,
    inside: str,
    *,
    kind: str,
    role: str = "img",
) -> Markup:
    """Return an SVG element with a title and a description, which tell it to all readers.

    `role` is `group` for a picture with links in it, which those readers must reach.
    """
    return Markup(
        '<svg class="picture {kind}" viewBox="0 0 {width} {height}" role="{role}" '
        'aria-labelledby="{name}-title" aria-describedby="{name}-desc">'
        '<title id="{name}-title">{title}</title><desc id="{name}-desc">{description}</desc>'
        "{inside}</svg>"
    ).format(
        kind=kind,
        role=role,
        width=width,
        height=height,
        name=name,
        title=title,
        description=description,
        inside=Markup(inside),  # noqa: S704  # made of elements, each text escaped by the writer
    )


def _whole(value: Decimal, _index: int, _count: int) -> str:
    """Return the label of a tick, if it is a whole number: there is no half of an award."""
    return f"{int(value):,}" if value == int(value) else ""


def _plain(element: ET.Element) -> None:
    for attribute in _LEFT_OUT:
        element.attrib.pop(attribute, None)
    for attribute in _NUMBERS & element.attrib.keys():
        element.set(attribute, f"{float(element.get(attribute, 0)):.4g}")


def _bars(drawn: ET.Element) -> list[ET.Element]:
    return [
        rect
        for group in drawn.iter("g")
        if "series" in group.get("class", "")
        for rect in group.iter("rect")
    ]


def _text(element: ET.Element) -> str:
    return ET.tostring(element, encoding="unicode", short_empty_elements=True)
