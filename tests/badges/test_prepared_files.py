"""What is prepared from, and what is written: whole files, bounded and private, or none."""

from __future__ import annotations

import csv
import json
import os
import stat
from pathlib import Path

import pytest

from testamur.badges.cohort_csv import Registered
from testamur.badges.commitment import read_holder_file, verify_commitment
from testamur.badges.identities import check_learner, read_asked
from testamur.badges.prepare import prepare_badges
from testamur.badges.prepared_folder import write_prepared
from testamur.badges.sources import read_sources
from testamur.badges.spreadsheet import MAX_FILE, UNREAD
from testamur.canonical import MAX_DOCUMENT
from testamur.catalogue.lines import decode_events
from testamur.errors import Refusal, Unavailable
from tests.badges.test_openbadges import BADGE
from tests.badges.test_prepare import (
    LOG,
    NOW,
    TEAMWORK,
    badges,
    check,
    cohort,
    prepared_from,
    refusal,
)
from tests.harness.shared_vectors import SHARED, needs_shared

# --- Sources ---


def test_one_file_is_one_source(tmp_path: Path) -> None:
    file = tmp_path / "badge.json"
    file.write_bytes(b"{}")
    assert list(read_sources(file)) == [("badge.json", b"{}")]


def test_a_folder_is_read_in_full_and_in_order(tmp_path: Path) -> None:
    for name in ("b.json", "a/2.json", "a/1/x.json", ".DS_Store", ".git/config", "c.png"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    found = [(source, data) for source, data in read_sources(tmp_path)]
    names = ["a/1/x.json", "a/2.json", "b.json", "c.png"]
    assert found == [(name, name.encode()) for name in names]


def test_every_line_of_an_ndjson_file_is_a_source(tmp_path: Path) -> None:
    file = tmp_path / "badges.ndjson"
    file.write_bytes(b'{"a":1}\r\n\n{"b":2}\n{"c":3}')
    assert list(read_sources(file)) == [
        ("badges.ndjson line 1", b'{"a":1}'),
        ("badges.ndjson line 3", b'{"b":2}'),
        ("badges.ndjson line 4", b'{"c":3}'),
    ]


def test_a_line_too_long_to_read_is_refused_and_ends_the_reading(tmp_path: Path) -> None:
    file = tmp_path / "badges.jsonl"
    file.write_bytes(b"{}\n" + b"x" * (MAX_DOCUMENT + 2) + b"\n{}\n")
    first, second = read_sources(file)
    assert first == ("badges.jsonl line 1", b"{}")
    assert isinstance(second[1], Refusal)
    assert second[1].rule == UNREAD


def test_a_document_too_long_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    file = tmp_path / "badge.json"
    file.write_bytes(b"x" * (MAX_DOCUMENT + 1000))
    ((_, data),) = read_sources(file)
    assert isinstance(data, bytes)
    assert len(data) == MAX_DOCUMENT + 1
    assert refusal(("badge.json", data)).rule == "json-size"


def test_a_file_beyond_the_bound_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "badges.ndjson"
    with file.open("wb") as sparse:
        sparse.truncate(MAX_FILE + 1)
    ((_, found),) = read_sources(file)
    assert isinstance(found, Refusal)
    assert found.rule == "file-size"


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "secret.json").symlink_to("/etc/hostname")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling.json").symlink_to(tmp_path / "nowhere")
    found = dict(read_sources(tmp_path))
    assert set(found) == {"pipe.json", "secret.json", "loop", "dangling.json"}
    for data in found.values():
        assert isinstance(data, Refusal)
        assert data.rule == "file"
    assert "symbolic link" in str(found["secret.json"])
    assert "regular" in str(found["pipe.json"])


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    ((source, found),) = read_sources(tmp_path / "nowhere.json")
    assert source == "nowhere.json"
    assert isinstance(found, Refusal)


def test_a_name_that_is_no_text_can_be_shown_and_written(tmp_path: Path) -> None:
    for name in (b"\xff.json", b"a\nb.json", "\u202egpj.json".encode()):
        (tmp_path / os.fsdecode(name)).write_bytes(b"{}")
    for source, _ in read_sources(tmp_path):
        assert source.encode().decode().isprintable()


# --- Writing ---


def index(folder: Path) -> list[dict[str, str]]:
    """Return the rows of the index that was written into a folder."""
    with (folder / "index.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_written_is_what_was_prepared(tmp_path: Path) -> None:
    prepared = cohort(12, log=LOG)
    out = tmp_path / "new" / "autumn"
    write_prepared(prepared, out)
    assert sorted(path.name for path in out.iterdir()) == ["events.ndjson", "holders", "index.csv"]
    lines = (out / "events.ndjson").read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert decode_events(lines) == prepared.events
    for event in prepared.events:
        holder = read_holder_file((out / "holders" / f"{event.credential}.json").read_bytes())
        verify_commitment(holder.credential, holder.blind, event.commitment)
    assert len(list((out / "holders").iterdir())) == 12


def test_the_index_leads_from_row_to_holder_file_in_the_order_of_the_rows(tmp_path: Path) -> None:
    prepared = cohort(12)
    write_prepared(prepared, tmp_path / "out")
    rows = index(tmp_path / "out")
    assert [row["row"] for row in rows] == [str(number) for number in range(2, 14)]
    by_row = {str(made.row): made for made in prepared.made}
    for row in rows:
        made = by_row[row["row"]]
        assert (row["credential"], row["learner"]) == (made.holder.id, made.learners[0])
        assert row["source"] == f"cohort.csv row {made.row}"
        holder = read_holder_file((tmp_path / "out" / row["holderFile"]).read_bytes())
        check_learner(holder.credential, read_asked(row["learner"]))


def test_the_index_says_that_it_stays_with_the_provider(tmp_path: Path) -> None:
    write_prepared(cohort(1), tmp_path / "out")
    text = (tmp_path / "out/index.csv").read_text("utf-8")
    assert text.startswith("\ufeffrow,learner,credential,")
    assert text.splitlines()[0].endswith(",personal data: stays with the provider")


def test_the_index_of_badges_names_learners_that_they_name_in_plain_text(tmp_path: Path) -> None:
    plain = {**BADGE, "credentialSubject": {**BADGE["credentialSubject"], "id": "did:example:ada"}}
    write_prepared(badges(("a.json", json.dumps(plain).encode())), tmp_path / "out")
    (row,) = index(tmp_path / "out")
    assert (row["row"], row["learner"], row["source"]) == ("", "did:example:ada", "a.json")


def test_a_file_named_like_a_formula_is_no_formula_in_the_index(tmp_path: Path) -> None:
    prepared = badges(("=cmd|x.json", json.dumps(BADGE).encode()))
    write_prepared(prepared, tmp_path / "out")
    (row,) = index(tmp_path / "out")
    assert row["source"] == "'=cmd|x.json"


def test_what_is_personal_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_prepared(cohort(), tmp_path / "out")
    for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("folder", "file", "link"):
        with pytest.raises(Refusal, match="output-exists"):
            write_prepared(cohort(), tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"
    write_prepared(cohort(), tmp_path / "out")
    before = (tmp_path / "out" / "events.ndjson").read_bytes()
    with pytest.raises(Refusal, match="output-exists"):
        write_prepared(cohort(), tmp_path / "out")
    assert (tmp_path / "out" / "events.ndjson").read_bytes() == before


def test_the_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    prepared = badges(BADGE, registered=Registered(achievement="not an id"))
    with pytest.raises(Refusal):
        write_prepared(prepared, tmp_path / "out")
    prepared = cohort(3)
    prepared.made[2] = prepared.made[1]  # the third file would overwrite the second
    with pytest.raises(Unavailable, match="/out cannot be written: File exists"):
        write_prepared(prepared, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named_as_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="/file/out cannot be written"):
        write_prepared(cohort(), tmp_path / "file" / "out")
    long = tmp_path / ("n" * 250)  # too long with what is put around it
    with pytest.raises(Unavailable, match=r"/n{250} cannot be written: File name too long"):
        write_prepared(cohort(), long)


def test_a_part_is_written_only_on_demand(tmp_path: Path) -> None:
    prepared = prepared_from("learner,awarded\n1,tomorrow\n2,2026-11-21\n")
    with pytest.raises(Refusal, match="1 refused"):
        write_prepared(prepared, tmp_path / "out")
    write_prepared(prepared, tmp_path / "out", partial=True)
    assert len(list((tmp_path / "out" / "holders").iterdir())) == 1


def test_nothing_prepared_is_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="output-empty"):
        write_prepared(cohort(0), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@needs_shared
def test_a_folder_of_published_badges_goes_all_the_way(tmp_path: Path) -> None:
    folder = SHARED / "dcc-vc-test-fixtures" / "verifiableCredentials" / "v2"
    prepared = prepare_badges(read_sources(folder), TEAMWORK, now=NOW)
    check(prepared)
    # The fixtures share a few ids among them: each is issued once.
    rules = {found.rule for _, found in prepared.refused}
    assert rules == {"duplicate-credential", "not-an-open-badge"}
    write_prepared(prepared, tmp_path / "out", partial=True)
    assert len(list((tmp_path / "out" / "holders").iterdir())) == len(prepared.events) > 0
