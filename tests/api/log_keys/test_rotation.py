"""A served log changes its key under load, and every reader follows who knows one of its keys."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.folder import Folder
from testamur.tlog.checkpoint import open_checkpoint
from testamur.tlog.log_keys import LogKeys, UnknownLogKey
from testamur.tlog.note import VerifierKey, parse_note
from testamur.verification.replay import replay
from tests.cli.commands import run
from tests.harness.served import Served, called
from tests.harness.waiting import until

pytestmark = pytest.mark.server
TODAY = datetime.now(UTC).date()
DAY = timedelta(days=1)


class Rotating:
    """A log, and its two keys; which days theirs are is written into its list."""

    def __init__(self, log: Served) -> None:
        self.log = log
        added = called("log-key", "add", "--from", str(TODAY + DAY), "--data", log.data)
        assert added.returncode == 0, added.stderr
        self.old, self.new = log.key, VerifierKey.parse(added.stdout.strip())
        self.both = LogKeys((self.old, self.new))

    def days(self, old: str, new: str) -> None:
        Folder(self.log.data).log_keys.write_text(f"{self.old} {old}\n{self.new} {new}\n")

    def signers(self) -> set[bytes]:
        note = parse_note(self.log.get("/log/checkpoint").content)
        return {line.key_id for line in note.signatures}


@pytest.fixture
def rotating(opened_log: Served, tmp_path: Path) -> Iterator[Rotating]:
    log = opened_log.copy(tmp_path / "data")
    yield Rotating(log)
    log.close()


def test_a_log_changes_its_key_and_everybody_can_follow(rotating: Rotating, tmp_path: Path) -> None:
    log, old, new, both = rotating.log, rotating.old, rotating.new, rotating.both
    story = log.story

    # From its first day the new key signs as well: who knows either is served.
    rotating.days(f"{TODAY - 9 * DAY} -", f"{TODAY - DAY} -")
    with log.running():
        log.submit(story.cohort(5))  # whose receipt is verified by a policy of the old key alone
        assert rotating.signers() == {old.key_id, new.key_id}
        assert log.get("/log/vkey").text == f"{old}\n{new}\n"
        about = log.get("/").json()
        assert about["keys"][1] == {"vkey": str(new), "firstDay": str(TODAY - DAY), "lastDay": None}
        vkeys = tmp_path / "log.vkey"
        vkeys.write_bytes(log.get("/log/vkey").content)
        size = replay(log.source, old).checkpoint.size

    # Later it signs alone: who knows both goes on, and who knows the old one is told.
    rotating.days(f"{TODAY - 9 * DAY} {TODAY - DAY}", f"{TODAY - DAY} -")
    Folder(log.data).key.unlink()  # its time is over
    with log.running():
        answer = log.post(story.cohort(5))
        assert answer.status_code == 201, answer.text
        assert rotating.signers() == {new.key_id}
        assert log.get("/log/vkey").text == f"{old}\n{new}\n"
        note = log.get("/log/checkpoint").content
        assert open_checkpoint(note, both)[0].size > size
        with pytest.raises(UnknownLogKey, match=new.key_id.hex()):
            open_checkpoint(note, old)
        replayed = replay(log.source, both)
        assert replayed.checkpoint.size > size
        until(lambda: log.get("/readyz").status_code == 200)  # the tables followed, too

        assert run("replay", log.url, "--vkey", str(vkeys)).code == 0
        alone = run("replay", log.url, "--vkey", str(old))
        assert alone.code == 2
        assert new.key_id.hex() in alone.err
        own_word = run("replay", log.url)
        assert own_word.code == 0, own_word.err
        assert f"{old} or {new}" in own_word.err.replace("\n", " ")
    checked = called("fsck", "--data", log.data)
    assert checked.returncode == 0, checked.stdout


def test_a_key_changes_under_load_and_no_answer_is_lost(rotating: Rotating) -> None:
    log, story = rotating.log, rotating.log.story
    bodies = [story.cohort(3) for _ in range(24)]
    rotating.days(f"{TODAY - 9 * DAY} -", f"{TODAY + DAY} -")
    sizes: list[int] = []

    def submit(some: list[bytes]) -> None:
        sizes.extend(log.post(body).status_code for body in some)

    for days, some in (
        ((f"{TODAY - 9 * DAY} -", f"{TODAY + DAY} -"), bodies[:8]),
        ((f"{TODAY - 9 * DAY} -", f"{TODAY - DAY} -"), bodies[8:16]),
        ((f"{TODAY - 9 * DAY} {TODAY - DAY}", f"{TODAY - DAY} -"), bodies[16:]),
    ):
        rotating.days(*days)
        with log.running():
            threads = [threading.Thread(target=submit, args=(some[n::4],)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert sizes == [201] * len(bodies)
    with log.running():
        assert rotating.signers() == {rotating.new.key_id}
        replayed = replay(log.source, rotating.both)
    assert replayed.statistics.events["credential.issued/1"] == 3 * len(bodies)


def test_a_server_without_the_key_that_signed_last_does_not_start(rotating: Rotating) -> None:
    log = rotating.log
    rotating.days(f"{TODAY - 9 * DAY} {TODAY - DAY}", f"{TODAY - DAY} -")
    with log.running():
        log.post(log.story.cohort(2))
    Folder(log.data).log_keys.unlink()
    started = called("serve", "--data", log.data, "--port", "0")
    assert started.returncode == 1
    assert rotating.new.key_id.hex() in started.stderr
