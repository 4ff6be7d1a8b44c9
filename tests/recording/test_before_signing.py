"""The commands refuse what is not recorded before it is signed; a log that holds it replays."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.catalogue.members import Identifier
from testamur.verification.replay import replay
from tests.cli.commands import key_file, run
from tests.harness.awards import cohort, offering, provider
from tests.harness.published_log import PublishedLog
from tests.harness.story import Story

IMITATION = "\u041exford"
NOT_RECORDED = {
    "mixed-scripts": e.OrganizationUpdated(country="NL", name=IMITATION),
    "country-code": e.OrganizationUpdated(country="UK", name="A"),
    "identifier": e.OrganizationUpdated(
        country="NL", identifiers=(Identifier(scheme="ROR", value="04dkp9463"),), name="A"
    ),
}


@pytest.mark.parametrize("rule", NOT_RECORDED)
def test_a_log_that_holds_one_replays(tmp_path: Path, rule: str) -> None:
    # Another table, another version of Unicode, or another operator may have let it in.
    story = Story()
    log = PublishedLog(tmp_path, story)
    for body in (*story.opening(), story.submission(story.provider, NOT_RECORDED[rule])):
        log.append(body)
    log.publish()
    assert replay(log.source(), log.key).register.size == log.size


@pytest.mark.parametrize("rule", NOT_RECORDED)
def test_check_and_sign_refuse_it_with_the_line_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    monkeypatch.chdir(tmp_path)
    story = Story()
    key_file(tmp_path, story.provider, "provider.key")
    Path("events.ndjson").write_bytes(encode_event(NOT_RECORDED[rule]) + b"\n")
    checked = run("check", "events.ndjson", "--json")
    assert checked.code == 1
    assert [(each["rule"], each["line"]) for each in checked.json["refusals"]] == [(rule, 1)]
    signed = run("sign", "events.ndjson", "--key", "provider.key", "--organization",
                 story.provider.did, "--log", "l.example", "--out", "s")  # fmt: skip
    assert (signed.code, Path("s").exists()) == (1, False)
    assert rule in signed.err


@pytest.mark.parametrize(
    ("option", "value", "right"),
    [("--country", "UK", "GB"), ("--identifier", "ROR=04dkp9463", "https://ror.org/04dkp9463")],
)
def test_join_refuses_it_before_the_founding_key_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, value: str, right: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("keygen", "--out", "keys").code == 0
    given = {"--country": "NL", "--name": "A", "--role": "provider", option: value}
    options = [each for pair in given.items() for each in pair]
    joined = run("join", "--keys", "keys", *options, "--log", "l.example", "--sponsor",
                 Story().accreditor.did, "--out", "j.ndjson")  # fmt: skip
    assert (joined.code, Path("j.ndjson").exists()) == (1, False)
    assert f"is written {right}" in " ".join(joined.err.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "found", "right", "rule"),
    [
        ("provider.json", '"NL"', '"UK"', "country-code"),
        ("achievement.json", '"0811"', '"811"', "isced-field"),
        ("achievement.json", '"MicroCredential"', '"Microcredential"', "achievement-type"),
        ("achievement.json", '"en"', '"eng"', "language-tag"),
    ],
)
def test_prepare_refuses_it_in_the_files_that_a_provider_writes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    found: str,
    right: str,
    rule: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    story = Story()
    Path("provider.json").write_bytes(msgspec.json.encode(provider(story)))
    Path("achievement.json").write_bytes(msgspec.json.encode(offering(story)))
    Path("c.csv").write_bytes(cohort(1))
    prepare = ["prepare", "c.csv", "--achievement", "achievement.json"]
    prepare += ["--provider", "provider.json", "--out"]
    assert run(*prepare, "good").code == 0
    text = Path(file).read_text(encoding="utf-8")
    assert found in text
    Path(file).write_text(text.replace(found, right), encoding="utf-8")
    prepared = run(*prepare, "bad")
    assert (prepared.code, Path("bad").exists()) == (1, False)
    assert rule in prepared.err
    assert file in prepared.err
