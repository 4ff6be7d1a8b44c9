"""The type of every problem leads to a page of its rule, and a page of nothing helps on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.http.problem_types import GROUPS, TYPES
from api.http.problems import Problem, _kebab
from api.web.meant import meant
from registry.outcomes import FlagsRefused, Overloaded
from testamur.recording.objections import JUDGES
from testamur.rules import spending
from tests.api.test_pages import browse
from tests.harness.served import Served, problem

ROOT = Path(__file__).parents[3]
# What the server runs when it answers; the rest of the protocol is for clients and replayers.
ANSWERING = (
    "api",
    "log",
    "projections",
    "registry",
    "testamur/canonical.py",
    "testamur/catalogue",
    "testamur/keys.py",
    "testamur/recording",
    "testamur/rules",
)
# Where a call names its rule, by place among the arguments.
NAMED = {"Refusal": 0, "Problem": 1, "not_now": 0}
# Names that are put together, or handed on.
MADE = {
    "f'unknown-{kind}'": [
        f"unknown-{kind}"
        for kind in (
            *("accreditation", "achievement", "credential"),
            *("organization", "recognition", "submission"),
        )
    ],
    "f'{kind}-of-another'": [
        f"{kind}-of-another"
        for kind in ("accreditation", "achievement", "credential", "recognition")
    ],
}


def named() -> Iterator[str]:
    """Yield every rule that a literal in the code of the server names."""
    for place in ANSWERING:
        path = ROOT / place
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                yield from in_call(node)


def named_by_tables() -> set[str]:
    """Return the rules that tables and exceptions of the code name."""
    judged = {rule for rule, _ in JUDGES.values()}
    kinds: list[type[Overloaded]] = [Overloaded, *Overloaded.__subclasses__()]
    busy = {_kebab(each.__name__) for each in kinds}
    return judged | spending._ABOUT.keys() | busy | {FlagsRefused.RULE}


def in_call(node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.Call):
        return
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    at = NAMED.get(name)
    if at is None:
        return
    keywords = [each.value for each in node.keywords if each.arg == "rule"]
    for argument in [*node.args[at : at + 1], *keywords]:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value
        yield from MADE.get(ast.unparse(argument), ())


def test_every_rule_that_the_server_can_name_has_a_page() -> None:
    found = set(named()) | named_by_tables()
    assert len(found) > 100
    assert found - TYPES.keys() == set()


def test_no_page_is_about_a_rule_that_nothing_names() -> None:
    """Also those that are named by a constant, by a judge of members, or by an exception."""
    sources = "".join(
        file.read_text()
        for place in ANSWERING
        for file in ([ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob("*.py"))
        if "problem_types" not in file.parts
    )
    made = {"storage-full", "overloaded", "unknown-achievement-version", "unknown-entry"}
    of_others = {rule for rules in MADE.values() for rule in rules}
    unnamed = {rule for rule in TYPES if f'"{rule}"' not in sources} - made - of_others
    assert unnamed == set()


def test_no_two_groups_explain_one_rule() -> None:
    assert sum(len(group.types) for group in GROUPS) == len(TYPES)


def test_the_type_of_a_problem_is_the_address_of_its_page() -> None:
    assert Problem(422, "size-ahead", "").document.type == "/problems/size-ahead"


def test_every_type_leads_to_a_page_with_the_rule_and_the_remedy(served: Served) -> None:
    everything = served.get("/problems").json()["items"]
    assert {each["rule"] for each in everything} == TYPES.keys()
    index = browse(served, "/problems")
    for each in everything:
        assert each["type"] in index.links()
        page = browse(served, each["type"])
        for words in (each["rule"], each["says"], each["remedy"]):
            assert " ".join(words.split()) in page.text, each["rule"]
        assert served.get(f"{each['type']}.json").json() == each
    assert len(served.get("/problems.csv").text.splitlines()) == len(everything) + 1


def test_a_type_that_nothing_names_is_not_found(served: Served) -> None:
    problem(served.get("/problems/never-heard-of"), 404, "no-such-path")


def test_the_page_of_a_problem_tells_the_remedy_and_leads_to_its_rule(served: Served) -> None:
    page = browse(served, "/organizations?size=999999999", status=422)
    told = TYPES["size-ahead"]
    assert told.remedy in page.text
    assert "/problems/size-ahead" in page.links()


# --- Not found ---


def test_an_id_under_the_wrong_kind_leads_to_the_thing_itself(served: Served) -> None:
    story = served.story
    page = browse(served, f"/credentials/{story.achievement}", status=404)
    assert "an achievement with this id" in page.text
    assert f"/achievements/{story.achievement}" in page.links()


def test_a_misspelt_address_leads_to_the_one_that_there_is(served: Served) -> None:
    page = browse(served, "/organisations", status=404)
    assert "/organizations" in page.links()
    assert any(each["action"] == "/find" for tag, each in page.elements if tag == "form")


DID = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
ID = "019aa5f0-5c00-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("path", "address"),
    [
        (f"/{DID}", f"/organizations/{DID}"),
        (f"/people/{DID.removeprefix('did:key:')}", f"/organizations/{DID}"),
        (f"/{ID.upper()}", f"/find?q={ID}"),
        (f"/credential/urn:uuid:{ID}", f"/find?q={ID}"),
        ("/entry/4096", "/entries?start=4096&limit=1"),
        ("/organisation/x", "/organizations/x"),
        ("/universiteit-utrecht", "/organizations?name=universiteit+utrecht"),
        ("/a/<script>alert(1)</script>", "/organizations?name=script"),
    ],
)
def test_what_was_meant_is_told_by_its_form(path: str, address: str) -> None:
    assert any(each.address.startswith(address) for each in meant(path)), meant(path)


@pytest.mark.parametrize("path", ["/", "//", "/!!!", "/" + "x" * 5000, "/\ud800"])
def test_nothing_is_meant_by_what_has_no_form(path: str) -> None:
    assert len(meant(path)) <= 3
    assert all(len(each.address) < 1000 for each in meant(path))
