"""What a key may not say any more is what `vectors/caps` says, in any replay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from testamur.catalogue.submission import parse_submission_entry
from testamur.keys import PublicKey
from testamur.tlog.merkle import leaf_hashes
from testamur.tlog.note import VerifierKey
from testamur.verification.replay import BadEntry, Replayer
from tests.vectors.make_caps import FOLDER, caps_files

FILES = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}


def test_the_files_are_what_the_program_beside_them_makes() -> None:
    assert caps_files() == FILES


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_log_is_taken_up_to_what_is_too_much(name: str) -> None:
    found: dict[str, Any] = json.loads(FILES[name])
    entries = [entry.encode() for entry in found["entries"]]
    begins = found["refused"]["submission"]
    assert parse_submission_entry(entries[begins])[1].payload.events == len(entries) - begins - 1
    key = VerifierKey.parse(found["vkey"])
    log_key, entries_at = PublicKey("Ed25519", key.public), lambda at, end: entries[at:end]
    replayer = Replayer(log_key, origin=key.name, entries_at=entries_at)

    replayer.feed(entries[:begins], leaf_hashes(entries[:begins]))
    assert replayer.register.size == begins
    with pytest.raises(BadEntry) as caught:
        replayer.feed(entries[begins:], leaf_hashes(entries[begins:]))

    assert caught.value.rule == found["refused"]["rule"]
    assert caught.value.position == found["refused"]["position"]
