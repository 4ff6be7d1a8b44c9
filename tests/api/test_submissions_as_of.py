"""A submission is told as of any moment: whether it was recorded by then, and counted then."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from testamur.verification.receipt import parse_receipt, verify_receipt
from tests.api.asking import name_of
from tests.api.test_pages import asked, browse
from tests.harness.served import Served, problem, processes
from tests.harness.waiting import until


class CutOff(NamedTuple):
    """A submission at `start`, and its end; from size `after` on it does not count.

    It is found at the address `name`.
    """

    body: bytes
    name: str
    start: int
    end: int
    after: int


@pytest.fixture(scope="module")
def cut_off(served: Served) -> CutOff:
    """What somebody signed with a key that its owner declared compromised later."""
    story = served.story
    stolen = story.provider.with_key("stolen, and declared later")
    served.submit(story.submission(story.provider.recovery, story.key_listed(stolen)))
    body = story.submission(stolen, story.issued(), story.issued())
    answer = served.post(body)
    receipt = parse_receipt(answer.content)
    declared = story.key_compromised(stolen, receipt.position)
    said = served.submit(story.submission(story.provider.recovery, declared))
    until(lambda: served.answer(f"/organizations?size={served.size}").status_code == 200)
    end = receipt.position + 3
    return CutOff(body, name_of(answer), receipt.position, end, said.position + 2)


# --- What there is no answer to ---


def test_before_it_was_recorded_there_is_none(served: Served, cut_off: CutOff) -> None:
    for size in (0, cut_off.start, cut_off.start + 1, cut_off.end - 1):
        address = f"{cut_off.name}?size={size}"
        found = problem(served.answer(address), 404, "unknown-submission")
        assert f"no such submission as of size {min(size, cut_off.start)}" in str(found["detail"])
        page = browse(served, address, status=404)
        assert f"o such submission as of size {min(size, cut_off.start)}" in page.text
    found = problem(
        served.answer(f"{cut_off.name}?at=2001-01-01T00:00:00Z"), 404, "unknown-submission"
    )
    assert found["detail"] == "no such submission as of size 0"


def test_what_was_never_submitted_is_not_found_at_any_moment(
    served: Served, cut_off: CutOff
) -> None:
    nothing = cut_off.name.rpartition("/")[0] + f"/{served.story.new_id()}"
    problem(served.get(nothing), 404, "unknown-submission")
    for address in (nothing, f"{nothing}?size={cut_off.after}"):
        browse(served, address, status=404)
    problem(served.get(f"{nothing}?size={cut_off.after}"), 404, "unknown-submission")


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("size=-1", "parameter"),
        ("size=1e3", "parameter"),
        ("size=999999999", "size-ahead"),
        ("at=2999-01-01T00:00:00Z", "time-ahead"),
        ("at=2026-11-21", "time"),
        ("at=2026-11-21T10:00:00", "time"),
        ("at=", "time"),
        ("size=9&at=2026-11-21T10:00:00Z", "parameter"),
        ("size=9&size=9", "parameter"),
        ("sizes=9", "parameter"),
        ("lang=nl", "parameter"),
    ],
)
def test_a_moment_that_cannot_be_asked_about_is_refused(
    served: Served, cut_off: CutOff, query: str, rule: str
) -> None:
    """In every form: a moment that is passed over gets the answer of today."""
    problem(served.get(f"{cut_off.name}?{query}"), 422, rule)
    problem(served.get(f"{cut_off.name}.json?{query}"), 422, rule)
    assert rule in browse(served, f"{cut_off.name}?{query}", status=422).text


def test_a_receipt_of_any_moment_is_no_table(served: Served, cut_off: CutOff) -> None:
    problem(served.get(f"{cut_off.name}.csv?size={cut_off.end}"), 406, "not-acceptable")


# --- What it was then ---


def test_it_counted_until_its_key_was_declared_compromised(served: Served, cut_off: CutOff) -> None:
    for size in (cut_off.end, cut_off.after - 1, cut_off.after):
        answer = served.get(f"{cut_off.name}?size={size}")
        receipt = parse_receipt(answer.content)
        counts = size < cut_off.after
        as_of = cut_off.end if counts else cut_off.after  # the end of a submission
        assert (receipt.counts, receipt.as_of) == (counts, as_of)
        assert answer.headers["testamur-size"] == str(as_of)
        verify_receipt(receipt, cut_off.body, served.policy)
        told = browse(served, f"{cut_off.name}?size={size}").text
        assert ("does not count" not in told) == counts
        assert f"As of the first {as_of:,} entries of the log, as the address asks." in told
    now = parse_receipt(served.get(cut_off.name).content)
    assert (now.counts, now.as_of) == (False, None)
    assert "does not count" in browse(served, cut_off.name).text


def test_a_time_stands_for_the_size_that_the_log_had_then(served: Served, cut_off: CutOff) -> None:
    recorded = parse_receipt(served.get(cut_off.name).content).recorded_at
    then = parse_receipt(served.answer(f"{cut_off.name}?at={recorded}").content)
    assert then.as_of is not None
    assert then.as_of >= cut_off.end
    assert then.counts == (then.as_of < cut_off.after)
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    latest = parse_receipt(served.answer(f"{cut_off.name}?at={now}").content)
    assert (latest.counts, latest.as_of) == (False, served.size)


def test_an_earlier_page_leads_to_its_json_and_to_the_present_one(
    served: Served, cut_off: CutOff
) -> None:
    links = browse(served, f"{cut_off.name}?size={cut_off.end}").links()
    path = cut_off.name.replace("%3A", ":")
    assert path in links
    assert links.count(f"{path}.json?size={cut_off.end}") == 2
    for link in links:
        if link.startswith(path):
            assert asked(served, link).status_code == 200


def test_asked_again_an_unchanged_receipt_of_then_is_not_sent_again(
    served: Served, cut_off: CutOff
) -> None:
    answer = served.get(f"{cut_off.name}?size={cut_off.end}")
    assert answer.headers["cache-control"] == "no-cache"
    held = {"If-None-Match": answer.headers["etag"]}
    assert served.get(f"{cut_off.name}?size={cut_off.end}", headers=held).status_code == 304
    assert served.get(f"{cut_off.name}?size={cut_off.after}", headers=held).status_code == 200


# --- While the tables lag ---


def test_the_receipt_of_now_waits_for_no_table_and_that_of_a_moment_is_not_guessed(
    opened_log: Served, tmp_path: Path
) -> None:
    with closing(opened_log.copy(tmp_path / "data")) as served, served.running():
        words = b"projections", os.fsencode(served.data / "projections")
        until(lambda: len(processes(*words)) == 1)
        (follower,) = processes(*words)
        os.kill(follower, signal.SIGSTOP)
        try:
            answer = served.post(served.story.cohort(2))
            name, size = name_of(answer), served.size
            receipt = parse_receipt(served.get(name).content)
            assert (receipt.state, receipt.counts, receipt.as_of) == ("published", True, None)
            problem(served.get(f"{name}?size={size}"), 503, "projections-behind")
        finally:
            os.kill(follower, signal.SIGCONT)
        then = parse_receipt(served.answer(f"{name}?size={size}").content)
        assert (then.counts, then.as_of) == (True, size)
