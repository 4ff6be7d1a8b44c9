"""A type of achievement is one of Open Badges 3.0, or plainly the provider's own."""

from __future__ import annotations

import pytest

from testamur.errors import Refusal
from testamur.recording.achievement_types import TYPES, fault
from tests.harness.shared_vectors import load, needs_shared

SCHEMA = "1edtech-openbadges-spec/ob_v3p0_achievementcredential_schema.json"


@needs_shared
def test_the_types_are_those_of_the_published_schema() -> None:
    kinds = load(SCHEMA)["$defs"]["Achievement"]["properties"]["achievementType"]["oneOf"]
    published = next(each["enum"] for each in kinds if "enum" in each)
    assert set(published) == TYPES


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_type_passes_and_in_other_letters_is_refused_with_it(kind: str) -> None:
    assert fault(kind) is None
    for other in (kind.lower(), kind.upper(), f"ext:{kind}", f"ext:{kind.lower()}"):
        if other != kind:
            assert fault(other) == f"{other} is written {kind} in Open Badges 3.0"


@pytest.mark.parametrize("kind", ["ext:Licence", "ext:Nanodegree", "ext:X"])
def test_a_providers_own_type_passes(kind: str) -> None:
    assert fault(kind) is None


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        ("Certifcate", "Certificate"),
        ("Licence", "License"),
        ("Microcredentials", "MicroCredential"),
        ("Bachelor", "BachelorDegree"),
        ("Master", "MasterCertificate or MasterDegree"),
    ],
)
def test_a_mistake_is_refused_with_what_is_likely_meant(kind: str, right: str) -> None:
    assert f"; write {right}, or ext:{kind} for one of your own" in str(fault(kind))


def test_what_resembles_nothing_is_refused_with_the_whole_list() -> None:
    why = str(fault("X" * 64))
    assert all(kind in why for kind in TYPES)
    refusal = Refusal("achievement-type", f"definition.achievementType: {why}")
    assert refusal.detail.endswith(why), "a refusal cuts what is too long"
