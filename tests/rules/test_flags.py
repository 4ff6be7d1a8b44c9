"""The closed set of flags: each explained, each given by some rule, none given to other events."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import testamur
from testamur.rules import Flag
from testamur.rules import flags as module
from testamur.rules.flags import FLAGS, MENDABLE

SOURCES = [
    path.read_text(encoding="utf-8")
    for path in Path(module.__file__).parent.glob("*.py")
    if path != Path(module.__file__)
]
README = Path(testamur.__file__).with_name("README.md").read_text(encoding="utf-8").splitlines()


def row(flag: Flag) -> str:
    names = (str(event.__struct_config__.tag).partition("/")[0] for event in flag.on)
    cells = (", ".join(f"`{name}`" for name in names), flag.meaning, flag.mended_by, flag.remedy)
    return f"| `{flag}` | {' | '.join(cells)} |"


@pytest.mark.parametrize("flag", Flag)
def test_a_rule_gives_each_flag(flag: Flag) -> None:
    assert any(f"Flag.{flag.name}" in source for source in SOURCES)


def test_the_readme_explains_each_flag_in_the_words_of_the_rules() -> None:
    rows = [line for line in README if line.startswith("| `") and line.split("`")[1] in list(Flag)]

    assert rows == [row(flag) for flag in Flag]


@pytest.mark.parametrize(
    "code",
    ["accreditor-not-recognised", "authority-closed", "accreditor-closed", "review-overdue"],
)
def test_what_others_have_to_mend_is_not_for_the_sender(code: str) -> None:
    assert code not in MENDABLE
    assert "write to" in FLAGS[code].remedy


def test_a_code_that_is_not_known_is_nothing_to_mend() -> None:
    assert "never-heard-of" not in MENDABLE
    assert "elements-missing" in MENDABLE


def test_a_flag_is_its_code_wherever_text_is_wanted() -> None:
    assert f"{Flag.BACKDATED}" == "backdated"
    assert msgspec.convert("backdated", Flag) is Flag.BACKDATED


def test_an_unknown_flag_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="never-heard-of"):
        msgspec.convert("never-heard-of", Flag)
