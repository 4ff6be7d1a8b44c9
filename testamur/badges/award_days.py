"""When an award begins and ends: its days as moments, in the zone of the provider.

A day is a UTC day, unless the provider states its offset. A credential is valid from the first
moment of the day awarded. If that day has begun somewhere, and not yet in that zone, it is valid
from the moment of issue on: never later, for its holder shows it today.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Annotated, Final, NamedTuple

from msgspec import Meta

Offset = Annotated[str, Meta(pattern=r"^(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)$(?!\n)")]
"""Of a zone from UTC, such as +09:00; no zone is further away than 14 hours."""

_FIRST: Final = timedelta(hours=14)


class Dates(NamedTuple):
    """What a credential says of its days, each an XML dateTimeStamp."""

    awarded: str
    valid_from: str
    valid_until: str | None


def zone_of(offset: str | None) -> timezone:
    """Return the zone that an offset names: UTC if none is stated."""
    if offset in (None, "Z"):
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    sign = -1 if offset[0] == "-" else 1
    return timezone(sign * timedelta(hours=hours, minutes=minutes))


def latest_day(now: datetime, offset: str | None) -> date:
    """Return the last day that has begun by `now`: in the zone, or anywhere if none is stated."""
    return (now.astimezone(UTC) + _FIRST).date() if offset is None else _there(now, offset).date()


def dates(awarded: date, until: date | None, *, offset: str | None, now: datetime) -> Dates:
    """Return what a credential made `now` says of the day awarded, and of its last one."""
    zone = zone_of(offset)
    begin = datetime.combine(awarded, time(), zone)
    begun_somewhere = awarded <= (now.astimezone(UTC) + _FIRST).date()
    start = _there(now, offset).replace(microsecond=0) if begun_somewhere and begin > now else begin
    end = None if until is None else datetime.combine(until, time(23, 59, 59), zone)
    return Dates(_stamp(begin), _stamp(start), None if end is None else _stamp(end))


def _there(now: datetime, offset: str | None) -> datetime:
    return now.astimezone(zone_of(offset))


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
