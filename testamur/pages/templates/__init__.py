"""Templates of what learners get. Each text in them is escaped, since none of it is ours."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from testamur.pages.installed import library


@cache
def template(name: str) -> Any:
    """Return a template of this folder, which escapes what it is given and refuses what is not."""
    jinja2 = library("jinja2")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
