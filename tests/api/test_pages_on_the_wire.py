"""A page is short enough for a slow network, whatever is asked for, and goes out in gzip."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from api.http.zipping import FIRST_FLIGHT
from api.questions.moment import MAX_SHOWN
from tests.api.asking import connection_to
from tests.api.test_pages import BROWSER, LISTS, browse
from tests.api.test_pages import asked as asked_by_browser
from tests.harness.served import Served
from tests.harness.waiting import until

LONG = "/credentials"
MOST = 150_000
_AGO = re.compile(rb"the last recorded [^,]* ago")


@pytest.fixture(scope="module")
def long(grown_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A log with 600 credentials, served."""
    with closing(grown_log.copy(tmp_path_factory.mktemp("long") / "data")) as log:
        with log.running():
            until(lambda: log.answer(f"{LONG}?size={log.size}").status_code == 200)
            yield log
        assert "Traceback" not in log.errors()


def asked(
    served: Served, path: str, *headers: str, accept: str = BROWSER, method: str = "GET"
) -> tuple[bytes, bytes]:
    """Return head, in small letters, and body of the answer, as they stand on the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", f"Accept: {accept}"]
    with connection_to(served) as connection:
        connection.sendall("\r\n".join([*lines, *headers, "", ""]).encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.lower(), body


def header(head: bytes, name: str) -> str:
    """Return one header of an answer; nothing if it has none."""
    found = re.search(rb"\r\n" + name.encode() + rb": ([^\r]*)", head)
    return "" if found is None else found[1].decode()


def without_age(page: bytes) -> bytes:
    """Return a page without how old it is, which is another thing a second later."""
    return _AGO.sub(b"", page)


# --- What goes out as it is ---


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Accept-Encoding: identity",),
        ("Accept-Encoding: br, zstd",),
        ("Accept-Encoding: gzip;q=0",),
        ("Accept-Encoding: gzip;q=0.5, identity",),
        ("Accept-Encoding: gzip;q=nothing",),
    ],
)
def test_who_does_not_take_gzip_as_gladly_gets_the_page_as_it_is(
    long: Served, headers: tuple[str, ...]
) -> None:
    head, body = asked(long, LONG, *headers)
    assert b"content-encoding" not in head
    assert body.startswith(b"<!doctype html>")
    assert {"accept", "accept-language", "accept-encoding"} == set(header(head, "vary").split(", "))


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "*/*"])
def test_what_programs_get_is_left_to_the_proxy(long: Served, accept: str) -> None:
    head, body = asked(long, f"{LONG}?limit=600", "Accept-Encoding: gzip", accept=accept)
    assert len(body) > FIRST_FLIGHT
    assert b"content-encoding" not in head


def test_a_page_that_comes_in_one_flight_is_not_compressed(long: Served) -> None:
    for path in ("/", f"{LONG}?limit=1", "/credentials/none"):
        head, body = asked(long, path, "Accept-Encoding: gzip")
        assert b"content-encoding" not in head
        assert len(body) < FIRST_FLIGHT


def test_who_takes_no_form_that_there_is_gets_406(long: Served) -> None:
    head, _ = asked(long, LONG, "Accept-Encoding: *;q=0, br")
    assert head.startswith(b"http/1.1 406 ")


# --- What goes out in gzip ---


@pytest.mark.parametrize("path", [LONG, f"{LONG}?limit=90", "/problems", "a submission"])
@pytest.mark.parametrize(
    "wish", ["gzip, deflate, br, zstd", "*", "br, gzip;q=0.5, *;q=0", "*;q=0, gzip"]
)
def test_a_page_goes_out_in_gzip_to_every_browser(long: Served, path: str, wish: str) -> None:
    if path == "a submission":
        path = long.get("/submissions").json()["items"][-1]["links"]["self"]
    _, plain = asked(long, path)
    head, body = asked(long, path, f"Accept-Encoding: {wish}")
    assert header(head, "content-encoding") == "gzip"
    assert header(head, "content-type") == "text/html; charset=utf-8"
    assert header(head, "content-length") == str(len(body))
    assert "accept-encoding" in header(head, "vary")
    page = gzip.decompress(body)
    assert len(body) < len(page) / 3
    assert without_age(page) == without_age(plain)


def test_both_codings_have_one_weak_tag_and_either_is_not_sent_again(long: Served) -> None:
    def holds() -> bool:
        zipped, _ = asked(long, LONG, "Accept-Encoding: gzip")
        plain, _ = asked(long, LONG)
        tag = header(zipped, "etag")
        if header(plain, "etag") != tag:
            return False  # a second went by, and the page tells it
        assert tag.startswith('w/"')
        for coding in ("gzip", "identity"):
            held = f"If-None-Match: {tag.removeprefix('w/')}"
            head, body = asked(long, LONG, f"Accept-Encoding: {coding}", held)
            if not head.startswith(b"http/1.1 304 "):
                return False
            assert (body, header(head, "content-encoding")) == (b"", "")
            assert "accept-encoding" in header(head, "vary")
        return True

    until(holds)
    head, body = asked(long, LONG, "Accept-Encoding: gzip", 'If-None-Match: "another"')
    assert head.startswith(b"http/1.1 200 ")
    assert gzip.decompress(body)


def test_head_tells_what_get_would_send(long: Served) -> None:
    def holds() -> bool:
        got, body = asked(long, LONG, "Accept-Encoding: gzip")
        head, nothing = asked(long, LONG, "Accept-Encoding: gzip", method="HEAD")
        assert nothing == b""
        names = ("content-encoding", "content-type", "vary", "cache-control")
        assert [header(head, name) for name in names] == [header(got, name) for name in names]
        assert header(got, "content-length") == str(len(body))
        return header(head, "content-length") == str(len(body))

    until(holds)


def test_of_a_page_in_gzip_no_part_is_sent(long: Served) -> None:
    head, body = asked(long, LONG, "Accept-Encoding: gzip", "Range: bytes=0-99")
    assert head.startswith(b"http/1.1 200 ")
    assert header(head, "content-range") == ""
    assert gzip.decompress(body).endswith(b"</html>")


# --- How much there is of it ---


@pytest.mark.parametrize("query", ["limit=1000", "limit=101", "limit=1000&flagged=true"])
def test_no_page_of_a_list_is_longer_than_people_read(long: Served, query: str) -> None:
    paths = LISTS if "flagged" not in query else (LONG,)
    for path in paths:
        head, body = asked(long, f"{path}?{query}", "Accept-Encoding: gzip")
        assert head.startswith(b"http/1.1 200 ")
        assert len(body) < MOST
        plain = asked(long, f"{path}?{query}")[1]
        assert len(plain) < MOST
        assert plain.count(b"<tr>") <= MAX_SHOWN + 1


def test_programs_get_as_many_as_they_ask_for(long: Served) -> None:
    assert len(long.get(f"{LONG}?limit=1000").json()["items"]) == 600
    ending = asked_by_browser(long, f"{LONG}.json?limit=1000")
    assert len(ending.json()["items"]) == 600
    assert len(long.get(f"{LONG}.csv?limit=1000").text.splitlines()) == 601


@pytest.mark.parametrize("query", ["", "limit=0", "limit=1001", "limit=-1", "limit=many"])
def test_a_limit_that_is_none_is_refused_to_people_too(long: Served, query: str) -> None:
    status = 422 if query else 200
    browse(long, f"{LONG}?{query}", status=status)


def test_page_by_page_a_reader_meets_every_item_once(long: Served) -> None:
    every = [each["id"] for each in long.get(f"{LONG}?limit=1000").json()["items"]]
    met: list[str] = []
    address: str | None = f"{LONG}?limit=1000"
    while address is not None:
        page = browse(long, address)
        links = (link.rpartition("/credentials/")[2] for link in page.links() if "-7" in link)
        met += [link for link in links if link in set(every)]
        following = [each for tag, each in page.elements if each.get("rel") == "next"]
        address = str(following[0]["href"]) if following else None
        assert not following or f"limit={MAX_SHOWN}&" in str(address)
    assert met == every


def test_the_forms_for_programs_of_a_further_page_have_what_it_shows(long: Served) -> None:
    first = browse(long, f"{LONG}?limit=7")
    further = next(each["href"] for _, each in first.elements if each.get("rel") == "next")
    page = browse(long, str(further))
    shown = [link.rpartition("/")[2] for link in page.links() if "/credentials/" in link]
    (in_json,) = (link for link in page.links() if ".json" in link)
    (in_csv,) = (link for link in page.links() if ".csv" in link)
    answered = [each["id"] for each in long.get(in_json).json()["items"]]
    assert len(answered) == 7
    assert set(answered) <= set(shown)
    assert [line.split(",")[0] for line in long.get(in_csv).text.splitlines()[1:]] == answered
