"""The genesis: a log is opened once, by its own key, before anything else."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from registry.integrity import OtherLog
from testamur.catalogue.lines import decode_event
from testamur.errors import Refusal
from tests.harness.gates import Desk
from tests.harness.stores import Kept
from tests.harness.story import Story, log_itself


def test_a_log_is_opened_once(kept: Kept, story: Story) -> None:
    genesis = story.genesis()
    with Desk(kept, story) as desk:
        recorded = desk.gate.open_log(genesis)
        assert (recorded.position, recorded.events) == (0, 1)
        assert desk.gate.open_log(genesis) == msgspec.structs.replace(recorded, repeated=True)
        with pytest.raises(Refusal, match="genesis-again"):
            desk.gate.open_log(story.genesis())
        with pytest.raises(Refusal, match="genesis-again"):
            desk.gate.open_log(Story(name="other").genesis())
        assert desk.committed() == 2


def test_a_log_that_is_not_open_takes_nothing_else(kept: Kept, story: Story) -> None:
    with Desk(kept, story) as desk:
        assert desk.refuse(story.cohort(1)).rule == "genesis-signer"
        assert desk.committed() == 0


def test_only_the_logs_own_key_opens_it(kept: Kept, story: Story) -> None:
    other = Story(name="other")
    forged = replace(log_itself(story.log_key), key=other.log_key)
    opened = decode_event(story.genesis()[:-1].split(b"\n")[1])
    with Desk(kept, story) as desk:
        with pytest.raises(Refusal, match="genesis-signer"):
            desk.gate.open_log(other.genesis())
        with pytest.raises(Refusal, match="signature"):
            desk.gate.open_log(story.submission(forged, opened))
        assert desk.committed() == 0


def test_a_file_opened_by_another_key_is_refused(kept: Kept, story: Story) -> None:
    with Desk(kept, story) as desk:
        desk.open_log()
    with pytest.raises(OtherLog, match="opened by did:key"):
        Desk(kept, Story(name="other"))
