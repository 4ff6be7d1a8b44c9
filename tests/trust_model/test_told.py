"""Every told story keeps its promise, and none keeps it without the rule that it names."""

from __future__ import annotations

import pytest

from tests.trust_model.every_told import STORIES
from tests.trust_model.gate import Refused
from tests.trust_model.settings import PRODUCT, Rule
from tests.trust_model.told import Told

BREAKABLE = [story for story in STORIES if story.rule is not None]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.promise)
def test_the_promise_is_kept(story: Told) -> None:
    story.play(PRODUCT)


@pytest.mark.slow
@pytest.mark.parametrize("story", BREAKABLE, ids=lambda story: story.promise)
def test_the_promise_needs_its_rule(story: Told) -> None:
    assert story.rule is not None
    with pytest.raises((AssertionError, Refused)):
        story.play(PRODUCT.less(story.rule))


def test_every_rule_is_needed_by_a_story() -> None:
    assert set(Rule) == {story.rule for story in BREAKABLE}
