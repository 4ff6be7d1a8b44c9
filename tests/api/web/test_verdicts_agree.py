"""A page comes to the verdicts of Python, check by check, by the same sentences."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from testamur.errors import Refuted
from testamur.verification.report import Report
from tests.harness.page_modules import ask, refuses
from tests.vectors.judge import judge
from tests.vectors.make_evidence import FOLDER

NOT_MADE: Final = {
    *("achievement", "issuer", "validity", "proof", "learner"),
    *("blockcert", "blockchain"),
}
"""What a page says it could not check, because it does not make the check yet."""

# How a decoder says what is wrong with a form differs from library to library.
OTHER_WORDS: Final = {
    ("a-header-that-is-none", "submission"),
    ("a-header-that-is-none", "inclusion"),
}

Said: TypeAlias = dict[str, tuple[str, str, str]]
"""By check: its verdict, its basis, and the sentence."""


def written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def case(found: Any) -> dict[str, Any]:
    """Return what a page is asked about a vector."""
    return {
        "holder": written(found["holder"]),
        "evidence": written(found["evidence"]),
        "policy": found["policy"],
        "anchors": found["anchors"],
        "now": found["now"],
        "evidenceFrom": found.get("evidenceFrom", "register"),
        "at": found.get("at"),
        "learner": found.get("learner"),
    }


def said_by_page(answer: Any) -> Said | None:
    if refuses(answer):
        return None
    return {
        each["name"]: (each["verdict"], each["basis"], each["detail"]) for each in answer["checks"]
    }


def said_by_python(found: Any) -> Said | None:
    try:
        report: Report = judge(found)
    except Refuted:
        return None
    return {each.name: (each.verdict, each.basis, each.detail) for each in report.checks}


def differences(page: Said | None, python: Said | None, *, part: int) -> list[str]:
    """Return where the two differ; `part` is 0 for verdicts, 1 for bases, 2 for sentences."""
    if page is None or python is None:
        return [] if page == python else [f"refused by {'python' if python is None else 'page'}"]
    made = (page.keys() | python.keys()) - NOT_MADE
    return [name for name in sorted(made) if page[name][part] != python[name][part]]


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    return {
        file.stem: json.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.json"))
    }


@pytest.fixture(scope="module")
def pages(vectors: dict[str, Any]) -> dict[str, Said | None]:
    answers = ask("verify", [case(found) for found in vectors.values()])
    return dict(zip(vectors, map(said_by_page, answers), strict=True))


@pytest.mark.slow
def test_each_check_comes_to_the_verdict_that_is_due(
    vectors: dict[str, Any], pages: dict[str, Said | None]
) -> None:
    wrong, compared = [], 0
    for name, found in vectors.items():
        page = pages[name]
        assert page is not None
        for check, due in found["expected"].items():
            if check not in NOT_MADE:
                compared += 1
                wrong += [(name, check, due, page[check])] if page[check][0] != due else []

    assert wrong == []
    assert compared > 1900


@pytest.mark.slow
def test_a_page_rests_its_verdicts_on_what_python_does_and_says_so_in_its_words(
    vectors: dict[str, Any], pages: dict[str, Said | None]
) -> None:
    for name, found in vectors.items():
        page, python = pages[name], said_by_python(found)
        assert differences(page, python, part=1) == [], name
        other = differences(page, python, part=2)
        assert {(name, check) for check in other} <= OTHER_WORDS


@pytest.mark.slow
def test_what_a_page_does_not_check_it_says_it_could_not_check(
    vectors: dict[str, Any], pages: dict[str, Said | None]
) -> None:
    assert set(ask("notMade", [None])[0]) == NOT_MADE
    for name, found in vectors.items():
        page = pages[name]
        assert page is not None
        left_open = page.keys() & NOT_MADE
        assert left_open >= {"achievement", "issuer", "validity"}
        assert left_open - {"proof"} == (found["expected"].keys() & NOT_MADE) - {"proof"}
        assert {page[check][0] for check in left_open} == {"could not check"}


@pytest.mark.slow
def test_a_page_never_calls_valid_what_it_did_not_check(vectors: dict[str, Any]) -> None:
    answers = ask("verify", [case(vectors["a-good-credential"])])

    assert answers[0]["verdict"] == "could-not-tell"


# --- Files that were bent at random ---

MUTATED: Final = (
    "a-good-credential",
    "a-quorum-that-is-met",
    "a-chain-of-four-recognitions",
    "a-proof-by-a-key-that-was-stolen-afterwards",
    "a-revocation-by-the-successor-that-the-closed-issuer-named",
    "a-revocation-by-the-successor-that-the-accreditor-named",
)
EACH: Final = 30


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to every member and item of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in items:
        yield (*path, name)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, name))


def bent(found: Any, draw: random.Random) -> Any:
    """Return a vector whose evidence or policy is changed in one place."""
    other = copy.deepcopy(found)
    if draw.random() < 0.1:
        other["policy"] = bent_text(other["policy"], draw)
        return other
    *path, last = draw.choice([*places(other["evidence"])])
    within = other["evidence"]
    for name in path:
        within = within[name]
    value = within[last]
    if isinstance(value, str) and value:
        within[last] = bent_text(value, draw)
    elif isinstance(value, int):
        within[last] = max(0, value + draw.choice([-2, -1, 1, 2**40]))
    elif isinstance(value, list) and value and draw.random() < 0.7:
        value.insert(draw.randrange(len(value)), copy.deepcopy(draw.choice(value)))
    else:
        del within[last]
    return other


def bent_text(text: str, draw: random.Random) -> str:
    at = draw.randrange(len(text))
    other = draw.choice(["", text[at] * 2, "A", "=", " ", "\n", "é", "0", "\u017f"])
    return text[:at] + other + text[at + 1 :]


@pytest.mark.slow
def test_of_files_bent_at_random_both_say_the_same(vectors: dict[str, Any]) -> None:
    draw = random.Random(12)
    files = [bent(vectors[name], draw) for name in MUTATED for _ in range(EACH)]
    answers = ask("verify", [case(found) for found in files])

    outcomes = set[str]()
    for found, answer in zip(files, answers, strict=True):
        page, python = said_by_page(answer), said_by_python(found)
        assert differences(page, python, part=0) == [], (page, python)
        outcomes |= {"refused"} if python is None else {said[0] for said in python.values()}
    assert outcomes == {"refused", "refuted", "could not check", "holds"}


def test_the_golden_credential_is_judged_alike_after_each_change() -> None:
    path = Path(__file__).parents[2] / "vectors/evidence.json"
    golden = json.loads(path.read_text("utf-8"))
    changed = [golden, *(_changed(golden, change) for change in golden["refuted"])]
    answers = ask("verify", [case(found) for found in changed])

    for found, answer in zip(changed, answers, strict=True):
        assert differences(said_by_page(answer), said_by_python(found), part=0) == []


def _changed(golden: Any, change: Any) -> Any:
    found = copy.deepcopy(golden)
    *path, last = change["at"]
    within = found
    for name in path:
        within = within[name]
    within[last] = change["value"]
    return found


# --- Whoever asks wrongly ---


def test_a_source_of_evidence_that_is_none_is_never_taken_for_the_register(
    vectors: dict[str, Any],
) -> None:
    asked = case(vectors["a-good-credential"])

    with pytest.raises(AssertionError, match="from a file or the register, not File"):
        ask("verify", [{**asked, "evidenceFrom": "File"}])


def test_without_a_time_of_asking_nothing_is_judged(vectors: dict[str, Any]) -> None:
    asked = case(vectors["a-good-credential"])

    with pytest.raises(AssertionError, match="the time of asking is a number"):
        ask("verify", [{**asked, "now": "tomorrow"}])


def test_where_the_browser_lacks_ed25519_the_signatures_could_not_be_checked(
    vectors: dict[str, Any],
) -> None:
    (report,) = ask("verifyWithoutEd25519", [case(vectors["a-good-credential"])])

    said = said_by_page(report)
    assert said is not None
    assert report["verdict"] == "could-not-tell"
    assert said["checkpoint"][0] == "could not check"
    assert "Firefox 130" in said["checkpoint"][2]
    assert "refuted" not in {verdict for verdict, _, _ in said.values()}
