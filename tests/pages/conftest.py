"""What the tests of pages start from: a credential as a provider prepares it."""

from __future__ import annotations

import pytest

from testamur.badges.commitment import HolderFile
from testamur.pages.addresses import Addresses, addresses_of
from testamur.pages.facts import Facts, facts_of
from tests.harness.spring import ADA, prepared
from tests.harness.story import Story

REGISTER = "https://register.example"


@pytest.fixture
def holder() -> HolderFile:
    return prepared(Story(), ADA).holders[0]


@pytest.fixture
def facts(holder: HolderFile) -> Facts:
    return facts_of(holder)


@pytest.fixture
def addresses(facts: Facts, holder: HolderFile) -> Addresses:
    return addresses_of(facts, holder, REGISTER, None)
