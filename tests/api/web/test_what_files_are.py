"""A page tells by its content what a file is, and says why it cannot be read."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import pytest

from tests.harness.page_modules import ask
from tests.vectors.make_evidence import FOLDER

GOOD: Final[Any] = json.loads((FOLDER / "a-good-credential.json").read_text("utf-8"))


def written(value: Any, **layout: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, **layout).encode()


def read(*files: bytes) -> list[Any]:
    answers: list[Any] = ask("read", [base64.b64encode(each).decode() for each in files])
    return answers


HOLDER: Final = written(GOOD["holder"], indent=1)
EVIDENCE: Final = written(GOOD["evidence"], separators=(",", ":"))
CREDENTIAL: Final = written(GOOD["holder"]["credential"])
KEY: Final = GOOD["policy"].split()[1].encode()


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        (HOLDER, "holder"),
        (EVIDENCE + b"\n", "evidence"),
        (CREDENTIAL, "credential"),
        (GOOD["policy"].encode(), "policy"),
        (b"# of ours\r\n" + GOOD["policy"].replace("\n", "\r\n").encode(), "unreadable"),
        (KEY, "policy"),
        (KEY + b"\n", "policy"),
        (b"", "unreadable"),
        (b"hello", "unreadable"),
        (b"\x00\x01\x02\x03", "unreadable"),
        (b"[]", "unreadable"),
        (b"{}", "unreadable"),
        (HOLDER + b"}", "unreadable"),
        (HOLDER.replace(b'"blind": "', b'"blind": "A'), "unreadable"),
        (HOLDER.replace(b'"id": "01', b'"id": "01", "id": "01'), "unreadable"),
        (written(GOOD["evidence"], indent=1), "unreadable"),
        (EVIDENCE[:-1], "unreadable"),
        (GOOD["policy"].encode()[:-1], "unreadable"),
        (KEY + b"\n" + KEY + b"\n", "unreadable"),
    ],
)
def test_a_file_is_told_by_its_content(file: bytes, kind: str) -> None:
    (found,) = read(file)

    assert found["kind"] == kind
    if kind in ("unreadable", "credential"):
        assert found["rule"]
        assert found["why"]


def test_a_blind_is_never_shown_in_why_a_file_is_unreadable() -> None:
    blind = GOOD["holder"]["blind"]
    for damaged in (blind[:-1], blind + "A", "=" + blind, blind[:-2] + "t="):
        (found,) = read(HOLDER.replace(blind.encode(), damaged.encode()))

        assert found["kind"] == "unreadable"
        assert blind[:8] not in json.dumps(found)
