"""The log as a whole, as an answer: each fact of it is what a reader of the log computes."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from testamur.tlog.merkle import EMPTY_ROOT
from testamur.tlog.note import parse_note
from tests.harness.served import Served, problem

OPENED = 10  # entries of a log whose provider may issue
JSON = {"Accept": "application/json"}


def told(served: Served, address: str) -> dict[str, Any]:
    answer = served.get(address, headers=JSON)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["testamur-size"] == str(found["size"])
    return found


def test_programs_are_told_what_the_log_signed_and_by_whom(served: Served) -> None:
    found = told(served, "/log")
    note = served.get("/log/checkpoint").text
    checkpoint = served.reader().checkpoint()
    assert found["size"] == found["signed"]["size"] == checkpoint.size
    for root in (found["root"], found["signed"]["root"]):
        assert base64.b64decode(root) == checkpoint.root
    assert (found["origin"], found["signed"]["note"]) == (checkpoint.origin, note)
    (signature,) = parse_note(note.encode()).signatures
    (signer,) = found["signed"]["signers"]
    assert signer == {"name": checkpoint.origin, "id": signature.key_id.hex(), "ofLog": True}
    assert [each["vkey"] for each in found["signed"]["keys"]] == [served.vkey]


def test_its_files_are_there_and_its_newest_submissions_are_led_to(served: Served) -> None:
    found = told(served, "/log")
    for each in found["files"]:
        assert served.get(each["newestFile"]).status_code == 200
        level = 0 if each["level"] == "entries" else int(each["level"])
        assert (each["full"], each["partial"]) == divmod(found["size"] >> 8 * level, 256)
    positions = [each["position"] for each in found["newest"]]
    assert positions == sorted(positions, reverse=True)
    last = served.get(found["newest"][0]["links"]["self"]).json()
    assert (last["position"], last["jti"]) == (positions[0], found["newest"][0]["jti"])
    for name, address in found["links"].items():
        assert served.get(address, headers=JSON).status_code == 200, name


def test_an_earlier_log_is_told_by_the_root_that_it_had(served: Served) -> None:
    grown = served.get(f"/consistency?earlier={OPENED}").json()
    found = told(served, f"/log?size={OPENED}")
    assert (found["size"], found["root"]) == (OPENED, grown["earlierRoot"])
    assert found["files"][0]["newestFile"] == "/log/tile/entries/000.p/10"
    assert found["newest"][0]["position"] + found["newest"][0]["events"] + 1 == OPENED
    assert "signed" not in found, "that would change, and the answer for a size never does"
    empty = told(served, "/log?size=0")
    assert base64.b64decode(empty["root"]) == EMPTY_ROOT
    assert (empty["files"], empty["newest"], empty["recordedAt"]) == ([], [], None)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, None),
        ("*/*", None),
        ("text/plain", None),
        ("text/plain, application/json", None),
        ("image/png", None),
        ("application/json", "application/json"),
        ("application/json, */*;q=0.5", "application/json"),
        ("text/csv", "text/csv; charset=utf-8; header=present"),
    ],
)
def test_readers_of_the_log_are_led_to_its_checkpoint_and_others_told_of_it(
    served: Served, accept: str | None, media_type: str | None
) -> None:
    answer = served.get("/log", headers={} if accept is None else {"Accept": accept})
    if media_type is None:
        problem(answer, 307, "another-address")
        assert answer.headers["location"] == "/log/checkpoint"
    else:
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)


def test_a_program_that_asks_about_a_moment_is_answered(served: Served) -> None:
    assert served.get(f"/log?size={OPENED}").json()["size"] == OPENED
    problem(served.get("/log?size=-1"), 422, "parameter")
    problem(served.get("/log?size=99999999"), 422, "size-ahead")


def test_its_endings_give_its_forms(served: Served) -> None:
    browser = {"Accept": "text/html"}
    assert served.get("/log.json", headers=browser).json()["origin"] == served.key.name
    assert served.get("/log.csv", headers=browser).text.startswith("\ufeffsize,recordedAt,origin")
    problem(served.get("/log.json?siez=3", headers=browser), 422, "parameter")


# --- The server itself ---


def test_the_front_page_tells_programs_how_far_the_register_is(served: Served) -> None:
    about = served.get("/").json()
    size = about["register"]["size"]
    listed = served.get(f"/organizations.json?size={size}&limit=1000").json()
    assert about["register"] == {
        "size": about["size"],
        "recordedAt": listed["recordedAt"],
        "organizations": len(listed["items"]),
    }
    assert served.get("/?size=0").json()["register"] == {
        "size": 0,
        "recordedAt": None,
        "organizations": 0,
    }
    problem(served.get("/?size=99999999"), 422, "size-ahead")


def test_the_front_page_shows_people_an_earlier_register_too(served: Served) -> None:
    page = served.get(f"/?size={OPENED}", headers={"Accept": "text/html"}).text
    assert f"As of {OPENED} entries of the log" in page
    assert "As of an empty log." in served.get("/?size=0", headers={"Accept": "text/html"}).text
