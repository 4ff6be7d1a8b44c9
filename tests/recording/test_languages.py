"""A language tag has one spelling, and another one is refused with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.recording.languages import fault
from testamur.recording.tables import subtags

TABLE = subtags()
SUPPRESSED = {each for listed in TABLE.suppressed.values() for each in listed.split()}


def test_a_tag_in_its_one_spelling_passes() -> None:
    tags = "en nl tlh en-GB es-419 sr-Latn-RS zh-Hant-TW de-CH-1996 sl-rozaj-biske sq-XK en-AC"
    assert [tag for tag in tags.split() if fault(tag)] == []


@pytest.mark.parametrize(
    ("tag", "right"),
    [
        ("en-gb", "en-GB"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("de-CH-1996".lower(), "de-CH-1996"),
        ("en-UK", "en-GB"),
        ("el-EL", "el-GR"),
        ("en-BU", "en-MM"),
        ("eng", "en"),
        ("ger", "de"),
        ("deu-AT", "de-AT"),
        ("iw", "he"),
        ("mo", "ro"),
        ("en-Latn", "en"),
        ("ru-Cyrl-RU", "ru-RU"),
        ("zh-cmn", "cmn"),
        ("zh-yue-HK", "yue-HK"),
        ("zh-cmn-Hans-CN", "cmn-Hans-CN"),
        ("zh-min-nan", "nan"),
        ("no-bok", "nb"),
        ("en-GB-oed", "en-GB-oxendict"),
        ("sgn-BR", "bzs"),
        ("sgn-ase", "ase"),
        ("ja-Latn-hepburn-heploc", "ja-Latn-hepburn-alalc97"),
    ],
)
def test_another_spelling_is_refused_with_the_right_one(tag: str, right: str) -> None:
    assert fault(tag) == f"{tag} is written {right} in BCP 47"
    assert fault(right) is None


@pytest.mark.parametrize("tag", ["und", "mul", "mis", "zxx", "und-Latn"])
def test_a_tag_that_names_no_language_is_refused(tag: str) -> None:
    assert fault(tag) == f"{tag} names no language; list each language, or leave the member out"


@pytest.mark.parametrize(
    ("tag", "wrong"),
    [
        ("xx", "language xx"),
        ("qaa", "language qaa"),
        ("uk-Uk", None),
        ("en-Abcd", "script Abcd"),
        ("en-QQ", "region QQ"),
        ("en-XA", "region XA"),
        ("en-AN", "region AN"),
        ("en-999", "region 999"),
        ("en-english", "variant english"),
        ("de-DE-Latn", "variant latn"),
        ("en-yue", "variant yue"),
        ("en-GB-US", "variant us"),
    ],
)
def test_a_subtag_that_nobody_registered_is_refused_by_name(tag: str, wrong: str | None) -> None:
    expected = f"{tag}: BCP 47 has no {wrong}" if wrong else f"{tag} is written uk-GB"
    assert str(fault(tag)).startswith(expected)


def test_a_variant_twice_is_refused() -> None:
    assert fault("de-1996-1996") == "de-1996-1996 has a subtag twice; write it once"


@given(
    st.sampled_from(sorted(set(TABLE.languages.split()) - SUPPRESSED)),
    st.sampled_from([None, *TABLE.scripts.split()]),
    st.sampled_from([None, *TABLE.regions.split()]),
    st.sets(st.sampled_from(TABLE.variants.split()), max_size=2),
)
def test_all_that_is_registered_can_be_said_in_one_way(
    language: str, script: str | None, region: str | None, variants: set[str]
) -> None:
    tag = "-".join(filter(None, (language, script, region, *variants)))
    why = fault(tag)
    if why is not None:
        # Some few are the whole of a tag that was replaced, such as sgn-BR.
        assert tag.lower() in TABLE.replaced
        return
    for other in (tag.lower(), tag.upper()):
        assert fault(other) in (None, f"{other} is written {tag} in BCP 47")


@given(st.from_regex(r"\A[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}\Z"))
def test_whatever_the_form_allows_passes_or_is_told_what_to_do(tag: str) -> None:
    why = fault(tag)
    if why is not None and " is written " in why:
        assert fault(why.split(" is written ")[1].split(" ")[0]) is None
    elif why is not None:
        assert "; " in why
