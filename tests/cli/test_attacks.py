"""Attacks told to their end on a real log, by the exit code of the command that meets them.

What thieves, sponsors and puppets do to a verdict is in `tests/trust_stories/`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from testamur.badges.commitment import render_holder_file
from testamur.canonical import jcs
from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import base64url_encode, parse, parse_submission_entry
from testamur.tlog.merkle import leaf_hashes, tree_root
from tests.cli.commands import Ended, World, run
from tests.cli.robbed import Robbed
from tests.harness.awards import awards
from tests.harness.judged import issued_by
from tests.harness.story import Story

# --- Names ---


def hands_in(robbed: Robbed, body: bytes) -> Ended:
    """Submit what the provider's own tools would not have signed."""
    Path("forged").write_bytes(body)
    return run("submit", "forged", "--url", robbed.served.url, "--vkey", "log.vkey", "--json")


def signed_unread(story: Story, event: e.Event) -> bytes:
    """Return a submission by the provider, whose line nobody reads before it is signed."""
    line = encode_event(event)
    header = parse(story.submission(story.provider, story.updated())).header
    root = base64url_encode(tree_root(leaf_hashes([line])))
    payload = msgspec.structs.replace(header.payload, root=root)
    parts = [jcs(msgspec.to_builtins(part)) for part in (header.protected, payload)]
    signed = ".".join(map(base64url_encode, parts))
    signature = base64url_encode(story.provider.key.sign(signed.encode()))
    return b"%b.%b\n%b\n" % (signed.encode(), signature.encode(), line)


@pytest.mark.server
@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("\u3164", "event-schema"),
        ("Oxford\u200b University", "event-schema"),
        ("Oxford (did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK)", "event-schema"),
        ("Oxford \u217e\u2170\u217e:key:z6Mk", "event-schema"),
        ("\u041exford University", "mixed-scripts"),
    ],
)
def test_no_name_that_is_not_what_it_seems_comes_on_the_log(
    robbed: Robbed, name: str, rule: str
) -> None:
    story, size = robbed.story, robbed.served.size
    body = signed_unread(story, story.updated(name))
    done = hands_in(robbed, body)
    assert (done.code, done.json["rule"]) == (1, rule)
    # Nor does the registry take it from a client that checks nothing.
    assert robbed.served.post(body).json()["rule"] == rule
    assert robbed.served.size == size


# --- A dry run ---


@pytest.mark.server
def test_who_is_given_a_dry_run_cannot_submit_it(robbed: Robbed) -> None:
    """It says what its signer may do, and not that its signer does it."""
    story, size = robbed.story, robbed.served.size
    revoked = e.CredentialRevoked(credential=story.new_id(), reason="misconduct")
    dry = story.dry_run(story.provider, revoked)
    done = hands_in(robbed, dry)
    assert (done.code, done.json["rule"]) == (1, "header-schema")
    # Line 1 of it is no header under which the lines could be handed in otherwise.
    header, _, lines = dry.partition(b"\n")
    told = story.submission(story.provider, revoked).partition(b"\n")[0]
    protected = told.split(b".")[0]
    swapped = b".".join([protected, *header.split(b".")[1:]]) + b"\n" + lines
    assert hands_in(robbed, swapped).code == 1
    assert robbed.served.size == size


# --- Time ---


def test_a_log_whose_time_lags_is_refuted(world: World) -> None:
    """It could move a theft before the key was retired, or a declaration after the 90 days."""
    story, log = world.story, world.log
    log.append(story.cohort(1))
    late = parse_submission_entry(log.entries[-2])[0]
    prepared = awards(story, 1)
    log.append(story.submission(story.provider, *prepared.events), recorded_at=late - 1)
    log.publish()
    done = run("replay", "log", "--vkey", "log.vkey", "--json")
    assert done.code == 1
    assert "time-order" in done.out


def test_a_log_that_runs_ahead_could_not_be_checked(world: World) -> None:
    """By its clock the 90 days could pass at once in which a theft can be declared."""
    story, log = world.story, world.log
    story.now += 200 * 24 * 3600
    log.append(story.cohort(1))
    log.publish()
    done = run("replay", "log", "--vkey", "log.vkey", "--json")
    assert done.code == 2
    assert "one of the two is wrong" in done.out


# --- Whose DID ---


def test_an_accreditor_makes_no_famous_organization_the_author(world: World) -> None:
    """Its word is heard on names and addresses; a DID that spells a key is its holder's alone."""
    story, log = world.story, world.log
    restated = story.accreditation_restated("An Organization")
    log.append(
        story.submission(
            story.accreditor, msgspec.structs.replace(restated, other_ids=(story.authority.did,))
        )
    )
    prepared = issued_by(awards(story, 1), story.authority)
    log.append(story.submission(story.provider, *prepared.events))
    log.publish()
    Path("0.json").write_bytes(render_holder_file(prepared.holders[0]))
    trust = ["--policy", "policy.txt", "--anchor", world.anchor]
    done = run("verify", "0.json", "--log", "log", *trust, "--json")
    unchecked = [each["name"] for each in done.json["checks"] if each["verdict"] != "holds"]
    assert (done.code, unchecked) == (2, ["issuer"])
