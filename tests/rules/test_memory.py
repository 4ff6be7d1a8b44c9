"""What a register keeps in memory: millions of things fit into a server."""

from __future__ import annotations

import pytest

from bench.gate_worst import memory


@pytest.mark.slow
def test_an_organization_takes_a_kilobyte_and_a_half_and_an_achievement_a_third_of_one() -> None:
    """An organization with four keys; the definition of an achievement stays on the log."""
    taken = memory(2_000)
    assert taken["bytes_per_organization"] < 1_500
    assert taken["bytes_per_achievement"] < 300
