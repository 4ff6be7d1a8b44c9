"""How a page is made of facts: the templates, what they may call, and how they write a value.

All text is escaped by the template. A fact that a template names and nobody gave is an error.
Days, times and numbers are written as the language of the page writes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api.questions import links
from api.web import static_files
from api.web.languages import ENGLISH, TRANSLATED, languages, translations
from api.web.numbers_page import period_name, share
from testamur.catalogue.submission import format_time
from testamur.rules import Flag

FOLDER: Final = Path(__file__).parent / "templates"
_CAPITAL: Final = re.compile(r"(?<=[a-z])[A-Z](?=[a-z])")
_NO_LINK: Final = re.compile(r"[\x00-\x20\x7f]")


def render(template: str, facts: Mapping[str, Any], language: str = ENGLISH) -> bytes:
    """Return the page that a template makes of facts in a language, in UTF-8.

    A page that is not translated is English in all its parts, and says so.
    """
    spoken = language if template in TRANSLATED else ENGLISH
    return _environment(spoken).get_template(template).render(facts).encode()


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(  # type: ignore[attr-defined]
        translations(language), newstyle=True
    )
    written = Locale.parse("en_GB" if language == ENGLISH else language)
    environment.filters |= {
        "ago": partial(ago, written),
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
        "day": partial(day, written),
        "flag": Flag,
        "hex": bytes.hex,
        "load": load_name,
        "milliseconds": format_time,
        "moment": partial(moment, written),
        "number": partial(format_decimal, locale=written),
        "period": period_name,
        "plain": plain,
        "share": share,
        "short": short,
        "web_link": web_link,
    }
    environment.globals |= {
        "at": links,
        "language": language,
        "languages": languages(),
        "static": static_files.address,
    }
    return environment


def day(written: Locale, value: date | str) -> Markup:
    """Return a day for people, such as 21 November 2026, in its element."""
    found = value if isinstance(value, date) else date.fromisoformat(value)
    return Markup('<time datetime="{}">{}</time>').format(
        found.isoformat(), format_date(found, "long", written)
    )


def moment(written: Locale, recorded_at: str) -> Markup:
    """Return a time (RFC 3339, UTC) for people, to the minute, in its element."""
    found = datetime.fromisoformat(recorded_at)
    return Markup('<time datetime="{}">{}, {:%H:%M} UTC</time>').format(
        recorded_at, format_date(found, "long", written), found
    )


def ago(written: Locale, recorded_at: str, now: datetime | None = None) -> str:
    """Return how long ago a time (RFC 3339, UTC) was, in its largest unit: `3 minutes ago`."""
    passed = (now or datetime.now(UTC)) - datetime.fromisoformat(recorded_at)
    seconds = max(1, int(passed.total_seconds()))
    return format_timedelta(-seconds, threshold=1, add_direction=True, locale=written)


def plain(word: str) -> str:
    """Return a coded word of the catalogue as people write it: `workbased`, `written examination`.

    The capitals of an abbreviation stay.
    """
    return _CAPITAL.sub(lambda found: f" {found[0].lower()}", word)


def load_name(load: str) -> str:
    """Return the name of a band of workloads for people, such as `5 to 14 ECTS`."""
    unit, _, rest = load.partition("-")
    name = f"{rest.replace('-', ' ')} {'ECTS' if unit == 'ects' else 'hours'}"
    return name[0].upper() + name[1:]


def short(name: str) -> str:
    """Return a DID, key or id so short that people can compare it at a glance."""
    bare = name.removeprefix("did:key:")
    return name if len(bare) <= 20 else f"{bare[:10]}…{bare[-6:]}"


def web_link(address: str) -> str | None:
    """Return an address that somebody stated if a browser may follow it, else None."""
    return address if re.match(r"https?://", address) and not _NO_LINK.search(address) else None
