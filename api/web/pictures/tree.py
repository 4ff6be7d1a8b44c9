"""A tree of recognition as SVG: a line for each organization, indented below what recognised it.

Names stay readable however long they are, and each leads to its organization. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from api.web.pictures.plot import framed
from api.web.pictures.timeline import shortened

_WIDTH: Final = 720
_ROW: Final = 30
_INDENT: Final = 26
_DOT: Final = 5
_LONGEST: Final = 64  # characters of a name in the picture


class Node(NamedTuple):
    """An organization in the tree, so many steps below the root, which has depth 0.

    `off` says that its recognition is not in force, `note` what else there is to say.
    """

    depth: int
    name: str
    address: str
    note: str
    off: bool = False


def tree(name: str, title: str, nodes: Sequence[Node]) -> Markup:
    """Return the picture of nodes, each after the one that it hangs from."""
    above: list[int] = []  # the row of the last node of each depth
    drawn = []
    for row, node in enumerate(nodes):
        del above[node.depth :]
        drawn.append(_edge(above[-1], row, node.depth) if above else Markup(""))
        above.append(row)
        drawn.append(_node(row, node))
    said = " ".join(_sentence(each) for each in nodes)
    height = _ROW * len(nodes) + 6
    inside = Markup("").join(drawn)
    return framed(name, title, said, _WIDTH, height, inside, kind="tree", role="group")


def _edge(above: int, row: int, depth: int) -> Markup:
    x, y = _at(depth - 1, above)
    right, foot = _at(depth, row)
    return Markup('<path class="edge" d="M{x} {top}V{foot}H{right}"/>').format(
        x=x, top=y + _DOT, foot=foot, right=right - _DOT
    )


def _node(row: int, node: Node) -> Markup:
    x, y = _at(node.depth, row)
    return Markup(
        '<circle class="dot{off}" cx="{x}" cy="{y}" r="{radius}"/>'
        '<a href="{address}"><text x="{left}" y="{base}">{name}</text></a>'
        '<text class="note" x="{width}" y="{base}" text-anchor="end">{note}</text>'
    ).format(
        off=" off" if node.off else "",
        x=x,
        y=y,
        radius=_DOT,
        address=node.address,
        left=x + 12,
        base=y + 5,
        name=shortened(node.name, _LONGEST - 4 * node.depth),
        note=node.note,
        width=_WIDTH - 2,
    )


def _at(depth: int, row: int) -> tuple[int, int]:
    return 8 + depth * _INDENT, 16 + row * _ROW


def _sentence(node: Node) -> str:
    return f"{'Step ' + str(node.depth) + ': ' if node.depth else ''}{node.name}, {node.note}."
