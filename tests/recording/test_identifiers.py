"""An identifier of another register has one spelling; its checksum is checked if it has one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.catalogue.members import Identifier
from testamur.recording.identifiers import fault, ror_checksum

UUID = "52a45d0f-8d5e-4b6c-9d7b-0a1b2c3d4e5f"
AMSTERDAM = "https://ror.org/04dkp9463"

RIGHT = {
    "CTID": f"ce-{UUID}",
    "DAPIP": "133562",
    "DEQARINST": "DEQARINST0034",
    "ETER": "AT0001",
    "PIC": "999986096",
    "ROR": AMSTERDAM,
}


def stated(scheme: str, value: str) -> Identifier:
    return Identifier(scheme=scheme, value=value)  # type: ignore[arg-type]  # one of them


@pytest.mark.parametrize(("scheme", "value"), sorted(RIGHT.items()))
def test_the_one_spelling_passes(scheme: str, value: str) -> None:
    assert fault(stated(scheme, value)) is None


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("ROR", "04dkp9463"),
        ("ROR", "04DKP9463"),
        ("ROR", "ror.org/04dkp9463"),
        ("ROR", "http://ror.org/04dkp9463"),
        ("ROR", "https://www.ror.org/04dkp9463"),
        ("ROR", "https://ror.org/04dkp9463/"),
        ("ROR", "HTTPS://ROR.ORG/04dkp9463"),
        ("CTID", UUID),
        ("CTID", f"CE-{UUID.upper()}"),
        ("CTID", f"https://credentialengineregistry.org/resources/ce-{UUID}"),
        ("DEQARINST", "34"),
        ("DEQARINST", "DEQARINST34"),
        ("DEQARINST", "deqarinst0034"),
        ("DEQARINST", "DEQARINST00034"),
        ("DEQARINST", "https://data.deqar.eu/institution/34"),
        ("ETER", "at0001"),
        ("ETER", "AT.0001"),
        ("ETER", "ETER:AT0001"),
        ("PIC", "999-986-096"),
        ("PIC", "PIC999986096"),
        ("DAPIP", "https://ope.ed.gov/dapip/#/institution-profile/133562"),
        ("DAPIP", "DAPIP-133562"),
    ],
)
def test_another_spelling_is_refused_with_the_one(scheme: str, value: str) -> None:
    assert fault(stated(scheme, value)) == f"this {scheme} is written {RIGHT[scheme]}"


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("ROR", "https://ror.org/1"),
        ("ROR", "https://ror.org/04dkp946"),
        ("ROR", "https://ror.org/14dkp9463"),
        ("ROR", "https://ror.org.example/04dkp9463"),
        ("ROR", "https://example.org/04dkp9463"),
        ("CTID", "ce-1"),
        ("CTID", f"ce-{UUID}0"),
        ("DEQARINST", "DEQARINST"),
        ("DEQARINST", "DEQARINST0000"),
        ("DEQARINST", "EQARAG0034"),
        ("ETER", "AT001"),
        ("ETER", "XX0001"),
        ("ETER", "AT00011"),
        ("PIC", "99998609"),
        ("PIC", "9999860960"),
        ("PIC", "099986096"),
        ("DAPIP", "13356"),
        ("DAPIP", "133562X"),
    ],
)
def test_what_is_no_such_identifier_is_refused_with_an_example(scheme: str, value: str) -> None:
    why = str(fault(stated(scheme, value)))
    example = why.rpartition("such as ")[2]
    assert fault(stated(scheme, example)) is None


def test_eter_writes_two_countries_as_eurostat_does() -> None:
    assert fault(stated("ETER", "UK0001")) is None
    assert fault(stated("ETER", "EL0001")) is None


def test_a_ror_with_one_character_changed_is_refused_for_its_checksum() -> None:
    short = AMSTERDAM[-9:]
    for at in range(1, 9):
        for char in "0123456789" if at > 6 else "0123456789abcdefghjkmnpqrstvwxyz":
            changed = f"https://ror.org/{short[:at]}{char}{short[at + 1 :]}"
            why = fault(stated("ROR", changed))
            assert (why is None) == (changed == AMSTERDAM)
            assert why is None or "checksum" in why


@pytest.mark.parametrize("short", ["05dxps055", "03yrm5c26", "042nb2s44", "052gg0110"])
def test_the_checksum_is_the_one_of_ids_that_were_assigned(short: str) -> None:
    assert ror_checksum(short[:7]) == short[7:]


@given(st.sampled_from(sorted(RIGHT)), st.from_regex(r"\A[!-~]{1,100}\Z"))
def test_whatever_the_form_allows_passes_or_is_told_what_to_do(scheme: str, value: str) -> None:
    why = fault(stated(scheme, value))
    if why is not None and " is written " in why:
        assert fault(stated(scheme, why.rpartition(" is written ")[2])) is None
