"""A credential and a whole log at the command line: what holds, and what does not."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from testamur.badges.commitment import render_holder_file
from testamur.badges.identities import check_learner, read_asked
from testamur.canonical import jcs
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event
from testamur.verification.evidence import build_evidence, parse_evidence, render_evidence
from testamur.verification.finding import attempt
from tests.cli.commands import Ended, World, run
from tests.harness.http_registry import HttpRegistry, Reply
from tests.harness.spring import spring
from tests.harness.story import party

# --- Verifying ---


def verify(world: World, *more: object, number: int = 0) -> Ended:
    policy = ["--policy", "policy.txt", "--at", "2026-11-21"]
    return run("verify", f"{number}.json", "--evidence", "e", *policy, *more)


OFFLINE = (
    "everything in the file holds; whether it was revoked since could not be told "
    "offline: add --url"
)
DATED = "; its dates are judged as of 2026-11-21T00:00:00+00:00, not of now"


def test_offline_everything_in_the_file_holds_and_what_it_leaves_out_is_not_known(
    world: World,
) -> None:
    world.evidence()
    done = verify(world, "--anchor", world.anchor, "--json")
    assert (done.code, done.json["verdict"]) == (2, "could-not-tell")
    assert done.json["why"] == f"{OFFLINE}{DATED}"
    shown = verify(world, "--anchor", world.anchor)
    assert " ".join(shown.out.split()).startswith(f"Could not tell: {OFFLINE}")
    assert "commitment" in shown.out
    assert "bearer's word" in shown.out


def test_the_verdict_comes_first_and_says_who_states_what_is_not_proven(
    world: World, registry: HttpRegistry
) -> None:
    shown = run("verify", "0.json", "--url", registry.url, "--policy", "policy.txt",
                "--anchor", world.anchor, "--at", "2026-11-21")  # fmt: skip
    assert shown.code == 0
    assert shown.out.startswith(f"Valid: every check holds as of size {world.log.size}")
    assert "stated by the register" in shown.out


@pytest.mark.slow
def test_a_revocation_deleted_from_a_file_is_found_by_asking(
    world: World, registry: HttpRegistry
) -> None:
    """A file with one submission less once exited with 0."""
    revoked = e.CredentialRevoked(credential=world.holders[0].id, reason="misconduct")
    world.log.append(world.story.submission(world.story.provider, revoked))
    world.log.publish()
    world.evidence()
    assert verify(world, "--anchor", world.anchor).code == 1
    evidence = json.loads(Path("e").read_bytes())
    Path("whole").write_bytes(Path("e").read_bytes())
    evidence["submissions"].pop()
    Path("e").write_bytes(jcs(evidence) + b"\n")

    done = verify(world, "--anchor", world.anchor, "--json")
    assert (done.code, done.json["verdict"]) == (2, "could-not-tell")
    assert done.json["why"] == f"{OFFLINE}{DATED}"
    base = ["verify", "0.json", "--policy", "policy.txt", "--anchor", world.anchor, "--json"]
    for fresh in (["--url", registry.url], ["--log", "log"], ["--log", registry.url]):
        for file in ([], ["--evidence", "e"]):
            done = run(*base, *fresh, *file, "--at", "2026-11-21")
            assert done.code == 1
            assert done.json["why"].startswith("the credential is revoked")


def test_what_a_file_shows_counts_although_the_register_was_asked(
    world: World, registry: HttpRegistry
) -> None:
    """A register may hide what it stated before."""
    world.evidence()
    registry.script += [Reply(200, Path("e").read_bytes())] * 2
    revoked = e.CredentialRevoked(credential=world.holders[0].id, reason="misconduct")
    world.log.append(world.story.submission(world.story.provider, revoked))
    Path("e").unlink()
    world.log.publish()
    world.evidence()
    base = ["verify", "0.json", "--policy", "policy.txt", "--anchor", world.anchor]
    asked = [*base, "--url", registry.url, "--at", "2026-11-21"]
    assert run(*asked).code == 0
    assert run(*asked, "--evidence", "e").code == 1


def test_the_whole_log_is_read_instead_of_asking(world: World) -> None:
    base = ["verify", "0.json", "--log", "log", "--policy", "policy.txt", "--json"]
    done = run(*base, "--anchor", world.anchor, "--at", "2026-11-21")
    assert (done.code, done.json["evidenceFrom"]) == (0, "replay")


@pytest.mark.parametrize("option", ["--url", "--log"])
@pytest.mark.parametrize(
    "address", ["http://registry.example", "http://10.0.0.1:8000", "http://127.0.0.1.example"]
)
def test_a_register_is_asked_over_tls_or_on_this_machine(
    world: World, option: str, address: str
) -> None:
    """Else anybody on the way could leave out a revocation."""
    done = run("verify", "0.json", option, address, "--policy", "policy.txt", "--json")
    assert (done.code, done.json["error"]) == (2, "usage")
    assert "TLS" in done.json["detail"]


def test_a_file_without_what_the_register_shows_spoils_no_good_credential(
    world: World, registry: HttpRegistry
) -> None:
    """Its bearer left out that a thief had revoked, and put in what is beside the point."""
    story = world.story
    revoked = e.CredentialRevoked(credential=world.holders[0].id, reason="misconduct")
    at = world.log.append(story.submission(story.provider, revoked))
    declared = story.key_compromised(story.provider, at)
    position = world.log.append(story.submission(story.provider.founding, declared))
    beside = world.log.append(story.submission(story.accreditor, story.updated()))
    world.log.publish()
    world.evidence()
    evidence = parse_evidence(Path("e").read_bytes())
    shown = [(each.position, [each.position + one.number for one in each.events])
             for each in evidence.submissions if each.position != position]  # fmt: skip
    note = Path("log/checkpoint").read_bytes()
    cut = build_evidence(
        world.log.reader(), note, evidence.credential, [*shown, (beside, [beside + 1])]
    )
    Path("e").write_bytes(render_evidence(cut))
    base = ["verify", "0.json", "--policy", "policy.txt", "--anchor", world.anchor]
    base += ["--at", "2026-11-21"]
    assert run(*base, "--evidence", "e").code == 1
    for fresh in (["--url", registry.url], ["--log", "log"]):
        done = run(*base, *fresh, "--evidence", "e")
        assert done.code == 0, done.out
        assert "every check holds" in done.out


def test_a_damaged_file_beside_a_register_is_left_aside(
    world: World, registry: HttpRegistry
) -> None:
    world.evidence()
    evidence = json.loads(Path("e").read_bytes())
    evidence["submissions"][-1]["inclusion"].reverse()
    Path("e").write_bytes(jcs(evidence) + b"\n")
    base = ["verify", "0.json", "--policy", "policy.txt", "--anchor", world.anchor]
    base += ["--evidence", "e", "--at", "2026-11-21"]
    assert run(*base).code == 1
    done = run(*base, "--url", registry.url)
    assert done.code == 0
    assert "The file does not hold" in done.err


@pytest.mark.parametrize("answer", [b"<html>Log in here</html>", b"{}", b""])
def test_what_is_no_evidence_refutes_no_credential(
    world: World, registry: HttpRegistry, answer: bytes
) -> None:
    registry.script.append(Reply(200, answer))
    base = ["verify", "0.json", "--url", registry.url, "--policy", "policy.txt", "--json"]
    done = run(*base)
    assert (done.code, done.json["error"]) == (2, "unavailable")


def test_a_damaged_copy_of_the_log_refutes_no_credential(world: World) -> None:
    bundle = next(Path("log/tile/entries").rglob("*.p/*"))
    bundle.unlink()
    done = run("verify", "0.json", "--log", "log", "--policy", "policy.txt", "--json")
    assert (done.code, done.json["error"]) == (2, "unavailable")
    assert "not sound" in done.json["detail"]
    assert run("replay", "log", "--vkey", "log.vkey").code == 1


def test_a_verifier_key_stands_for_a_policy_without_witnesses(world: World) -> None:
    world.evidence()
    base = ["verify", "0.json", "--evidence", "e", "--at", "2026-11-21", "--anchor", world.anchor]
    for given in (["--vkey", "log.vkey"], ["--policy", "log.vkey"], ["--policy", world.log.key]):
        assert run(*base, *given, "--json").json["why"].startswith(OFFLINE)


def test_anchors_come_from_a_file_too(world: World) -> None:
    world.evidence()
    Path("anchors.txt").write_text(f"# those I trust\n\n{world.anchor}\n{party('other').did}\n")
    assert verify(world, "--anchors", "anchors.txt", "--json").json["why"].startswith(OFFLINE)
    Path("anchors.txt").write_text("somebody\n")
    assert verify(world, "--anchors", "anchors.txt").code == 2


def _learner_of(world: World) -> str:
    """Return the learner of the first holder file; a cohort is prepared in random order."""
    names = [f"learner{number}@example.org" for number in range(len(world.holders))]
    of_first = world.holders[0].credential
    return next(
        each
        for each in names
        if isinstance(attempt(partial(check_learner, of_first, read_asked(each))), str)
    )


def test_whose_it_is_is_checked_if_somebody_asks_and_noted_if_nobody_does(
    world: World, registry: HttpRegistry
) -> None:
    base = ["verify", "0.json", "--url", registry.url, "--policy", "policy.txt"]
    base += ["--anchor", world.anchor, "--at", "2026-11-21"]
    shown = run(*base)
    assert shown.code == 0
    assert "whose it is was not checked" in shown.err
    for learner, code in ((_learner_of(world), 0), ("bob@example.org", 1), ("did:example:ada", 2)):
        done = run(*base, "--learner", learner, "--json")
        assert (done.code, done.json["checks"][-1]["name"]) == (code, "learner")
        assert learner not in done.out
        assert "was not checked" not in str(done.json["notes"])
    assert run(*base, "--learner", "bob@example.org").out.startswith(
        "Not valid: the credential names another"
    )


@pytest.mark.parametrize(
    ("learner", "code", "verdict", "told"),
    [
        ("Ada Lovelace", 0, "holds", "this name; others may have the same name"),
        (" Ada  Lovelace", 0, "holds", "this name; others may have the same name"),
        ("Ada Byron", 2, "could not check", "another name than was asked about"),
        ("Ada\u200cLovelace", 2, "could not check", "another name than was asked about"),
        ("1046784", 1, "refuted", "another learner, by a number"),
    ],
)
def test_a_name_is_compared_and_never_refutes(
    world: World, registry: HttpRegistry, learner: str, code: int, verdict: str, told: str
) -> None:
    (made,) = spring(world.log, world.story, "1046783,Ada Lovelace,2026-11-20").made
    Path("named.json").write_bytes(render_holder_file(made.holder))
    base = ["verify", "named.json", "--url", registry.url, "--policy", "policy.txt"]
    done = run(*base, "--anchor", world.anchor, "--learner", learner, "--json")
    assert done.code == code
    check = done.json["checks"][-1]
    assert (check["name"], check["verdict"]) == ("learner", verdict)
    assert told in check["detail"]
    assert learner.strip() not in done.out


@pytest.mark.parametrize("learner", ["", " ", "ada\u200b@example.org", "a" * 2001, "ada\udcff"])
def test_nobody_is_asked_about_who_cannot_be_a_learner(world: World, learner: str) -> None:
    world.evidence()
    done = verify(world, "--learner", learner, "--json")
    assert (done.code, done.json["error"]) == (2, "usage")


def test_a_mark_that_an_editor_put_into_a_list_or_a_policy_is_passed_over(world: World) -> None:
    world.evidence()
    mark = b"\xef\xbb\xbf"
    Path("anchors.txt").write_bytes(mark + world.anchor.encode() + b"\r\n")
    Path("policy.txt").write_bytes(mark + Path("policy.txt").read_bytes())
    assert verify(world, "--anchors", "anchors.txt", "--json").json["why"].startswith(OFFLINE)


def test_a_wrong_anchor_is_told_by_its_place_and_not_at_length(world: World) -> None:
    world.evidence()
    Path("anchors.txt").write_text(f"{world.anchor}\n" + "{" * 5000)
    done = verify(world, "--anchors", "anchors.txt", "--json")
    assert done.code == 2
    assert "anchors.txt line 2: " in done.json["detail"]
    assert len(done.json["detail"]) < 300
    done = verify(world, "--anchor", "notadid", "--json")
    assert "'notadid' is neither a DID nor a file" in done.json["detail"]


def test_what_is_wrong_with_a_file_is_told_with_its_name(world: World) -> None:
    world.evidence()
    Path("e").write_bytes(b"{}")
    assert "e could not be checked: evidence: not an evidence file" in verify(world).err
    Path("0.json").write_bytes(b"{}")
    assert "0.json could not be checked: holder-file: " in verify(world).err


def recognition(done: Ended) -> tuple[str, str]:
    (check,) = [each for each in done.json["checks"] if each["name"] == "recognition"]
    return check["verdict"], check["detail"]


def test_without_anchors_the_root_authorities_are_used_and_named_as_such(world: World) -> None:
    base = ["verify", "0.json", "--log", "log", "--policy", "policy.txt", "--at", "2026-11-21"]
    done = run(*base, "--json")
    assert done.code == 0
    verdict, detail = recognition(done)
    assert verdict == "holds"
    assert "a root authority of the log's genesis (you gave no trust anchor)" in detail
    assert "you gave no trust anchor" not in run(*base, "--anchor", world.anchor).out


def test_an_anchor_that_recognised_nobody_is_no_reason_to_believe(world: World) -> None:
    world.evidence()
    offline = verify(world, "--anchor", party("other").did, "--json")
    assert (offline.code, recognition(offline)[0]) == (2, "could not check")
    base = ["verify", "0.json", "--log", "log", "--policy", "policy.txt", "--at", "2026-11-21"]
    replayed = run(*base, "--anchor", party("other").did, "--json")
    assert (replayed.code, recognition(replayed)[0]) == (1, "refuted")


@pytest.mark.parametrize("pinned", ["did:web:agency.example", "did:key:zz"])
def test_an_anchor_is_a_founding_key(world: World, pinned: str) -> None:
    world.evidence()
    for anchor in (pinned, f"{world.anchor}#{party('a').key_id}"):
        assert verify(world, "--anchor", anchor).code == 2


def test_a_changed_credential_is_refuted(world: World) -> None:
    world.evidence()
    holder = world.holders[0]
    holder.credential["name"] = "Brain Surgery"
    Path("0.json").write_bytes(render_holder_file(holder))
    done = verify(world, "--anchor", world.anchor)
    assert done.code == 1
    assert "refuted" in done.out


def test_dates_are_judged_at_the_time_asked_about(world: World) -> None:
    world.evidence()
    early = ["--policy", "policy.txt", "--anchor", world.anchor, "--at", "2026-11-19T23:59:59Z"]
    done = run("verify", "0.json", "--evidence", "e", *early, "--json")
    assert done.code == 1
    assert [c["name"] for c in done.json["checks"] if c["verdict"] == "refuted"] == ["validity"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "policy", ["log nonsense\nquorum none\n", "", "quorum none", "a+b+c", "\udcff\n"]
)
def test_a_malformed_policy_is_wrong_usage_and_no_verdict(world: World, policy: str) -> None:
    world.evidence()
    Path("p").write_bytes(policy.encode("utf-8", "surrogateescape"))
    done = run("verify", "0.json", "--evidence", "e", "--policy", "p")
    assert done.code == 2
    assert run("verify", "0.json", "--evidence", "e", "--policy", "nowhere.txt").code == 2


def test_a_bare_credential_is_told_apart_from_a_holder_file(world: World) -> None:
    world.evidence()
    bare = world.holders[0].credential
    for spelt in (jcs(bare), json.dumps(bare, indent=2).encode()):
        Path("0.json").write_bytes(spelt)
        done = verify(world, "--json")
        assert (done.code, done.json["error"]) == (2, "unavailable")
        assert "blind-missing" in done.json["detail"]


def test_a_holder_file_that_was_laid_out_anew_is_judged_by_what_it_says(world: World) -> None:
    world.evidence()
    holder = json.loads(Path("0.json").read_bytes())
    Path("0.json").write_text(json.dumps(holder, indent=2))
    assert verify(world, "--anchor", world.anchor).code == 2
    holder["credential"]["name"] = "Brain Surgery"
    Path("0.json").write_text(json.dumps(holder, indent=2))
    done = verify(world, "--anchor", world.anchor, "--json")
    assert done.code == 1
    refuted = [check["name"] for check in done.json["checks"] if check["verdict"] == "refuted"]
    assert "commitment" in refuted


def test_what_a_registry_gives_is_verified_like_a_file(
    world: World, registry: HttpRegistry
) -> None:
    base = ["verify", "0.json", "--url", registry.url, "--policy", "policy.txt"]
    assert run(*base, "--anchor", world.anchor, "--at", "2026-11-21").code == 0
    about = f"/credentials/{world.holders[0].id}"
    assert [asked.path for asked in registry.asked] == [f"{about}/evidence", about]
    assert all(asked.body == b"" for asked in registry.asked)


def test_evidence_comes_from_one_place(world: World) -> None:
    assert run("verify", "0.json", "--policy", "policy.txt").code == 2
    both = ["--log", "log", "--url", "http://127.0.0.1:9"]
    assert run("verify", "0.json", "--policy", "policy.txt", *both).code == 2
    assert run("evidence", "0.json").code == 2


def test_evidence_from_the_log_is_that_of_a_registry(world: World, registry: HttpRegistry) -> None:
    world.evidence()
    done = run("evidence", "0.json", "--url", registry.url, "--json")
    assert done.json["file"] == f"{world.holders[0].id}.testamur.json"
    assert Path(done.json["file"]).read_bytes() == Path("e").read_bytes()


def test_evidence_as_of_a_moment_is_asked_of_a_registry(
    world: World, registry: HttpRegistry
) -> None:
    ask = ["evidence", "0.json", "--url", registry.url]
    assert run(*ask, "--at", "2026-11-21", "--out", "a").code == 0
    assert run(*ask, "--size", "12", "--out", "b").code == 0
    assert [asked.query for asked in registry.asked] == [
        {"at": "2026-11-21T00:00:00Z"},
        {"size": "12"},
    ]
    assert run(*ask, "--size", "12", "--at", "2026-11-21", "--out", "c").code == 2
    own = ["--log", "log", "--vkey", "log.vkey"]
    assert run("evidence", "0.json", *own, "--size", "12", "--out", "c").code == 2
    assert not Path("c").exists()


def test_evidence_of_what_was_never_issued_is_unavailable(world: World) -> None:
    name = world.story.new_id()
    done = run("evidence", name, "--log", "log", "--vkey", "log.vkey", "--out", "e", "--json")
    assert (done.code, done.json["error"]) == (2, "unavailable")
    assert not Path("e").exists()


def test_a_credential_superseded_by_another_has_evidence_of_both(world: World) -> None:
    old, new, _ = world.holders
    line = ["event", "credential.superseded", f"credential={old.id}", f"successor={new.id}"]
    event = decode_event(run(*line).out.strip().encode())
    world.log.append(world.story.submission(world.story.provider, event))
    world.log.publish()
    world.evidence()
    done = verify(world, "--json")
    statuses = {c["name"]: c["detail"] for c in done.json["checks"] if c["verdict"] == "refuted"}
    assert statuses.keys() == {"status"}
    assert "superseded" in statuses["status"]


@pytest.mark.parametrize("command", ["status", "evidence"])
def test_an_answer_about_another_credential_is_no_answer(
    world: World, registry: HttpRegistry, command: str
) -> None:
    other = world.holders[1].id
    world.evidence()
    answer = (
        json.dumps({"id": other, "status": "active"}).encode()
        if command == "status"
        else Path("e").read_bytes().replace(world.holders[0].id.encode(), other.encode())
    )
    registry.script.append(Reply(200, answer))
    done = run(command, "0.json", "--url", registry.url)
    assert done.code == 2
    assert "answered about" in done.err
    assert not list(Path().glob("*.testamur.json"))


def test_a_register_that_answers_as_of_an_earlier_size_did_not_answer(
    world: World, registry: HttpRegistry
) -> None:
    """Else it could leave out a revocation without a lie."""
    world.evidence()
    found = json.loads(Path("e").read_bytes())
    earlier = jcs({**found, "size": world.log.size - 1})
    registry.script.append(Reply(200, earlier))
    base = ["--url", registry.url, "--policy", "policy.txt", "--anchor", world.anchor]
    done = run("verify", "0.json", *base)
    assert done.code == 2
    assert f"answered as of size {world.log.size - 1}, and was asked about now" in done.err


def test_evidence_that_no_verifier_would_read_is_not_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys that were declared compromised a thousand times can make it so, for their owner."""
    monkeypatch.setattr("testamur.verification.evidence.MAX_EVIDENCE", 5000)
    done = run("evidence", "0.json", "--log", "log", "--vkey", "log.vkey", "--out", "e", "--json")
    assert (done.code, done.json["error"]) == (2, "unavailable")
    assert "replay the log instead" in done.json["detail"]
    assert not Path("e").exists()
