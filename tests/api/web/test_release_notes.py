"""What somebody downloaded as verify.html can be compared with the release notes in a minute."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from api.web import offline

KEYS: Final = (
    "log.example/testamur+cf43cffa+ARuGc+U1hKKCdJjeQ6y/iNVxeISsZKQzu5cptrwIQEu3",
    'a"log<of>ill&will+cf43cffa+ARuGc+U1hKKCdJjeQ6y/iNVxeISsZKQzu5cptrwIQEu3',
)
NOTES: Final = Path(__file__).parents[3] / "CHANGELOG.md"


def compared(page: bytes, folder: Path) -> str:
    """Return the digest that the documented command prints of a file."""
    (folder / "verify.html").write_bytes(page)
    printed = subprocess.run(
        ["/bin/sh", "-c", offline.SAME_EVERYWHERE],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        check=True,
        capture_output=True,
        text=True,
    )
    return printed.stdout.split()[0]


def test_the_release_notes_have_the_digest_of_what_is_built() -> None:
    """The newest line counts: a release in which nothing of it changed needs none."""
    found = re.search(r"`verify\.html`[^`]*SHA-256 `([0-9a-f]{64})`", NOTES.read_text())
    assert found is not None
    due = offline.digest("")
    assert found[1] == due, f"write into CHANGELOG.md, as the SHA-256 of verify.html: {due}"
    assert offline.SAME_EVERYWHERE in NOTES.read_text()


@pytest.mark.parametrize("keys", ["", KEYS[0], KEYS[1], "\n".join(KEYS)])
def test_the_command_gives_that_digest_of_the_file_of_any_register(
    keys: str, tmp_path: Path
) -> None:
    assert compared(offline.offline_page(keys), tmp_path) == offline.digest("")


def test_whatever_else_is_in_the_file_gives_another_digest(tmp_path: Path) -> None:
    page = offline.offline_page(KEYS[0])
    (line,) = re.findall(rb'^<meta name="log-keys".*>$', page, re.MULTILINE)
    for other in (
        line + b"<p>Valid</p>",
        line + b'<meta http-equiv="refresh" content="0; url=https://elsewhere.example">',
        line.replace(b'">', b'" onclick="x()">'),
        line.replace(b"log-keys", b"referrer"),
        line + b"\n",
        line + b"\r",
    ):
        assert compared(page.replace(line, other), tmp_path) != offline.digest(""), other
