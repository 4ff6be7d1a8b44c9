"""The page of an organization: what it was granted and issued, and what is flagged, in pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import pytest

from api.web.numbers_page import period_name, share
from testamur.catalogue import events as e
from tests.api.test_pages import Page, asked, browse, recorded
from tests.harness.served import Served
from tests.harness.story import party

ARABIC = "جامعة المثال للعلوم التطبيقية"


@pytest.fixture(scope="module")
def served(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A register of its own, in which nothing else is counted."""
    folder = tmp_path_factory.mktemp("organizations") / "data"
    with closing(opened_log.copy(folder)) as log, log.running():
        yield log


@pytest.fixture(scope="module")
def told(served: Served) -> dict[str, str]:
    """Things happened to the provider: a cohort, awards without accreditation, an end, a sanction.

    Returns the paths of the organizations.
    """
    story = served.story
    recorded(served, 20)
    lines = [story.issued(accredited=False) for _ in range(5)]
    served.submit(story.submission(story.provider, *lines))
    ended = e.CredentialRevoked(credential=lines[0].credential, reason="issuedInError")
    served.submit(story.submission(story.provider, ended))
    sanction = e.AccreditationSuspended(accreditation=story.accreditation, reason="qualityConcern")
    lifted = e.AccreditationReinstated(accreditation=story.accreditation)
    for event in (sanction, lifted):
        receipt = served.submit(story.submission(story.accreditor, event))
    newcomer = party("arabic")
    registered = story.registration(newcomer, "provider", sponsor=story.accreditor.did, name=ARABIC)
    granted = e.AccreditationGranted(
        accreditation=story.new_id(),
        country="NL",
        decision="conditional",
        kind="programme",
        name=ARABIC,
        provider=newcomer.did,
        valid_from=date(2026, 1, 1),
    )
    receipt = served.submit(story.submission(story.accreditor, registered, granted))
    served.answer(f"/organizations?limit=1&size={receipt.position + 1 + receipt.events}")
    return {
        name: f"/organizations/{who.did}"
        for name, who in (
            ("provider", story.provider),
            ("accreditor", story.accreditor),
            ("authority", story.authority),
            ("newcomer", newcomer),
        )
    }


def pictures(page: Page) -> list[str]:
    return [str(each["class"]) for tag, each in page.elements if tag == "svg"]


def test_a_provider_is_told_with_its_time_line_sanctions_numbers_and_flags(
    served: Served, told: dict[str, str]
) -> None:
    page = browse(served, told["provider"])
    assert pictures(page) == ["picture timeline", "picture plot issued", "picture plot revoked"]
    assert "accreditation.suspended , reason: qualityConcern" in page.text
    assert "accreditation.reinstated" in page.text
    numbers = served.get(f"{told['provider']}/numbers").json()
    assert f"issued {numbers['inAll']['issued']:,} revoked 1" in page.text
    (flag,) = [each for each in numbers["flags"] if each["flag"] == "no-accreditation-claimed"]
    part = share(flag["count"], numbers["inAll"]["issued"])
    assert f"no-accreditation-claimed {flag['count']} {part}" in page.text
    assert f"{told['provider']}/credentials?flag=no-accreditation-claimed" in page.links()
    assert "name the accreditation that covers it" in page.text
    assert "Soil Science" in page.text


def test_the_numbers_are_those_of_the_lists(served: Served, told: dict[str, str]) -> None:
    numbers = served.get(f"{told['provider']}/numbers").json()
    items = listed(served, f"{told['provider']}/credentials")
    flagged = listed(served, f"{told['provider']}/credentials?flagged=true")
    assert numbers["inAll"]["issued"] == len(items)
    assert numbers["inAll"]["flagged"] == len(flagged)
    assert numbers["inAll"]["revoked"] == sum(each["status"] == "revoked" for each in items)
    assert numbers["inAll"] == {
        name: sum(each["counts"][name] for each in numbers["items"]) for name in numbers["inAll"]
    }
    achievement = served.get(f"/achievements/{served.story.achievement}/numbers").json()
    assert achievement["inAll"] == numbers["inAll"]
    assert achievement["flags"] == []


def listed(served: Served, address: str | None) -> list[Any]:
    found: list[Any] = []
    while address is not None:
        page = served.get(address).json()
        found += page["items"]
        address = page.get("next")
    return found


def test_numbers_as_of_an_earlier_size_are_those_of_then(
    served: Served, told: dict[str, str]
) -> None:
    first = served.get(f"{told['provider']}/numbers?size=10").json()
    assert first["items"] == []
    assert first["inAll"]["issued"] == 0
    page = browse(served, f"{told['provider']}?size=10")
    assert pictures(page) == ["picture timeline"]
    table = served.get(f"{told['provider']}/numbers.csv").text.splitlines()
    assert table[0].lstrip("\ufeff").startswith("begins,counts.issued,")
    assert len(table) > 1


def test_an_accreditor_is_told_with_its_providers_side_by_side(
    served: Served, told: dict[str, str]
) -> None:
    page = browse(served, told["accreditor"])
    lines = served.get(f"{told['accreditor']}/providers").json()["items"]
    assert {each["provider"] for each in lines} >= {
        told["provider"].rpartition("/")[2],
        told["newcomer"].rpartition("/")[2],
    }
    own = next(each for each in lines if each["accreditation"] == served.story.accreditation)
    numbers = served.get(f"{told['provider']}/numbers").json()
    flags = {each["flag"]: each["count"] for each in numbers["flags"]}
    assert own["counts"]["issued"] == numbers["inAll"]["issued"] - flags["no-accreditation-claimed"]
    for each in lines:
        assert each["links"]["provider"] in page.links()
    assert ARABIC in page.text
    first = served.get(f"{told['accreditor']}/providers?limit=1").json()
    second = served.get(first["next"]).json()
    assert [*first["items"], *second["items"]][:2] == lines[:2]
    assert browse(served, f"{told['accreditor']}/providers?limit=1").links().count(first["next"])


def test_an_authority_is_told_with_the_tree_that_it_is_the_root_of(
    served: Served, told: dict[str, str]
) -> None:
    page = browse(served, told["authority"])
    assert pictures(page) == ["picture tree"]
    assert told["accreditor"] in page.links()
    whole = browse(served, f"{told['authority']}/recognised")
    assert pictures(whole) == ["picture tree"]
    (line, *_) = served.get(f"{told['authority']}/recognised").json()["items"]
    assert (line["depth"], line["as"], line["status"]) == (0, "accreditor", "active")
    assert line["links"]["recognition"] in whole.links()


def test_who_did_nothing_yet_is_told_in_words(served: Served, told: dict[str, str]) -> None:
    page = browse(served, told["newcomer"])
    assert ARABIC in page.text
    assert "It has defined nothing to award yet." in page.text
    for name, words in (
        ("numbers", "Nothing was issued."),
        ("providers", "It has accredited nobody."),
        ("recognised", "It has recognised nobody."),
    ):
        assert words in browse(served, f"{told['newcomer']}/{name}").text


@pytest.mark.parametrize("name", ["numbers", "providers", "recognised"])
def test_nobody_has_no_such_page(served: Served, told: dict[str, str], name: str) -> None:
    nobody = party("nobody at all").did
    assert asked(served, f"/organizations/{nobody}/{name}").status_code == 404


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (0, 0, "0 %"),
        (0, 9, "0 %"),
        (1, 3, "33.3 %"),
        (1, 4, "25 %"),
        (1, 1_000_000, "less than 0.1 %"),
        (999_999, 1_000_000, "more than 99.9 %"),
        (7, 7, "100 %"),
    ],
)
def test_a_share_is_never_rounded_to_nothing_or_to_all(part: int, whole: int, words: str) -> None:
    assert share(part, whole) == words


def test_periods_are_named_as_people_name_them() -> None:
    day = date(2026, 11, 1)
    names = [period_name(day, unit) for unit in ("day", "month", "quarter", "year")]
    assert names == ["1 Nov 2026", "Nov 2026", "Q4 2026", "2026"]
