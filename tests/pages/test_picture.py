"""The picture of a badge is the same each time, whatever its texts are, and names no person."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import msgspec
import pytest

from testamur.badges.baked import bake
from testamur.badges.commitment import HolderFile, read_holder_file, render_holder_file
from testamur.pages.facts import Facts
from testamur.pages.picture import SIZE, badge_svg, png_of

TEXT = "{http://www.w3.org/2000/svg}text"


def lines(svg: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(TEXT))  # noqa: S314  # our own picture


def words(svg: str) -> str:
    return " ".join(line.text or "" for line in lines(svg))


def test_it_says_what_by_whom_at_which_level_and_when(facts: Facts) -> None:
    shown = words(badge_svg(msgspec.structs.replace(facts, level="EQF level 6")))
    for text in (facts.title, facts.issuer, "EQF level 6", "2026-11-20", "MICRO-CREDENTIAL"):
        assert text in shown


def test_it_names_no_person(facts: Facts, holder: HolderFile) -> None:
    svg = badge_svg(facts)
    assert "Ada" not in svg
    assert holder.id not in svg


def test_the_same_facts_make_the_same_bytes(facts: Facts) -> None:
    svg = badge_svg(facts)
    png_of.cache_clear()
    first = png_of(svg)
    png_of.cache_clear()
    assert (badge_svg(facts), png_of(svg)) == (svg, first)


def test_the_png_is_a_square_with_text_on_it(facts: Facts) -> None:
    png = png_of(badge_svg(facts))
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert (int.from_bytes(png[16:20]), int.from_bytes(png[20:24])) == (SIZE, SIZE)
    assert png != png_of(badge_svg(msgspec.structs.replace(facts, title="Another")))


@pytest.mark.parametrize(
    "title", ["</text><script>alert(1)</script>", "&lt;", '" onload="x', "]]>", "{{ 7 * 7 }}", "$x"]
)
def test_no_text_leaves_its_place(facts: Facts, title: str) -> None:
    svg = badge_svg(msgspec.structs.replace(facts, title=title, issuer=title, kind=title))
    root = ET.fromstring(svg)  # noqa: S314
    assert root.findtext("{http://www.w3.org/2000/svg}title") == title
    assert not [each for each in root.iter() if each.tag.endswith("script")]
    assert not [name for each in root.iter() for name in each.attrib if name.startswith("on")]


@pytest.mark.parametrize("title", ["W" * 500, "a b " * 125, "漢" * 200, "é\u0301" * 250, "i"])
def test_a_title_of_any_length_stays_within_the_picture(facts: Facts, title: str) -> None:
    svg = badge_svg(msgspec.structs.replace(facts, title=title.strip(), issuer=title.strip()))
    heights = [int(line.attrib["y"]) for line in lines(svg)]
    assert min(heights) > 60
    assert max(heights) < 580
    # Neither the title nor the issuer reaches the white foot.
    assert [y for y in heights if 460 < y < 500] == []


def test_a_line_of_another_direction_says_so(facts: Facts) -> None:
    svg = badge_svg(msgspec.structs.replace(facts, title="علوم التربة"))
    directions = {line.text: line.attrib.get("direction") for line in lines(svg)}
    assert directions["علوم التربة"] == "rtl"
    assert directions["An Organization"] is None


def test_the_badge_is_taken_out_of_both_pictures_again(facts: Facts, holder: HolderFile) -> None:
    svg = badge_svg(facts)
    for picture in (svg.encode(), png_of(svg)):
        assert read_holder_file(bake(picture, render_holder_file(holder))) == holder
