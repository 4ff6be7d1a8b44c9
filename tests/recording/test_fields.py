"""A field of education has one code, and the same code as a number is refused with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.recording.fields import DETAILED, FIELDS, fault


def test_the_classification_is_whole() -> None:
    broad = {code for code in FIELDS if len(code) == 2}
    assert broad == {f"{number:02}" for number in range(11)} | {"99"}
    # Each broad field but the generic and the unknown one has its inter-disciplinary programmes.
    assert {code for code in DETAILED if code.endswith("88")} == {
        f"{number:02}88" for number in range(1, 11)
    }


@pytest.mark.parametrize("code", sorted(FIELDS))
def test_every_field_passes_and_without_its_zero_is_refused_with_it(code: str) -> None:
    assert fault(code) is None
    bare = code.removeprefix("0")
    if bare != code and len(bare) >= 2 and bare not in FIELDS:
        assert fault(bare) == f"{bare} is written {code} in ISCED-F 2013"


@pytest.mark.parametrize(
    ("code", "right"), [("611", "0611"), ("61", "061"), ("0600", "06"), ("0420", "042")]
)
def test_another_spelling_is_refused_with_the_right_one(code: str, right: str) -> None:
    assert fault(code) == f"{code} is written {right} in ISCED-F 2013"


@pytest.mark.parametrize("code", ["481", "0643", "0614", "12", "1100", "0189"])
def test_a_field_that_is_none_is_refused_with_how_they_look(code: str) -> None:
    # 481 was computer science in the classification of 1997.
    assert str(fault(code)).startswith(f"ISCED-F 2013 has no field {code}; its codes have")


@given(st.from_regex(r"\A[0-9]{2,4}\Z"))
def test_what_a_refusal_says_to_write_passes(code: str) -> None:
    why = fault(code)
    if why is not None and " is written " in why:
        assert fault(why.split(" is written ")[1].split(" ")[0]) is None
