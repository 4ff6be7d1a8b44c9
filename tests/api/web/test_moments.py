"""A reader chooses the moment of a page without a script, and is led nowhere else."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest

from api.web.moments import MAX_ADDRESS, address_as_of, in_utc, moments_of
from tests.api.test_pages import (
    BROWSER,
    Page,
    addresses,
    asked,
    browse,
    things,
)
from tests.harness.served import Served, problem

__all__ = ["things"]  # a fixture


def forms(page: Page) -> list[dict[str, str | None]]:
    """Return the fields of the forms for a moment, by their names."""
    found: list[dict[str, str | None]] = []
    is_one = False
    for tag, each in page.elements:
        if tag == "form":
            is_one = each["action"] == "/moment"
            found += [{}] if is_one else []
        elif tag == "input" and is_one:
            found[-1][str(each["name"])] = each.get("value")
    return found


def led(served: Served, **typed: str) -> httpx2.Response:
    """Return the answer to a form, which is not followed."""
    return served.client.get(f"{served.url}/moment?{urlencode(typed)}", headers={"Accept": BROWSER})


# --- Where nobody is led ---


@pytest.mark.parametrize(
    "page",
    [
        "credentials",
        "//elsewhere.example",
        "//elsewhere.example/credentials",
        "/\\elsewhere.example",
        "\\\\elsewhere.example",
        "https://elsewhere.example/",
        "javascript:alert(1)",
        "/\t/elsewhere.example",
        "/ /elsewhere.example",
        "\n//elsewhere.example",
        "/credentials\r\nSet-Cookie: a=b",
        "/organizations?name=köln",
        "/" + "a" * MAX_ADDRESS,
    ],
)
def test_nobody_is_led_to_what_is_no_page_here(served: Served, page: str) -> None:
    answer = led(served, page=page, size="3")
    assert answer.status_code == 422
    assert "location" not in answer.headers
    unasked = served.client.get(f"{served.url}/moment?{urlencode({'page': page, 'size': 3})}")
    problem(unasked, 422, "parameter")


def test_a_form_without_a_page_leads_nowhere(served: Served) -> None:
    for query in ("size=3", "page=&size=3", "page=%20&size=3"):
        problem(served.get(f"/moment?{query}"), 422, "parameter")
    problem(served.get(f"/moment?page=/&at={'1' * 41}"), 422, "parameter")
    assert led(served, size="3").status_code == 422


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"at": "yesterday"}, "At is an RFC 3339 time from 1970 on"),
        ({"at": "2026-11-30"}, "At is an RFC 3339 time from 1970 on"),
        ({"at": "2026-02-30T12:00"}, "At is an RFC 3339 time from 1970 on"),
        ({"at": "1969-12-31T23:59"}, "At is an RFC 3339 time from 1970 on"),
        ({"at": "2999-01-01T12:00"}, "That time is in the future"),
        ({"size": "999999999"}, "The log has"),
        ({"size": "-1"}, "size"),
        ({"size": "many"}, "size"),
        ({"size": "3", "at": "2026-11-30T12:00"}, "Size and at exclude each other"),
    ],
)
def test_what_is_wrong_with_a_moment_is_told_where_it_can_be_mended(
    served: Served, typed: dict[str, str], words: str
) -> None:
    answer = led(served, page="/organizations?name=a", **typed)
    assert answer.status_code == 303
    page = browse(served, answer.headers["location"], status=422)
    assert words in page.text
    assert "/organizations?name=a" in page.links(), "as it is now"
    assert [each["page"] for each in forms(page)] == ["/organizations?name=a"] * 2


def test_what_was_not_there_yet_leads_to_what_it_is_now(
    served: Served, things: dict[str, Any]
) -> None:
    one = things["/credentials"]["links"]["self"]
    page = browse(served, f"{one}?size=2&lang=de", status=404)
    assert f"{one}?lang=de" in page.links()
    assert "Die Adresse fragt nach dem Stand zu einem anderen Zeitpunkt." in page.text
    assert [each["page"] for each in forms(page)] == [f"{one}?lang=de"] * 2


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/nothing?size=3", 404),
        ("//organizations?size=3", 404),
        ("/moment?page=//elsewhere.example&at=x", 422),
        ("/credentials/019aa5f0-5c00-7000-8000-000000000001", 404),
        ("/verify", 200),
        ("/problems", 200),
        ("/docs", 200),
    ],
)
def test_what_has_no_moment_offers_none(served: Served, address: str, status: int) -> None:
    page = Page(asked(served, address).text)
    assert asked(served, address).status_code == status
    assert forms(page) == []
    assert "another moment" not in page.text
    assert not [link for link in page.links() if "elsewhere.example" in link]


# --- What is typed, and where it leads ---


@pytest.mark.parametrize(
    ("typed", "time"),
    [
        ("2026-11-30T12:00", "2026-11-30T12:00:00Z"),
        ("2026-11-30 12:00", "2026-11-30T12:00:00Z"),
        ("2026-11-30T12:00:59", "2026-11-30T12:00:59Z"),
        ("2026-11-30T12:00:59.123", "2026-11-30T12:00:59.123Z"),
        ("2026-11-30T12:00:59+02:00", "2026-11-30T12:00:59+02:00"),
        ("2026-11-30T12:00:59Z", "2026-11-30T12:00:59Z"),
        ("2026-11-30", "2026-11-30"),
        ("٢٠٢٦-11-30T12:00", "٢٠٢٦-11-30T12:00"),
        ("2026-11-30T12:00\n", "2026-11-30T12:00\n"),
        ("", ""),
    ],
)
def test_a_time_without_a_zone_is_in_utc_and_all_else_is_left_as_it_is(
    typed: str, time: str
) -> None:
    assert in_utc(typed) == time


@pytest.mark.parametrize(
    ("page", "time", "size", "address"),
    [
        ("/", "", "", "/"),
        ("/", "2026-11-30T12:00", "", "/?at=2026-11-30T12:00:00Z"),
        ("/", "", " 12 ", "/?size=12"),
        ("/?lang=nl", "", "12", "/?lang=nl&size=12"),
        ("/log?size=4", "2026-11-30T12:00", "", "/log?at=2026-11-30T12:00:00Z"),
        ("/credentials?cursor=4-Zm9vYmFy&size=9&limit=3", "", "5", "/credentials?limit=3&size=5"),
        ("/achievements/compare?id=a&id=b", "", "5", "/achievements/compare?id=a&id=b&size=5"),
        (
            "/organizations?name=K%C3%B6ln+a%26b",
            "",
            "5",
            "/organizations?name=K%C3%B6ln+a%26b&size=5",
        ),
        ("/x?name=", "", "5", "/x?name=&size=5"),
        ("/x", "", "5&lang=nl", "/x?size=5%26lang%3Dnl"),
        ("/x", "\r\nA: b", "", "/x?at=A:+b"),
    ],
)
def test_the_page_keeps_its_other_parameters(page: str, time: str, size: str, address: str) -> None:
    assert address_as_of(page, time, size) == address


def test_the_forms_tell_the_moment_that_the_address_asks_for() -> None:
    for at, shown in (
        ("2026-11-30T12:00:00Z", "2026-11-30T12:00"),
        ("2026-11-30T12:00:00%2B02:00", "2026-11-30T10:00"),
        ("2026-11-30T12:00:07.5Z", "2026-11-30T12:00:07.500"),
        ("yesterday", ""),
        ("", ""),
    ):
        found = moments_of(f"/log?at={at}&lang=nl")
        assert (found.now, found.time, found.size) == ("/log?lang=nl", shown, "")
        assert found.is_asked
    assert moments_of("/log?size=7").size == "7"
    assert moments_of("/log?size=many").size == ""
    further = moments_of("/credentials?cursor=4-Zm9vYmFy&limit=3&size=9")
    assert further == ("/credentials?limit=3", "", "", False), "nobody asked for that size"


def test_every_page_of_the_register_may_be_shown_as_of_another_moment(
    served: Served, things: dict[str, Any]
) -> None:
    size = served.size
    submission = things["/submissions"]["links"]["self"]
    pages = [*addresses(things), submission, "/log", "/entries/1", "/consistency?earlier=1"]
    for address in pages:
        first, second = forms(browse(served, address))
        assert (first["at"], second["size"]) == ("", "")
        assert first["page"] == second["page"] == address
        location = led(served, page=address, size=str(size)).headers["location"]
        then = browse(served, location)
        assert f"As of {size:,} entries of the log" in then.text
        assert dict(parse_qsl(urlsplit(location).query))["size"] == str(size)
        assert [each.get("size") for each in forms(then)] == [None, str(size)]
        if not address.startswith("/consistency"):  # whose heading tells both sizes
            assert f"As of the first {size:,} entries of the log, as the address" in then.text
            assert address in then.links(), "as it is now"


def test_a_page_as_of_a_minute_has_what_was_recorded_until_then(
    served: Served, things: dict[str, Any]
) -> None:
    minute = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M")
    location = led(served, page="/", at=minute).headers["location"]
    assert location == f"/?at={minute}:00Z"
    page = browse(served, location)
    assert re.search("As of the first [0-9,]+ entries of the log", page.text)
    assert [each.get("at") for each in forms(page)] == [minute, None]


def test_where_a_form_leads_is_not_kept_for_longer_than_its_page(served: Served) -> None:
    answer = led(served, page="/log", size="2")
    assert (answer.status_code, answer.headers["cache-control"]) == (303, "no-cache")
