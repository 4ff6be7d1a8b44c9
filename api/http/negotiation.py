"""Which representation a client takes: `Accept` and those that begin so, as RFC 9110 says.

Sections 12.4.2, 12.5.1, 12.5.3 and 12.5.4. A member that is not well-formed is read as not written,
since a client must get an answer whatever a proxy on the way added. Nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from api.http.asgi import Headers, listed

_TOKEN: Final = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_VALUE: Final = rb'(?:"[^"\\]*"|' + _TOKEN + rb")"
# No two repetitions of blanks may meet, or a hostile header takes exponential time to refuse.
_PARAMETER: Final = rb"[ \t]*;(?:[ \t]*(" + _TOKEN + rb")(?:=(" + _VALUE + rb"))?)?"
_MEMBER: Final = re.compile(
    rb"[ \t]*(" + _TOKEN + rb"(?:/" + _TOKEN + rb")?)((?:" + _PARAMETER + rb")*)[ \t]*"
)
_EACH: Final = re.compile(_PARAMETER)
_QVALUE: Final = re.compile(rb"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_MOST: Final = 64  # members of a header that are read: each costs a microsecond of every client's
_LONGEST_KEPT: Final = 256  # bytes of a header whose reading is remembered


class Coding(NamedTuple):
    """How an answer that is there as it is, and in gzip, may be sent.

    `gzip` and `plain` say whether each is acceptable, `liked` which of them the client states that
    it likes better, if it does.
    """

    gzip: bool
    plain: bool
    liked: Literal["gzip", "plain"] | None

    @property
    def gladly_gzip(self) -> bool:
        """Whether gzip is as good as a plain answer."""
        return self.gzip and self.liked != "plain"


_PLAIN: Final = Coding(gzip=False, plain=True, liked=None)


def coding_taken(headers: Headers) -> Coding:
    """Return which content codings the request takes; without `Accept-Encoding`, none.

    RFC 9110 lets a server choose any coding then. A client that says nothing seldom decodes one.
    """
    written = listed(headers, b"accept-encoding")
    if written is None:
        return _PLAIN
    return _coding(written) if len(written) <= _LONGEST_KEPT else _read_coding(written)


def media_type_taken(headers: Headers, offered: Sequence[str]) -> str | None:
    """Return the media type that the request likes best, the first of several; None for none.

    Parameters of a media range are not compared: what is offered here has none.
    """
    written = listed(headers, b"accept")
    if not written:
        return offered[0]
    weights = _weights(written)
    best = max(offered, key=lambda media_type: _media_weight(weights, media_type))
    return best if _media_weight(weights, best) > 0 else None


def language_taken(headers: Headers, offered: Sequence[str]) -> str:
    """Return the language, of those `offered`, that the request likes best; the first for none.

    A range such as `de-CH` is met by `de`, as RFC 4647 section 3.4 looks languages up.
    """
    weights = _weights(listed(headers, b"accept-language") or b"")
    liked = sorted(weights, key=lambda each: -weights[each])
    for language in (each.partition(b"-")[0].decode() for each in liked if weights[each]):
        if language in offered:
            return language
    return offered[0]


@lru_cache(maxsize=256)
def _coding(written: bytes) -> Coding:
    return _read_coding(written)


def _read_coding(written: bytes) -> Coding:
    weights = _weights(written)
    others = weights.get(b"*")
    zipped = max(weights.get(b"gzip", -1), weights.get(b"x-gzip", -1))
    if zipped < 0:
        zipped = others or 0
    plain = weights.get(b"identity", others)
    liked: Literal["gzip", "plain"] | None = None
    if plain is not None and zipped != plain:
        liked = "gzip" if zipped > plain else "plain"
    # Not named at all, a plain answer is acceptable.
    return Coding(gzip=zipped > 0, plain=plain is None or plain > 0, liked=liked)


def _weights(written: bytes) -> dict[bytes, int]:
    """Return the weight, in thousandths, of each member; of one that is there twice the higher."""
    weights: dict[bytes, int] = {}
    for member in written.split(b",", _MOST)[:_MOST]:
        found = _MEMBER.fullmatch(member)
        weight = None if found is None else _weight(found[2])
        if found is not None and weight is not None:
            name = found[1].lower()
            weights[name] = max(weight, weights.get(name, 0))
    return weights


def _weight(parameters: bytes) -> int | None:
    """Return the weight in thousandths; None if it is not one."""
    for name, value in _EACH.findall(parameters):
        if name.lower() == b"q":
            return round(float(value) * 1000) if _QVALUE.fullmatch(value) else None
    return 1000


def _media_weight(weights: dict[bytes, int], media_type: str) -> int:
    """Return the weight of the most exact range that covers `media_type`; 0 if none does."""
    exact = media_type.encode()
    kind = exact.partition(b"/")[0]
    for media_range in (exact, kind + b"/*", b"*/*"):
        if media_range in weights:
            return weights[media_range]
    return 0
