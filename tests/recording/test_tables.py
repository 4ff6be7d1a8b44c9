"""The tables are compared with an independent copy of the standards (iso-codes, in pycountry).

When that copy has a code that is refused, the standard has a new release: run the generator.
"""

from __future__ import annotations

import re
from importlib.resources import files

import pycountry
import pytest

from testamur.catalogue.members import Country, Language
from testamur.recording import languages, places, tables
from testamur.recording.tables import Places, Subtags, subtags
from testamur.recording.tables import places as places_table
from testamur.recording.tables.generate import render
from testamur.schema import pattern_of

COUNTRIES = sorted(each.alpha_2 for each in pycountry.countries)
PARTS = sorted(each.code for each in pycountry.subdivisions)
REPLACED = sorted(places_table().replaced)


def test_every_country_that_iso_publishes_passes_and_kosovo() -> None:
    refused = [code for code in COUNTRIES if places.fault(code)]
    assert refused == []
    assert places_table().parts.keys() == {*COUNTRIES, "XK"}


def test_every_part_of_a_country_passes_but_those_that_have_another_code() -> None:
    refused = {code for code in PARTS if places.fault(code)}
    assert refused <= set(REPLACED)
    assert {f"{code}-{part}" for code, each in places_table().parts.items()
            for part in each.split()} == set(PARTS) - refused  # fmt: skip


@pytest.mark.parametrize("code", REPLACED)
def test_what_replaces_a_code_passes_and_is_in_the_refusal(code: str) -> None:
    why = places.fault(code)
    assert why is not None
    for right in places_table().replaced[code].split():
        assert places.fault(right) is None
        assert re.search(rf"\b{right}\b", why)


def test_every_language_that_iso_publishes_passes_or_has_a_shorter_code() -> None:
    wrong = []
    for each in pycountry.languages:
        short = getattr(each, "alpha_2", None)
        expected = f"{each.alpha_3} is written {short} in BCP 47" if short else None
        if each.scope != "S" and languages.fault(each.alpha_3) != expected:
            wrong.append(each.alpha_3)
    assert wrong == []
    assert [code for code in _two_letters() if languages.fault(code)] == []


def test_every_script_that_iso_publishes_passes() -> None:
    scripts = [each.alpha_4 for each in pycountry.scripts if not each.alpha_4.startswith("Qa")]
    # Aramaic is written in none of them as a matter of course.
    assert [script for script in scripts if languages.fault(f"arc-{script}")] == []


def test_every_country_is_a_region_of_a_language() -> None:
    assert [code for code in (*COUNTRIES, "XK") if languages.fault(f"eo-{code}")] == []


@pytest.mark.parametrize("tag", sorted(subtags().replaced))
def test_what_replaces_a_language_passes(tag: str) -> None:
    right = subtags().replaced[tag]
    if right not in subtags().variants.split():
        assert languages.fault(right) is None
        assert languages.fault(tag) == f"{tag} is written {right} in BCP 47"


def test_what_passes_is_in_the_form_that_the_catalogue_takes() -> None:
    country, language = re.compile(pattern_of(Country)), re.compile(pattern_of(Language))
    assert all(country.match(code) for code in PARTS + COUNTRIES + REPLACED)
    assert all(language.match(code) for code in subtags().languages.split())


@pytest.mark.parametrize(("name", "table"), [("places", places_table()), ("subtags", subtags())])
def test_the_files_are_as_the_generator_writes_them(name: str, table: Places | Subtags) -> None:
    assert (files(tables) / f"{name}.json").read_bytes() == render(table)


def _two_letters() -> list[str]:
    return [each.alpha_2 for each in pycountry.languages if hasattr(each, "alpha_2")]
