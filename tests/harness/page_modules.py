"""The modules with which a page verifies, run by Node: what they say of each case.

    ask("json", [{"data": "e30="}]) == ["{}"]

`tests/api/web/ask.mjs` says which kinds of questions there are. Node's WebCrypto is OpenSSL's.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

_PROGRAM: Final = Path(__file__).parents[1] / "api/web/ask.mjs"


def ask(kind: str, cases: Sequence[Any]) -> list[Any]:
    """Return the answer to each case; one that is refused is `{"refused": rule}`."""
    if shutil.which("node") is None:
        pytest.skip("node is not on the path")
    done = subprocess.run(
        ["node", _PROGRAM],
        input=json.dumps({"kind": kind, "cases": cases}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    assert len(answers) == len(cases)
    return answers


def refuses(answer: Any) -> bool:
    """Return whether the modules refused a case."""
    return isinstance(answer, dict) and "refused" in answer
