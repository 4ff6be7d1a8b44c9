"""Rules about the form of a submission: its bytes, its header, its lines, their members."""

from __future__ import annotations

from typing import Final

from api.http.problem_types.told import Told

_CLIENT: Final = "Let the client write it (`testamur submit`), or follow docs/formats.md."
_JSON: Final = "Write it with a library for JSON, as UTF-8."

TYPES: Final = {
    "achievement-type": Told(
        "The type of an achievement is one that Open Badges knows, or begins with ext:.",
        "Take the type that the problem proposes, or write ext: before your own.",
    ),
    "base58": Told(
        "Keys and DIDs are written in base58btc, and have their length.",
        "Copy the key again, whole: 0, O, I and l are not in that alphabet.",
    ),
    "base64url": Told(
        "Binary values are base64url without padding, in their one spelling.",
        _CLIENT,
    ),
    "canonical-json": Told(
        "An event is one line of canonical JSON (RFC 8785), so that it has one digest. Members at "
        "their default are left out.",
        _CLIENT,
    ),
    "country-code": Told(
        "A country is a code of ISO 3166-1, a part of one a code of ISO 3166-2.",
        "Write the code that the problem proposes, such as NL or NL-UT.",
    ),
    "entry-size": Told(
        "An entry of the log is at most 64 KiB.",
        "Shorten what the line states: outcomes, names, scopes.",
    ),
    "event-count": Told(
        "A submission holds as many events as its header announces, and at least one.",
        "Sign it anew over all its lines, or divide it into several.",
    ),
    "event-schema": Told(
        "An event has the members of its type, each with a value of its form, and no others.",
        "Mend the member that the problem names; the dictionary of events lists them all.",
    ),
    "flags-refused": Told(
        "The submission asked to be refused if it would be flagged for what its sender can mend. "
        "Nothing was recorded.",
        "Mend what each flag names, or submit with flags=admit.",
    ),
    "header-canonical": Told("The header of a submission is canonical JSON (RFC 8785).", _CLIENT),
    "header-form": Told(
        "Line 1 of a submission is a compact JWS: three parts in base64url, joined by dots.",
        _CLIENT,
    ),
    "header-schema": Told(
        "The header of a submission has the members that the protocol gives it.", _CLIENT
    ),
    "header-signature": Told("A signature has 64 bytes.", _CLIENT),
    "header-size": Told("The header of a submission has a bound.", _CLIENT),
    "id-form": Told(
        "An id that an event creates is a UUID of version 7 (RFC 9562) in small letters.",
        "Make the id with a library for UUIDs, or let the client make it.",
    ),
    "isced-field": Told(
        "A field of education is a code of ISCED-F 2013.",
        "Write the code that the problem proposes, such as 0811.",
    ),
    "json": Told("An event is one JSON object on one line.", _JSON),
    "json-depth": Told("A document is nested so deeply and no deeper.", _JSON),
    "json-duplicate-key": Told(
        "An object has each member once: of two, some readers take the first and some the last.",
        "Leave one of the two out.",
    ),
    "json-encoding": Told("JSON is UTF-8 without a byte order mark.", _JSON),
    "json-number": Told(
        "A number survives the way through any reader: no more digits than a double has.",
        "Write a long number as a text.",
    ),
    "json-size": Told("A document has a bound on its bytes.", "Leave out what no reader needs."),
    "json-surrogate": Told("A text holds whole characters.", _JSON),
    "json-values": Told("A document has a bound on its values.", "Leave out what no reader needs."),
    "key-form": Told(
        "A key is a Multikey of Ed25519 or P-256, a point of its curve, and of full order.",
        "Copy the key again, whole, or make one: testamur keygen.",
    ),
    "kept-ranges": Told(
        "The exceptions of a declaration are ranges of positions: in order, apart from one "
        "another, from `since` on, before the declaration, and no more than its caps allow.",
        "Write fewer, longer ranges, or sign with a key of higher rank.",
    ),
    "language-tag": Told(
        "A language is a tag of BCP 47 whose parts are registered.",
        "Write the tag that the problem proposes, such as en or pt-BR.",
    ),
    "mixed-scripts": Told(
        "A name holds no letter that imitates one of another script.",
        "Type the name anew on one keyboard.",
    ),
    "private-key": Told(
        "No private key goes on the log, from which nothing can be taken back.",
        "Take it out. If this key is in use, retire it: others may have seen it.",
    ),
    "register-events": Told(
        "A submission holds at most 1,000 events that are not about credentials.",
        "Submit the others apart.",
    ),
    "root": Told(
        "The header signs the root of the tree over the lines that follow it.",
        "Sign anew: a line was changed, added, dropped or moved after signing.",
    ),
    "set-order": Told(
        "A list in which the order means nothing is sorted and holds nothing twice.",
        "Sort it by the canonical JSON of its members.",
    ),
    "submission-empty": Told("A submission is not empty.", "Send the body."),
    "submission-entry": Told("The first entry of a submission is its header and time.", _CLIENT),
    "submission-size": Told(
        "A submission has a bound on its bytes, before and after decompression.",
        "Divide it into several submissions.",
    ),
    "submission-truncated": Told(
        "Every line of a submission ends in LF.",
        "Send the file again, whole.",
    ),
}
