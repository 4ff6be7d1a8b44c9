"""What a browser may do with a page: the content security policy of every page for people.

Scripts, styles, pictures and questions are of this server alone, and nothing stands inline. No
other site may frame a page, and no script may make HTML of text.
"""

from __future__ import annotations

from typing import Final

HTML: Final = "text/html"

PAGES_VARY: Final = "Accept, Accept-Language, Accept-Encoding"
"""The headers of a request that decide about a page (`Vary`, RFC 9110 section 12.5.5)."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
