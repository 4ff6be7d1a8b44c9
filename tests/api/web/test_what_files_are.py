"""A page tells by its content what a file is, and says why it cannot be read."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from testamur.badges.baked import bake
from testamur.badges.commitment import read_holder_file
from testamur.badges.holder_link import read_holder_link
from testamur.errors import Refusal
from tests.badges import test_baked as baked
from tests.badges import test_other_files as others
from tests.harness.page_modules import ask
from tests.harness.shared_vectors import SHARED, needs_shared
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


# --- The same files are holder files, and are refused by the same rules ---


def outcome(data: bytes) -> str:
    """Return which holder file Python reads, or by which rule it refuses."""
    try:
        return f"read {read_holder_file(data).id}"
    except Refusal as refusal:
        return refusal.rule


def outcomes_agree(files: list[bytes]) -> set[str]:
    """Return the outcomes, which are the same."""
    found = read(*files)
    due = [outcome(each) for each in files]
    for data, page, mine in zip(files, found, due, strict=True):
        told = f"read {page['holder']['id']}" if page["kind"] == "holder" else page["rule"]
        assert told == mine, (data[:300], page)
    return set(due)


FORMATS: Final = FOLDER.parent / "formats"


def laid_out() -> Iterator[bytes]:
    vectors = json.loads((FORMATS / "holder-file.json").read_text("utf-8"))
    yield vectors["good"].encode()
    for each in vectors["refused"]:
        yield each["text"].encode() if "text" in each else base64.b64decode(each["base64"])


def test_holder_files_are_read_and_refused_alike() -> None:
    draw = random.Random(31)
    good = next(laid_out())
    alphabet = b'{}[]",:0aA=+/ \n\xc3\xa9'
    files = [*laid_out(), HOLDER, *(bent(good, draw, alphabet) for _ in range(600))]

    found = outcomes_agree(files)
    assert {"holder-file", "json", "json-duplicate-key", "json-encoding"} <= found
    assert any(each.startswith("read ") for each in found)


def bent(data: bytes, draw: random.Random, alphabet: bytes) -> bytes:
    for _ in range(draw.randint(1, 2)):
        at = draw.randrange(len(data))
        other = bytes([draw.choice(alphabet)]) if draw.random() < 0.6 else b""
        data = data[:at] + other + data[at + draw.randint(0, 1) :]
    return data


def test_pictures_are_read_and_refused_alike() -> None:
    draw = random.Random(32)
    good = [bake(picture, baked.FILE) for picture in (baked.PNG, baked.SVG)]
    files = [*good, *(data for data, _ in baked.DAMAGED.values()), baked.PNG, baked.SVG]
    files += [bent(draw.choice(good), draw, b"<>&/ \0\x89Pi") for _ in range(400)]

    found = outcomes_agree(files)
    assert {"baked-badge", "picture", "holder-file", "json"} <= found
    kinds = {each.get("baked") for each in read(*good)}
    assert kinds == {"png", "svg"}


def test_other_files_are_told_apart_alike() -> None:
    # A page takes evidence beside a credential, and says why it cannot read some.
    files = [data for name, (data, _) in others.FILES.items() if name != "evidence"]

    assert {"vc-jwt", "other-file", "presentation", "open-badge-2"} <= outcomes_agree(files)


@needs_shared
def test_published_badges_are_told_apart_alike() -> None:
    paths = [path for path in Path(SHARED).rglob("*") if path.suffix in (".json", ".png", ".svg")]
    files = [path.read_bytes() for path in paths if path.stat().st_size < 200_000]

    assert {"blind-missing", "baked-badge", "presentation"} <= outcomes_agree(files)
    assert len(files) > 100


def test_links_are_read_and_refused_alike() -> None:
    vectors = json.loads((FORMATS / "holder-link.json").read_text("utf-8"))
    links = [vectors["good"], *(each["link"] for each in vectors["refused"])]
    draw = random.Random(33)
    links += [bent(vectors["good"].encode(), draw, b"Aa0-_#. =").decode() for _ in range(200)]

    for link, page in zip(links, ask("readLink", links), strict=True):
        try:
            due = f"read {read_holder_link(link).id}"
        except Refusal as refusal:
            due = refusal.rule
            if "after its end" in refusal.detail:
                continue  # which browsers refuse (Compression Streams), and Node does not
        told = f"read {page['holder']['id']}" if page["kind"] == "holder" else page["rule"]
        assert told == due, link
