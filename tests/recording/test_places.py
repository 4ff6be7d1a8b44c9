"""A country or a part of one has one code, and a common other one is refused with it."""

from __future__ import annotations

import pytest

from testamur.recording.places import fault


@pytest.mark.parametrize(
    "code", ["NL", "GB", "GR", "XK", "TW", "NL-UT", "GB-SCT", "BE-VLG", "CZ-64"]
)
def test_a_code_in_use_passes(code: str) -> None:
    assert fault(code) is None


@pytest.mark.parametrize(
    ("code", "right"),
    [
        ("UK", "UK is written GB"),
        ("EL", "EL is written GR"),
        ("UK-SCT", "UK-SCT is written GB-SCT"),
        ("UK-XXX", "UK is written GB"),
        ("EL-A", "EL-A is written GR-A"),
        ("TP", "TP is written TL"),
        ("AN", "AN is written CW, SX or BQ"),
        ("CS", "CS is written RS or ME"),
        ("FR-RE", "FR-RE is written RE"),
        ("US-PR", "US-PR is written PR"),
        ("CN-11", "CN-11 is written CN-BJ"),
    ],
)
def test_another_spelling_is_refused_with_the_right_one(code: str, right: str) -> None:
    assert fault(code) == f"{right} in ISO 3166"


@pytest.mark.parametrize("code", ["EU", "UN", "EZ", "EU-X"])
def test_an_international_body_states_the_country_of_its_seat(code: str) -> None:
    assert "an international body states the country of its seat" in str(fault(code))


@pytest.mark.parametrize("code", ["XX", "ZZ", "AA", "QM", "QZ", "XA", "XX-1"])
def test_a_code_that_iso_gives_to_no_country_is_refused(code: str) -> None:
    assert str(fault(code)).endswith("to no country; write the code of a country")


@pytest.mark.parametrize("code", ["AB", "EN", "SP", "EN-X"])
def test_a_code_that_nobody_uses_is_refused(code: str) -> None:
    assert f"{code[:2]} is no country" in str(fault(code))


@pytest.mark.parametrize("code", ["NL-XX", "NL-ut", "NL-01", "XK-01", "MT-99"])
def test_a_part_that_the_country_does_not_have_is_refused(code: str) -> None:
    assert fault(code) == f"ISO 3166-2 has no {code}; write its code, or {code[:2]} alone"
