"""Achievements and organizations are searched by forms, and compared side by side."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from api.web.rendering import load_name, plain
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition, Level, Outcome, Workload
from tests.api.test_pages import BROWSER, Page, asked, browse
from tests.harness.served import Served, problem

SKILL = "http://data.europa.eu/esco/skill/7"


@pytest.fixture(scope="module")
def defined(served: Served) -> dict[str, str]:
    """Two more achievements, as ids by name; the second states no more than a name."""
    story = served.story
    bare = Definition(name="Bare Facts", achievement_type="Badge")
    full = msgspec.structs.replace(
        story.definition(),
        name="Köln Statistics",
        field="0542",
        level=Level(framework="QF-EHEA", value=2),
        outcomes=(Outcome(name="Chooses a test", framework="ESCO", url=SKILL),),
        workload=Workload(amount=150, unit="tenthOfEcts"),
    )
    ids = {"full": story.new_id(), "bare": story.new_id(), "soil": story.achievement}
    events = [
        e.AchievementDefined(achievement=ids["full"], definition=full),
        e.AchievementDefined(achievement=ids["bare"], definition=bare),
    ]
    receipt = served.submit(story.submission(story.provider, *events))
    served.answer(f"/achievements?limit=1&size={receipt.position + 1 + receipt.events}")
    return ids


def found(served: Served, query: str) -> set[str]:
    return {each["id"] for each in served.get(f"/achievements?{query}").json()["items"]}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("skill=chooses+test", {"full"}),
        (f"skill={SKILL}", {"full"}),
        (f"skill={SKILL}0", set()),
        ("skill=soil+profile", {"soil"}),
        ("level=QF-EHEA-2", {"full"}),
        ("level=EQF-6&skill=profile", {"soil"}),
        ("level=EQF-5", set()),
        ("field=05", {"full"}),
        ("field=0542&level=QF-EHEA-2&workload=ects-15-to-29", {"full"}),
        ("workload=ects-15-to-29", {"full"}),
        ("workload=hours-from-750", set()),
        ("providerName=organiz&name=koln", {"full"}),
        ("providerName=nobody", set()),
        ("name=bare+facts", {"bare"}),
        ("name=bare&skill=test", set()),
    ],
)
def test_an_achievement_is_found_by_what_its_definition_states(
    served: Served, defined: dict[str, str], query: str, names: set[str]
) -> None:
    ids = {defined[name] for name in names}
    ours = set(defined.values())
    assert found(served, query) & ours == ids
    page = browse(served, f"/achievements?{query}")
    listed = {link.rpartition("/")[2] for link in page.links()} & ours
    assert listed == ids
    if not found(served, query):
        assert "Nothing was found." in page.text
        assert "/achievements" in page.links()


@pytest.mark.parametrize(
    "query",
    [
        *("level=EQF-9", "level=6", "level=EQF-6&level=EQF-7", "field=5", "field=soil"),
        *("workload=5", "skill=%21%21", "skills=soil", "providerName=-", f"skill={'x' * 501}"),
    ],
)
def test_what_no_index_has_is_refused(served: Served, query: str) -> None:
    problem(served.get(f"/achievements?{query}"), 422, "parameter")


# --- Forms ---


def fields(page: Page, action: str) -> set[str]:
    """Return the names of the fields of a form of the page."""
    names: dict[str, set[str]] = {}
    current = ""
    for tag, attributes in page.elements:
        if tag == "form":
            current = str(attributes["action"])
        elif tag in {"input", "select"}:
            names.setdefault(current, set()).add(str(attributes["name"]))
    return names[action]


def test_every_field_of_a_form_is_a_parameter_of_its_list(
    served: Served, defined: dict[str, str]
) -> None:
    paths = served.get("/openapi.json").json()["paths"]
    for path in ("/achievements", "/organizations"):
        parameters = {each["name"] for each in paths[path]["get"]["parameters"]}
        named = fields(browse(served, path), path)
        assert named <= parameters
        assert len(named) >= 3
    assert fields(browse(served, "/achievements"), "/achievements/compare") == {"id"}


def test_a_form_with_fields_left_empty_leads_to_the_address_without_them(served: Served) -> None:
    query = "name=&skill=soil&providerName=&level=&workload=&field="
    answer = served.client.get(
        f"{served.url}/achievements?{query}", headers={"Accept": BROWSER}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/achievements?skill=soil")
    nothing = served.client.get(
        f"{served.url}/organizations?role=&name=",
        headers={"Accept": BROWSER},
        follow_redirects=False,
    )
    assert (nothing.status_code, nothing.headers["location"]) == (303, "/organizations")
    # A program that names a parameter without a value made a mistake.
    problem(served.get("/achievements?level="), 422, "parameter")
    problem(served.get("/achievements?size="), 422, "parameter")


def test_what_was_searched_for_stands_in_the_form_again_as_text(served: Served) -> None:
    page = browse(served, '/achievements?skill="><script>soil&level=EQF-6')
    values = [each.get("value") for tag, each in page.elements if tag == "input"]
    assert '"><script>soil' in values
    selected = [each["value"] for tag, each in page.elements if "selected" in each]
    assert selected == ["EQF-6"]


# --- Side by side ---


def compared(served: Served, *ids: str) -> Any:
    return served.get(f"/achievements/compare?{'&'.join(f'id={each}' for each in ids)}")


def test_achievements_stand_side_by_side_in_the_order_asked_for(
    served: Served, defined: dict[str, str]
) -> None:
    ids = [defined["bare"], defined["soil"], defined["full"]]
    answer = compared(served, *ids, defined["bare"]).json()
    assert [each["achievement"]["id"] for each in answer["items"]] == ids
    numbers = served.get(f"/achievements/{defined['soil']}/numbers").json()
    assert answer["items"][1]["counts"] == numbers["inAll"]
    page = browse(served, f"/achievements/compare?{'&'.join(f'id={each}' for each in ids)}")
    for words in ("Bare Facts", "Soil Science", "Köln Statistics", "15 ECTS", "QF-EHEA 2"):
        assert words in page.text
    assert page.text.count("not stated") >= 7
    without = f"/achievements/compare?id={ids[0]}&id={ids[2]}"
    assert without in page.links()


def test_at_most_four_that_there_are_can_be_compared(
    served: Served, defined: dict[str, str]
) -> None:
    one = defined["soil"]
    problem(compared(served, *[one] * 5), 422, "parameter")
    problem(served.get("/achievements/compare"), 422, "parameter")
    problem(compared(served, one, "x"), 422, "parameter")
    problem(compared(served, one, served.story.new_id()), 404, "unknown-achievement")
    assert asked(served, "/achievements/compare").status_code == 422
    table = served.get(f"/achievements/compare.csv?id={one}").text
    assert table.lstrip("\ufeff").startswith("achievement.id,")


# --- Words ---


def test_coded_words_are_told_as_people_write_them() -> None:
    assert plain("supervisedOnSiteWithIdentity") == "supervised on site with identity"
    assert plain("workbased") == "workbased"
    assert plain("ESCO") == "ESCO"
    assert load_name("ects-below-1") == "Below 1 ECTS"
    assert load_name("hours-25-to-124") == "25 to 124 hours"
