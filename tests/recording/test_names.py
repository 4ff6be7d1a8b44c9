"""Names that imitate another by letters of a second script are refused before they are recorded."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.recording.names import imitation
from testamur.verification.replay import replay
from tests.cli.commands import run
from tests.harness.published_log import PublishedLog
from tests.harness.story import Story


@pytest.mark.parametrize(
    "name",
    [
        "A College",
        "Universität Zürich",
        "Открытый университет (OU)",
        "C++ для начинающих",
        "ΤΕΙ Αθήνας / TEI",
        "東京Tech大学",
        "ユーザー々",
        "한국 KAIST",
        "Δt and μm",
        "µm and Ωm",
        "РОСА",
        "1й курс",
        "ශ්\u200dරී ලංකා",
    ],
)
def test_honest_names_of_every_script_pass(name: str) -> None:
    assert imitation(name) is None


@pytest.mark.parametrize(
    ("name", "character"),
    [
        ("Оxford", "U+041E CYRILLIC CAPITAL LETTER O"),
        ("University of Oxfοrd", "U+03BF GREEK SMALL LETTER OMICRON"),
        ("ОСА College", "U+041E CYRILLIC CAPITAL LETTER O"),
        ("\uff21В", "U+0412 CYRILLIC CAPITAL LETTER VE"),
        ("𝐀В", "U+0412 CYRILLIC CAPITAL LETTER VE"),
        ("Ꭺmherst", "U+13AA CHEROKEE LETTER GO"),
        ("Нагva\u0301rd", "U+041D CYRILLIC CAPITAL LETTER EN"),
        ("АΒ", "U+0392 GREEK CAPITAL LETTER BETA"),
    ],
)
def test_an_imitation_is_refused_with_its_characters_and_what_to_write(
    name: str, character: str
) -> None:
    why = imitation(name)
    assert why is not None
    assert character in why
    assert "; write " in why


def test_a_log_that_holds_one_replays(tmp_path: Path) -> None:
    # Another version of Unicode, or another operator, may have let it in.
    story = Story()
    log = PublishedLog(tmp_path, story)
    forged = e.OrganizationUpdated(country="NL", name="Оxford", organization=story.provider.did)
    for body in (*story.opening(), story.submission(story.provider, forged)):
        log.append(body)
    log.publish()
    replayed = replay(log.source(), log.key)
    assert replayed.register.organizations[story.provider.did].name == "Оxford"


def test_check_and_sign_and_prepare_refuse_it_before_it_is_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("keygen", "--out", "a.key").code == 0
    made = run(
        "event", "organization.updated", "organization=did:web:a.example", "country=NL",
        "name=Оxford", "--to", "events.ndjson",
    )  # fmt: skip
    assert made.code == 0
    checked = run("check", "events.ndjson", "--json")
    assert checked.code == 1
    found = checked.json["refusals"]
    assert [(each["rule"], each["line"]) for each in found] == [("mixed-scripts", 1)]
    signed = run("sign", "events.ndjson", "--key", "a.key", "--log", "l.example", "--out", "s")
    assert (signed.code, Path("s").exists()) == (1, False)
    assert "mixed-scripts" in signed.err

    provider = {"country": "NL", "did": "did:web:a.example", "name": "Оxford"}
    Path("p.json").write_bytes(msgspec.json.encode(provider))
    Path("c.csv").write_text("learner,awarded\n", encoding="utf-8")
    prepared = run("prepare", "c.csv", "--achievement", "x.json", "--provider", "p.json",
                   "--out", "o")  # fmt: skip
    assert prepared.code == 1
    assert "mixed-scripts" in prepared.err
