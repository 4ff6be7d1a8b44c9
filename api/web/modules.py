"""The scripts of pages are modules that import one another: which a page needs, and all in one.

What is understood of a module is what ours are made of: `import {…} from "./…";`, `import * as …`,
`export const|class|function`, `export {…} from "./…";`, each at the beginning of a line. Anything
else that imports or exports is an error, so that no module is bundled wrongly.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from api.web import static_files

_FROM: Final = re.compile(r'^(import|export) (\{[^}]*\}|\* as \w+) from "([^"]+)";$', re.MULTILINE)
_BARE: Final = re.compile(r'^import "([^"]+)";$', re.MULTILINE)
_EXPORT: Final = re.compile(
    r"^export (?=(?:const|class|async function|function) (\w+))", re.MULTILINE
)
_LEFT: Final = re.compile(r"^\s*(?:import|export)\b|\bimport\s*\(|\bimport\.meta\b", re.MULTILINE)


def needed(name: str) -> list[str]:
    """Return the modules that `name` needs, itself last, each after those that it imports.

    Raises ValueError for modules that import one another in a circle.
    """
    found: dict[str, None] = {}
    _visit(name, found, ())
    return list(found)


def _visit(name: str, found: dict[str, None], above: tuple[str, ...]) -> None:
    if name in above:
        raise ValueError(f"modules import one another: {' -> '.join((*above, name))}")
    if name in found:
        return
    for other in _imported(name):
        _visit(other, found, (*above, name))
    found[name] = None


def _imported(name: str) -> list[str]:
    text = _text(name)
    targets = [found[3] for found in _FROM.finditer(text)] + _BARE.findall(text)
    return [_resolved(name, target) for target in targets]


def bundled(name: str) -> str:
    """Return one script that does what the module `name` and all that it needs do.

    Each module becomes a function that is called once, in order, and returns what it exports.
    """
    wrapped = (f'modules["{each}"] = (() => {{\n{_wrapped(each)}}})();\n' for each in needed(name))
    script = "".join(("const modules = {};\n", *wrapped))
    if "</script" in script.lower() or "<!--" in script:
        raise ValueError("a script in a page cannot hold what ends it")
    return script


def _wrapped(name: str) -> str:
    text, exported = _text(name), dict[str, str]()

    def from_another(found: re.Match[str]) -> str:
        kind, names, target = found.groups()
        place = f'modules["{_resolved(name, target)}"]'
        if kind == "import":
            return f"const {names.replace('* as ', '').replace(' as ', ': ')} = {place};"
        for each in filter(None, map(str.strip, names.strip("{}").split(","))):
            own, _, public = each.partition(" as ")
            exported[public or own] = f"{place}.{own}"
        return ""

    def declared(found: re.Match[str]) -> str:
        exported[found[1]] = found[1]
        return ""

    text = _EXPORT.sub(declared, _BARE.sub("", _FROM.sub(from_another, text)))
    if left := _LEFT.search(text):
        raise ValueError(f"{name} imports or exports in a form that is not understood: {left[0]}")
    members = ", ".join(f"{public}: {value}" for public, value in exported.items())
    return f"{text}return {{ {members} }};\n"


def _text(name: str) -> str:
    return static_files.files()[name].body.decode()


def _resolved(name: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
