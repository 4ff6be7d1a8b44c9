"""How a page is made of facts: the templates, what they may call, and how they write a value.

All text is escaped by the template. A fact that a template names and nobody gave is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api.questions import links
from api.web import static_files
from api.web.languages import ENGLISH, translations
from api.web.numbers_page import period_name, share
from testamur.catalogue.submission import format_time
from testamur.rules import Flag

FOLDER: Final = Path(__file__).parent / "templates"
_AGES: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_NO_LINK: Final = re.compile(r"[\x00-\x20\x7f]")


def render(template: str, facts: Mapping[str, Any], language: str = ENGLISH) -> bytes:
    """Return the page that a template makes of facts in a language, in UTF-8."""
    return _environment(language).get_template(template).render(facts).encode()


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
    environment.filters |= {
        "age": age,
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
        "day": day,
        "flag": Flag,
        "hex": bytes.hex,
        "milliseconds": format_time,
        "moment": moment,
        "number": "{:,}".format,
        "period": period_name,
        "share": share,
        "short": short,
        "web_link": web_link,
    }
    environment.globals |= {"at": links, "language": language, "static": static_files.address}
    return environment


def day(value: date | str) -> Markup:
    """Return a day for people, such as 21 November 2026, in its element."""
    found = value if isinstance(value, date) else date.fromisoformat(value)
    return Markup('<time datetime="{}">{} {}</time>').format(
        found.isoformat(), found.day, found.strftime("%B %Y")
    )


def moment(recorded_at: str) -> Markup:
    """Return a time (RFC 3339, UTC) for people, to the minute, in its element."""
    found = datetime.fromisoformat(recorded_at)
    return Markup('<time datetime="{}">{} {} UTC</time>').format(
        recorded_at, found.day, found.strftime("%B %Y, %H:%M")
    )


def age(recorded_at: str, now: datetime | None = None) -> str:
    """Return how long ago a time (RFC 3339, UTC) was, in its largest unit: `3 minutes`."""
    passed = (now or datetime.now(UTC)) - datetime.fromisoformat(recorded_at)
    seconds = max(0, int(passed.total_seconds()))
    for size, unit in _AGES:
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}" + "s" * (count != 1)
    return "less than a second"


def short(name: str) -> str:
    """Return a DID, key or id so short that people can compare it at a glance."""
    bare = name.removeprefix("did:key:")
    return name if len(bare) <= 20 else f"{bare[:10]}…{bare[-6:]}"


def web_link(address: str) -> str | None:
    """Return an address that somebody stated if a browser may follow it, else None."""
    return address if re.match(r"https?://", address) and not _NO_LINK.search(address) else None
