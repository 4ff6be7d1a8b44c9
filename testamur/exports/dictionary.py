"""The data dictionary that lies beside an export: what is in it, and of which log and size.

It is a Data Package descriptor (datapackage.org, version 2), which programs for R, Python and data
repositories read, with members of our own beside: the log's name, the size and root that the rows
are complete up to, the signed checkpoint, every event and every flag.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import msgspec

from testamur.catalogue.submission import format_time
from testamur.exports.columns import events, fields, fields_of_lines, flags
from testamur.exports.taking import Taken

Form: TypeAlias = Literal["ndjson", "csv", "parquet"]

ENDING: Final = ".datapackage.json"
"""Of the dictionary's file name, after the name of the export."""

_MEDIA_TYPES: Final[dict[Form, str]] = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
_NOTES: Final[dict[Form, str]] = {
    "ndjson": "One JSON object a line, in UTF-8.",
    "csv": "UTF-8 after a byte order mark, lines ended by LF. A text that a spreadsheet would run "
    "has an apostrophe before it; lists and objects are JSON text.",
    "parquet": "Typed columns; lists and objects are JSON text, bytes are binary.",
}


def dictionary(form: Form, name: str, taken: Taken) -> bytes:
    """Return the descriptor of an export in the file `name`, as indented JSON."""
    checkpoint = taken.checkpoint
    at = {} if taken.at is None else {"at": format_time(taken.at)}
    found: dict[str, Any] = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "testamur-log",
        "title": f"Every event of {checkpoint.origin} up to size {checkpoint.size}",
        "log": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        **at,
        "checkpoint": taken.signed.decode("utf-8", "backslashreplace"),
        "resources": [_resource(form, name)],
        "events": events(),
        "flags": flags(),
    }
    return msgspec.json.format(msgspec.json.encode(found)) + b"\n"


def _resource(form: Form, name: str) -> dict[str, Any]:
    dialect = {"dialect": {"delimiter": ",", "lineTerminator": "\n"}} if form == "csv" else {}
    return {
        "name": "events",
        "path": name,
        "format": form,
        "mediatype": _MEDIA_TYPES[form],
        "encoding": "utf-8",
        **dialect,
        "description": f"One row for each event. {_NOTES[form]}",
        "schema": {
            "fields": fields_of_lines() if form == "ndjson" else fields(),
            "primaryKey": ["position"],
        },
    }
