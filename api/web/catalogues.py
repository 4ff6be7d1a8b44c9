"""Bring the catalogues of translations up to date with the texts of translated pages.

    python -m api.web.catalogues           # all of them: `make words`
    python -m api.web.catalogues nl        # or begin that of a language

A translation stays with its text; a text that is gone takes its translation along. What is new has
none, and is shown in English until somebody writes it. Comments at the head of a file stay.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from api.http.problems import TITLES
from api.web.languages import ENGLISH, FOLDER, NAMES, PARTS, TRANSLATED

WEB: Final = Path(__file__).parent
PROJECT: Final = WEB.parents[1]
SOURCES: Final = (
    *(("jinja2.ext:babel_extract", f"templates/{name}") for name in sorted(TRANSLATED | PARTS)),
    ("javascript", "static/page/*.mjs"),
)
# A catalogue changes when its words do, and never with the day.
_NO_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)


def texts() -> Catalog:
    """Return every text of the translated pages, with the files that have it."""
    found = Catalog(fuzzy=False)
    for title in TITLES.values():
        found.add(title, locations=[("api/http/problems.py", 0)])
    for method, pattern in SOURCES:
        for path in sorted(WEB.glob(pattern)):
            options = {"newstyle_gettext": "true", "trimmed": "true"} if "jinja" in method else {}
            for _, text, _, _ in extract_from_file(method, path, options=options):
                found.add(text, locations=[(str(path.relative_to(PROJECT)), 0)])
    return found


def updated(language: str, template: Catalog) -> Catalog:
    """Return the catalogue of a language with these texts, and its translations of them."""
    file = FOLDER / f"{language}.po"
    if file.exists():
        with file.open("rb") as opened:
            found = read_po(opened, locale=language, abort_invalid=True)
    else:
        found = Catalog(locale=language, fuzzy=False)
    found.update(template, no_fuzzy_matching=True, update_header_comment=False)
    found.obsolete.clear()
    if not file.exists():
        found.header_comment = f"# {NAMES[language]}"
    found.creation_date = found.revision_date = _NO_DAY
    return found


def main() -> None:
    """Write the catalogues that there are, and of the languages named."""
    FOLDER.mkdir(exist_ok=True)
    template = texts()
    known = {file.stem for file in FOLDER.glob("*.po")}
    for language in sorted(known | set(sys.argv[1:]) - {ENGLISH}):
        catalogue = updated(language, template)
        with (FOLDER / f"{language}.po").open("wb") as file:
            write_po(file, catalogue, width=0, sort_by_file=True, include_lineno=False)


if __name__ == "__main__":
    main()
