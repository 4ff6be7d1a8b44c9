"""All told stories: each file adds its own to the collection when it is imported."""

from __future__ import annotations

from typing import Final

from tests.trust_model import told_chains, told_costs, told_keys, told_returns, told_rights
from tests.trust_model.told import STORIES

__all__ = ["FILES", "STORIES"]

FILES: Final = (told_chains, told_costs, told_keys, told_returns, told_rights)
