"""Names that imitate another by letters of a second script are told from those that do not."""

from __future__ import annotations

import pytest

from testamur.recording.names import imitation


@pytest.mark.parametrize(
    "name",
    [
        "A College",
        "Universität Zürich",
        "Открытый университет (OU)",
        "C++ для начинающих",
        "ΤΕΙ Αθήνας / TEI",
        "東京Tech大学",
        "ユーザー々",
        "한국 KAIST",
        "Δt and μm",
        "µm and Ωm",
        "РОСА",
        "1й курс",
        "ශ්\u200dරී ලංකා",
    ],
)
def test_honest_names_of_every_script_pass(name: str) -> None:
    assert imitation(name) is None


@pytest.mark.parametrize(
    ("name", "character"),
    [
        ("Оxford", "U+041E CYRILLIC CAPITAL LETTER O"),
        ("University of Oxfοrd", "U+03BF GREEK SMALL LETTER OMICRON"),
        ("ОСА College", "U+041E CYRILLIC CAPITAL LETTER O"),
        ("\uff21В", "U+0412 CYRILLIC CAPITAL LETTER VE"),
        ("𝐀В", "U+0412 CYRILLIC CAPITAL LETTER VE"),
        ("Ꭺmherst", "U+13AA CHEROKEE LETTER GO"),
        ("Нагva\u0301rd", "U+041D CYRILLIC CAPITAL LETTER EN"),
        ("АΒ", "U+0392 GREEK CAPITAL LETTER BETA"),
    ],
)
def test_an_imitation_is_refused_with_its_characters_and_what_to_write(
    name: str, character: str
) -> None:
    why = imitation(name)
    assert why is not None
    assert character in why
    assert "; write " in why
