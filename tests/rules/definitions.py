"""A whole definition of an achievement, and others that differ from it."""

from __future__ import annotations

from typing import Any

import msgspec

from testamur.catalogue.members import Definition
from tests.harness.story import Story

DEFINITION = Story().definition()


def with_(**members: Any) -> Definition:
    return msgspec.structs.replace(DEFINITION, **members)
