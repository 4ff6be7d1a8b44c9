"""In which languages pages are, and the words of each: one catalogue for templates and scripts.

A text stands in English where it is used: in a template as `_("…")`, in a script of `static/page`
likewise. `translations/LANGUAGE.po` (gettext) has it in another language; what it lacks stays
English. A page carries the words of its scripts as a table, of English texts to their translations.

A page is translated whole or not at all: those that `TRANSLATED` does not list are English.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Annotated, Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from fastapi import Query

from api.http.asgi import Headers
from api.http.negotiation import language_taken

FOLDER: Final = Path(__file__).parent / "translations"
ENGLISH: Final = "en"
NAMES: Final = {
    ENGLISH: "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "nl": "Nederlands",
}
"""What each language calls itself; those without a catalogue are not offered."""
TRANSLATED: Final = frozenset(
    {
        "credential.html",
        "front.html",
        "holder.html",
        "offline.html",
        "problem.html",
        "verify.html",
    }
)
"""The templates of pages in all languages. Every other page is English, whatever is asked."""
PARTS: Final = frozenset(
    {"base.html", "forms.html", "languages.html", "moments.html", "scripts.html", "words.html"}
)
"""What these pages are made of besides."""
_OF_SCRIPTS: Final = ("api/web/static/page/", "api/web/templates/offline.html")


LanguageAsked = Annotated[
    str | None,
    Query(
        max_length=20,
        description="The language of a page for people; without it, the browser's own counts.",
        examples=["nl"],
    ),
]


def languages() -> dict[str, str]:
    """Return the languages in which there are pages, English first, with their own names."""
    return {code: name for code, name in NAMES.items() if code == ENGLISH or _file(code).exists()}


def language_asked(headers: Headers, asked: str | None) -> str:
    """Return the language of a page: the one that its address asks for, else the browser's."""
    offered = languages()
    return asked if asked in offered else language_taken(headers, tuple(offered))


@cache
def translations(language: str) -> NullTranslations:
    """Return what a template translates with."""
    if language == ENGLISH:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, _catalogue(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def script_words(language: str) -> Mapping[str, str]:
    """Return the words of the scripts, by the English text. English needs none."""
    if language == ENGLISH:
        return {}
    return {
        str(message.id): str(message.string)
        for message in _catalogue(language)
        if message.string and any(file.startswith(_OF_SCRIPTS) for file, _ in message.locations)
    }


def _catalogue(language: str) -> Catalog:
    with _file(language).open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def _file(language: str) -> Path:
    return FOLDER / f"{language}.po"
