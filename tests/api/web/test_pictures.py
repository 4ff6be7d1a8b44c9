"""Pictures on pages: well-formed, told in words, with nothing that a policy would refuse."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import date

import pytest
from markupsafe import Markup

from api.web.pictures.plot import columns
from api.web.pictures.timeline import Bar, shortened, timeline
from api.web.pictures.tree import Node, tree

HOSTILE = '</title><script>alert("1")</script>'
RTL = "جامعة المثال"
TODAY = date(2026, 11, 29)


def parsed(picture: Markup) -> ET.Element:
    """Return the picture, which no attribute styles and nothing in it runs."""
    found = ET.fromstring(str(picture))  # noqa: S314  # it is of our own making
    for element in found.iter():
        assert element.tag not in {"script", "style", "image", "use", "foreignObject"}
        for name, value in element.attrib.items():
            assert name != "style"
            assert not name.startswith("on")
            assert "url(" not in value
    words = {element.get("id"): element.text for element in found if element.get("id")}
    assert words[found.attrib["aria-labelledby"]]
    assert words[found.attrib["aria-describedby"]]
    return found


def texts(found: ET.Element) -> str:
    return " ".join(found.itertext())


def a_plot(labels: list[str], values: list[int]) -> ET.Element:
    return parsed(columns("issued", "Issued by month", "In words.", labels, values))


def bars_of(found: ET.Element) -> list[ET.Element]:
    return [each for each in found.iter("rect") if each.find("title") is not None]


def test_a_plot_has_a_column_for_each_value_that_tells_its_number() -> None:
    labels = [f"{year} {month}" for year in range(2024, 2027) for month in range(1, 13)]
    found = a_plot(labels, list(range(0, 36_000, 1000)))
    bars = bars_of(found)
    assert len(bars) == 36
    heights = [float(each.attrib["height"]) for each in bars]
    assert heights == sorted(heights)
    assert heights[0] == 0
    assert "2026 12: 35,000" in texts(found)
    # So many labels would run into one another.
    assert len([each for each in found.iter("text") if each.text in labels]) <= 8


@pytest.mark.parametrize("values", [[0], [0, 0, 0], [1], [7], [1, 0], [10**9, 1]])
def test_few_or_no_awards_make_a_plot_too(values: list[int]) -> None:
    found = a_plot([str(number) for number in range(len(values))], values)
    assert len(bars_of(found)) == len(values)
    for each in bars_of(found):
        assert float(each.attrib["height"]) >= 0


def test_no_axis_names_a_part_of_an_award() -> None:
    found = a_plot(["a", "b"], [1, 2])
    assert not [each for each in found.iter("text") if "." in (each.text or "")]


def test_a_line_of_time_tells_each_bar_in_words_and_colours_what_was_suspended() -> None:
    bars = [
        Bar("Agency (active)", date(2024, 1, 1), None),
        Bar(RTL, date(2025, 1, 1), date(2026, 1, 1), ((date(2025, 3, 1), date(2025, 4, 1)),)),
        Bar("Former", date(2023, 1, 1), date(2024, 6, 1), ((date(2024, 5, 1), None),), True),
    ]
    found = parsed(timeline("line", "Accreditations", bars, TODAY))
    kinds = [each.attrib["class"] for each in found.iter("rect")]
    assert kinds == ["bar", "bar", "bar suspended", "bar ended", "bar suspended"]
    told = texts(found)
    assert "Agency (active): from 2024-01-01 without an end." in told
    assert "suspended from 2025-03-01 to 2025-04-01" in told
    assert "to 2024-06-01, when it was withdrawn, suspended from 2024-05-01." in told
    assert RTL in told
    for each in found.iter("rect"):
        x, width = float(each.attrib["x"]), float(each.attrib["width"])
        assert 0 <= x < x + width <= 723


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (TODAY, TODAY),
        (date(1, 1, 1), None),
        (date(9999, 12, 30), None),
        (date(2026, 1, 1), date(9999, 12, 31)),
        (date(2027, 1, 1), date(2026, 1, 1)),
    ],
)
def test_a_line_of_any_days_is_drawn(begins: date, ends: date | None) -> None:
    found = parsed(timeline("line", "Accreditations", [Bar("x", begins, ends)], TODAY))
    assert len(list(found.iter("line"))) <= 14


def test_a_tree_leads_to_each_organization_and_hangs_it_below_the_right_one() -> None:
    nodes = [
        Node(0, "Authority", "/organizations/a", "recognises"),
        Node(1, RTL, "/organizations/b", "authority, active"),
        Node(2, "x" * 200, "/organizations/c", "accreditor, withdrawn", off=True),
        Node(1, HOSTILE, "/organizations/d", "accreditor, active"),
    ]
    found = parsed(tree("tree", f"Whom {HOSTILE} recognises", nodes))
    assert found.attrib["role"] == "group", "links in it must be reached"
    assert [each.attrib["href"] for each in found.iter("a")] == [each.address for each in nodes]
    assert [each.attrib["class"] for each in found.iter("circle")] == [
        *("dot", "dot", "dot off", "dot")
    ]
    first, below, last = (each.attrib["d"] for each in found.iter("path"))
    # The last one hangs from the root again, further down than the first.
    assert first.startswith("M8 21V46")
    assert below.startswith("M34 51V76")
    assert last.startswith("M8 21V106")
    assert f"Step 2: {'x' * 200}, accreditor, withdrawn." in texts(found)


def test_names_are_cut_in_pictures_alone() -> None:
    assert shortened("a" * 70, 70) == "a" * 70
    assert shortened("a" * 71, 70) == "a" * 69 + "…"
