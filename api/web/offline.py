"""verify.html: the verifier as one file, which works from a disk, without a network.

    python -m api.web.offline --vkey "$(curl https://register.example/log/vkey)" > verify.html

From the same source and the same keys it is the same file, byte for byte. Its own content policy
lists the hashes of its one script and its one style, and lets it ask nobody. Without `--vkey` it
trusts no log, until its reader states one.

The keys stand in one line, and all other lines are the same on every register of a version. So the
release notes have the SHA-256 of these, which `SAME_EVERYWHERE` computes of any downloaded file.
Both digests go to standard error.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import sys
from functools import cache
from typing import Final

from markupsafe import Markup

from api.web import static_files
from api.web.languages import languages, script_words
from api.web.modules import bundled
from api.web.rendering import render
from testamur.tlog.policy import parse_policy

ENTRY: Final = "page/verify.mjs"
SHEETS: Final = ("style.css", "page/answers.css")
SAME_EVERYWHERE: Final = (
    """grep -avx '<meta name="log-keys" content="[^"<>]*">' verify.html | sha256sum"""
)
"""Prints the SHA-256 of all but the line with the keys. That line is left out if it holds nothing
but text in an attribute, so nothing that does anything can hide there."""


@cache
def offline_page(keys: str) -> bytes:
    """Return the file, which trusts the log with these keys (a line each), or none yet."""
    script = bundled(ENTRY)
    style = "".join(static_files.files()[each].body.decode() for each in SHEETS)
    settings = {
        "asksRegister": False,
        "words": {language: dict(script_words(language)) for language in languages()},
    }
    facts = {
        "keys": " ".join(keys.split()),
        "policy": Markup(policy(script, style)),  # noqa: S704 - it holds hashes alone
        "script": Markup(script),  # noqa: S704 - our own modules
        "settings": settings,
        "style": Markup(style),  # noqa: S704 - our own sheets
    }
    return render("offline.html", facts) + b"\n"  # the end of a line, for tools that read lines


def policy(script: str, style: str) -> str:
    """Return the content policy of a page with this one script and this one style."""
    return (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def digest(keys: str) -> str:
    """Return the SHA-256 of the file, in hex."""
    return hashlib.sha256(offline_page(keys)).hexdigest()


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def main() -> None:
    """Write the file to standard output."""
    parser = argparse.ArgumentParser(description="Make verify.html, the verifier as one file.")
    parser.add_argument(
        "--vkey", default="", help="the keys of the log that it trusts, a line each"
    )
    keys = parser.parse_args().vkey.strip()
    if keys:
        parse_policy("".join(f"log {key}\n" for key in keys.split()) + "quorum none\n")
    sys.stdout.buffer.write(offline_page(keys))
    sys.stderr.write(f"{digest(keys)}  verify.html\n")
    sys.stderr.write(f"{digest('')}  the same without the log's keys, as in the release notes\n")


if __name__ == "__main__":
    main()
