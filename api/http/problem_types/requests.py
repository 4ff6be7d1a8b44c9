"""Rules about requests: addresses, parameters, bodies, forms of an answer."""

from __future__ import annotations

from typing import Final

from api.http.problem_types.told import Told

TYPES: Final = {
    "another-address": Told(
        "What was asked for has one address, and this is another spelling of it.",
        "Follow the header Location; browsers and most clients do so by themselves.",
    ),
    "as-of": Told(
        "A size or a time that a question is asked about is not negative.",
        "Ask with a tree size such as size=4096, or with a time from 1970 on.",
    ),
    "content-encoding": Told(
        "A body is sent as it is, or as one whole gzip member.",
        "Send it plain, or compress it with gzip in one piece and say Content-Encoding: gzip.",
    ),
    "content-length": Told(
        "The header Content-Length is the number of bytes of the body.",
        "Leave the header to the HTTP library.",
    ),
    "cursor": Told(
        "A cursor is good for the list that named it, as of the same size, with the same filters.",
        "Take the address in `next` as it is, or begin again at the first page.",
    ),
    "cut-off": Told(
        "The body arrives whole: the connection ended before its last byte.",
        "Send the same bytes again; a submission that was recorded gets the same receipt.",
    ),
    "evidence-size": Told(
        "An evidence file has a bound, and more is relevant to this credential than fits.",
        "Replay the log, or ask as of an earlier size.",
    ),
    "flag": Told(
        "A list is filtered by the flags that its items can have.",
        "Take one of the flags that the problem lists.",
    ),
    "head-size": Told(
        "The head of a request is at most 64 KiB and 128 headers.",
        "Send fewer or shorter headers; a proxy in front may add some.",
    ),
    "http": Told(
        "A request follows HTTP/1.1 (RFC 9112).",
        "Send it with an HTTP library, a body at a time.",
    ),
    "identifier": Told(
        "An identifier of an organization is one of a known scheme, in the spelling of that "
        "register.",
        "Write the scheme before it, such as ROR:https://ror.org/04dkp9463.",
    ),
    "media-type": Told(
        "The body of a submission has the media type of submissions.",
        "Send it with the Content-Type that the problem names.",
    ),
    "method": Told(
        "A path takes the methods that its answer lists in the header Allow.",
        "Use one of these methods; GET reads, POST /submissions records.",
    ),
    "no-such-file": Told(
        "The published log has the files that its checkpoint implies, and no others.",
        "Read the checkpoint first; its size says which tiles and bundles there are.",
    ),
    "no-such-path": Told(
        "The server has the paths that its reference lists.",
        "Look the path up in the reference, or what it should lead to in the search box.",
    ),
    "not-acceptable": Told(
        "An answer has the forms that the problem lists.",
        "Ask for one of them in the header Accept, or add .json or .csv to the address.",
    ),
    "parameter": Told(
        "A parameter has a name that the path knows, is given once, and has a value of its form. "
        "None is ignored, for a misspelt one would change the question.",
        "Mend or leave out the parameter that the problem names.",
    ),
    "question-too-long": Told(
        "A question reads for at most three seconds.",
        "Narrow it with a filter or a period, or replay the log on your own machine.",
    ),
    "size-ahead": Told(
        "A question is asked about a size that the published log has reached.",
        "Ask as of a smaller size, or again once the log has grown.",
    ),
    "time": Told(
        "A time is written as RFC 3339 says, in a question with its zone, in an event in UTC "
        "with milliseconds.",
        "Write a time such as 2026-11-21T10:00:00Z.",
    ),
    "time-ahead": Told(
        "A question is asked about a time that has come.",
        "Leave `at` out to ask about now.",
    ),
    "timeout": Told(
        "A request keeps coming and is whole within its time.",
        "Send it again over a better connection, or in smaller submissions.",
    ),
    "too-many": Told(
        "An address or an organization asks so often and no more.",
        "Wait for the seconds that the header Retry-After names.",
    ),
    "unknown-achievement-version": Told(
        "The achievement has a version of this number.",
        "Ask without `version` for the newest one; the history lists them all.",
    ),
    "unknown-entry": Told(
        "The log has an entry at that position, as of the size asked about.",
        "Ask for a position below the size; the first entry is at 0.",
    ),
    "unknown-submission": Told(
        "The organization submitted something under this jti.",
        "Look the submission up among those of the organization.",
    ),
}
