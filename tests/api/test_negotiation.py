"""What a client takes is read as RFC 9110 says, whatever else it writes."""

from __future__ import annotations

import gzip
import re
import time

import pytest

from api.http.negotiation import Coding, coding_taken, media_type_taken
from api.web import static_files
from testamur.tlog.tiles import WIDTH, bundle_path
from tests.api.asking import connection_to
from tests.harness.served import Served, problem

JSON, CSV = "application/json", "text/csv"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (b"gzip", Coding(gzip=True, plain=True, liked=None)),
        (b"*;q=0, gzip", Coding(gzip=True, plain=False, liked="gzip")),
        (b"gzip, *;q=0", Coding(gzip=True, plain=False, liked="gzip")),
        (b"gzip;q=0, *", Coding(gzip=False, plain=True, liked="plain")),
        (b"identity;q=0", Coding(gzip=False, plain=False, liked=None)),
        (b"identity;q=0, br", Coding(gzip=False, plain=False, liked=None)),
        (b"*;q=0", Coding(gzip=False, plain=False, liked=None)),
        (b"*;q=0, identity", Coding(gzip=False, plain=True, liked="plain")),
        (b"*", Coding(gzip=True, plain=True, liked=None)),
        (b"identity, gzip;q=0.9", Coding(gzip=True, plain=True, liked="plain")),
        (b"identity;q=0.5, gzip;q=0.501", Coding(gzip=True, plain=True, liked="gzip")),
        (b"GZip", Coding(gzip=True, plain=True, liked=None)),
        (b"x-gzip", Coding(gzip=True, plain=True, liked=None)),
        (b"br, gzip ; Q=0.000", Coding(gzip=False, plain=True, liked=None)),
        (b"gzip;q=1.1", Coding(gzip=False, plain=True, liked=None)),
        (b"gzip;q=0.0001", Coding(gzip=False, plain=True, liked=None)),
        (b"gzip;q=-1, deflate", Coding(gzip=False, plain=True, liked=None)),
        (b"", Coding(gzip=False, plain=True, liked=None)),
        (b",,gzip,,", Coding(gzip=True, plain=True, liked=None)),
        (b"gz ip, \xff\x00", Coding(gzip=False, plain=True, liked=None)),
        (b"gzip;q=0, gzip", Coding(gzip=True, plain=True, liked=None)),
        (b"br," * 63 + b"gzip", Coding(gzip=True, plain=True, liked=None)),
        (b"br," * 64 + b"gzip", Coding(gzip=False, plain=True, liked=None)),  # not read so far
    ],
)
def test_a_content_coding_is_taken_or_not_as_the_client_says(written: bytes, found: Coding) -> None:
    assert coding_taken([(b"accept-encoding", written)]) == found


def test_without_a_word_about_codings_an_answer_is_sent_as_it_is() -> None:
    assert coding_taken([]) == Coding(gzip=False, plain=True, liked=None)
    lines = [(b"accept-encoding", b"*;q=0"), (b"accept-encoding", b"gzip")]
    assert coding_taken(lines) == Coding(gzip=True, plain=False, liked="gzip")


@pytest.mark.parametrize("again", [b"; ", b";q ", b' ;a="', b"; q=1 ", b" a", b" \t"])
def test_a_hostile_header_is_read_in_no_time(again: bytes) -> None:
    """A pattern that can match blanks in two ways takes as many steps as there are atoms."""
    before = time.process_time()
    coding_taken([(b"accept-encoding", b"gzip" + again * (60_000 // len(again)) + b"!")])
    assert time.process_time() - before < 0.5


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (b"", JSON),
        (b"*/*", JSON),
        (b"text/csv", CSV),
        (b"TEXT/CSV; charset=utf-8; header=present", CSV),
        (b"text/*", CSV),
        (b"application/json, text/csv", JSON),
        (b"text/csv, application/json;q=0.9", CSV),
        (b"text/csv;q=0.5, */*", JSON),
        (b"*/*, application/json;q=0", CSV),
        (b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        (b"image/png", None),
        (b"application/json;q=0", None),
        (b"text/csv;q=2", None),
        (b'application/json;profile="a;q=0"', JSON),
    ],
)
def test_a_media_type_is_the_best_that_the_client_takes(written: bytes, found: str | None) -> None:
    assert media_type_taken([(b"accept", written)], (JSON, CSV)) == found


# --- Over HTTP ---


def asked(served: Served, path: str, *headers: str, version: str = "1.1") -> tuple[bytes, bytes]:
    """Return head and body of the answer, as they stand on the wire."""
    lines = [f"GET {path} HTTP/{version}", "Host: x", "Connection: close", *headers, "", ""]
    with connection_to(served) as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.lower(), body


@pytest.mark.parametrize("path", ["/", "/organizations", "/openapi.json", "/log/tile/entries/000"])
def test_a_client_that_takes_gzip_alone_gets_gzip(served: Served, path: str) -> None:
    if path.startswith("/log"):
        last = served.size - 1
        path = f"/log/{bundle_path(last // WIDTH, last % WIDTH + 1)}"
    plain = served.client.get(served.url + path, headers={"Accept-Encoding": "identity"})
    zipped = asked(served, path, "Accept-Encoding: *;q=0, gzip")
    assert b"content-encoding: gzip" in zipped[0]
    assert re.search(rb"vary: .*accept-encoding", zipped[0])
    assert gzip.decompress(zipped[1]) == plain.content


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/verify.html", "style.css"])
def test_what_never_changes_goes_out_in_gzip_to_every_browser(served: Served, path: str) -> None:
    path = path if path.startswith("/") else static_files.address(path)
    plain = asked(served, path, "Accept-Encoding: identity")
    for wish in ("gzip, deflate, br, zstd", "br, gzip;q=0.5, *;q=0", "*;q=0, gzip"):
        zipped = asked(served, path, f"Accept-Encoding: {wish}")
        assert b"content-encoding: gzip" in zipped[0]
        assert b"vary: accept-encoding" in zipped[0]
        assert gzip.decompress(zipped[1]) == plain[1]
        assert len(zipped[1]) < 150_000
    for wish in ("br", "gzip;q=0.5, identity", "gzip;q=0"):
        assert asked(served, path, f"Accept-Encoding: {wish}")[1] == plain[1]
    tag = re.search(rb"etag: (\S+)", zipped[0])
    assert tag is not None
    for wish in ("gzip", "identity"):
        held = f"If-None-Match: {tag[1].decode().removeprefix('w/')}"
        assert b" 304 " in asked(served, path, f"Accept-Encoding: {wish}", held)[0]


@pytest.mark.parametrize("path", ["/", "/organizations", "/stream", "/log/checkpoint", "/log/vkey"])
@pytest.mark.parametrize("taken", ["*;q=0", "identity;q=0, br"])
def test_a_client_that_takes_nothing_that_there_is_gets_406(
    served: Served, path: str, taken: str
) -> None:
    answer = served.get(path, headers={"Accept-Encoding": taken})
    problem(answer, 406, "not-acceptable")


def test_a_client_of_http_1_0_gets_no_chunks(served: Served) -> None:
    """It would take the lengths between them for a part of the answer."""
    for path in ("/entries", "/organizations"):
        head, body = asked(served, path, version="1.0")
        assert b"transfer-encoding" not in head
        assert b"connection: close" in head
        assert body == served.client.get(served.url + path).content
    head, body = asked(served, "/entries", "Accept-Encoding: *;q=0, gzip", version="1.0")
    assert b"transfer-encoding" not in head
    assert gzip.decompress(body) == served.get("/entries").content


def test_the_entrance_of_the_log_leads_to_its_checkpoint(served: Served) -> None:
    for path in ("/log", "/log/", "/log/?x=1"):
        answer = served.client.get(served.url + path)
        assert (answer.status_code, answer.headers["location"]) == (307, "/log/checkpoint")
        assert answer.headers["content-type"] == "application/problem+json"
    assert served.client.get(f"{served.url}/log", follow_redirects=True).text == (
        served.get("/log/checkpoint").text
    )


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/", "GET, HEAD, OPTIONS"),
        ("/submissions", "GET, HEAD, POST, OPTIONS"),
        ("/submissions/check", "POST, OPTIONS"),
        ("/credentials/019aa5f0-5c00-7000-8000-000000000001", "GET, HEAD, OPTIONS"),
        ("/log", "GET, HEAD, OPTIONS"),
        ("/log/checkpoint", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_path_tells_the_methods_that_it_takes(served: Served, path: str, methods: str) -> None:
    told = served.client.options(served.url + path)
    assert (told.status_code, told.headers["allow"]) == (204, methods)
    refused = served.client.request("PATCH", served.url + path)
    problem(refused, 405, "method")
    assert refused.headers["allow"] == methods
    problem(served.client.options(f"{served.url}/nothing"), 404, "no-such-path")


def test_a_part_of_a_file_is_not_offered_and_the_whole_is_sent(served: Served) -> None:
    """A tile is small and never changes, and a server may pass over ranges (RFC 9110 14.2)."""
    path = f"/log/{bundle_path((served.size - 1) // WIDTH, (served.size - 1) % WIDTH + 1)}"
    whole = served.get(path)
    for part in ("bytes=0-9", "bytes=-1", "bytes=5-1", "bytes=" + "0-0," * 9_000, "lines=1"):
        answer = served.get(path, headers={"Range": part})
        assert (answer.status_code, answer.content) == (200, whole.content)
        assert "content-range" not in answer.headers


@pytest.mark.parametrize("path", ["/docs", "/organizations", "/entries", "/openapi.json", "/"])
def test_head_tells_what_get_would_send(served: Served, path: str) -> None:
    got, head = served.get(path), served.client.head(served.url + path)
    assert (head.status_code, head.content) == (200, b"")
    varying = {"date", "transfer-encoding"}
    assert {k: v for k, v in head.headers.items() if k not in varying} == {
        k: v for k, v in got.headers.items() if k not in varying
    }


def test_a_script_of_another_origin_may_ask_for_all_of_this(served: Served) -> None:
    told = served.client.options(f"{served.url}/organizations").headers
    assert "if-none-match" in told["access-control-allow-headers"]
    exposed = served.get("/organizations").headers["access-control-expose-headers"].split(", ")
    assert {"testamur-size", "link", "etag", "retry-after"} <= set(exposed)
