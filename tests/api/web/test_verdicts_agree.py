"""A page comes to the report of Python: verdicts, bases, sentences, flags, notes and the rest."""

from __future__ import annotations

import copy
import json
import random
import re
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from testamur.errors import Refuted
from testamur.verification.report import Report
from tests.api.web.bent_credentials import bent as bent_credential
from tests.api.web.bent_credentials import places
from tests.harness.page_modules import ask, refuses
from tests.vectors.judge import judge
from tests.vectors.make_evidence import FOLDER

NOT_MADE: Final = {"blockcert", "blockchain"}
"""What a page says it could not check, because it does not make the check."""

# How a decoder says what is wrong with a form differs from library to library.
OTHER_WORDS: Final = {
    ("a-header-that-is-none", "submission"),
    ("a-header-that-is-none", "inclusion"),
    ("a-header-that-is-none", "why"),
}
# A page tells of no option of a command, and has no table of the names of characters.
REMEDY: Final = re.compile(r": add --url| \(--(?:url|learner)\)")
CHARACTER: Final = re.compile(r"(U\+[0-9A-F]{4,6})(?: [A-Z][A-Z0-9-]*)+")

Said: TypeAlias = dict[str, Any]
"""By check: its verdict, its basis, and the sentence; and every other member of the report."""


def written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def case(found: Any) -> dict[str, Any]:
    """Return what a page is asked about a vector."""
    return {
        # In the order of its members, in which a report names them.
        "holder": json.dumps(found["holder"], ensure_ascii=False),
        "evidence": written(found["evidence"]),
        "policy": found["policy"],
        "anchors": found["anchors"],
        "now": found["now"],
        "evidenceFrom": found.get("evidenceFrom", "register"),
        "at": found.get("at"),
        "learner": found.get("learner"),
    }


def said_by_page(answer: Any) -> Said | None:
    return None if refuses(answer) else said(answer)


def said_by_python(found: Any) -> Said | None:
    try:
        return told(judge(found))
    except Refuted:
        return None


def told(report: Report) -> Said:
    """Return what a report says, as a page would say it."""
    return said(json.loads(CHARACTER.sub(r"\1", REMEDY.sub("", report.to_json().decode()))))


def said(report: Any) -> Said:
    others = {name: value for name, value in report.items() if name not in ("checks", "facts")}
    checks = {
        each["name"]: (each["verdict"], each["basis"], each["detail"]) for each in report["checks"]
    }
    if checks.keys() & NOT_MADE:  # what follows from them is another answer
        del others["verdict"], others["why"]
    return {**others, **checks}


def differences(page: Said | None, python: Said | None) -> list[str]:
    """Return where the two differ."""
    if page is None or python is None:
        return [] if page == python else [f"refused by {'python' if python is None else 'page'}"]
    told = (page.keys() | python.keys()) - NOT_MADE
    return [name for name in sorted(told) if page.get(name) != python.get(name)]


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
    assert compared > 2700


@pytest.mark.slow
def test_a_page_makes_the_whole_report_of_python_in_its_words(
    vectors: dict[str, Any], pages: dict[str, Said | None]
) -> None:
    other = {
        (name, member)
        for name, found in vectors.items()
        for member in differences(pages[name], said_by_python(found))
    }
    assert other == OTHER_WORDS


@pytest.mark.slow
def test_what_a_page_does_not_check_it_says_it_could_not_check(
    vectors: dict[str, Any], pages: dict[str, Said | None]
) -> None:
    assert set(ask("notMade", [None])[0]) == NOT_MADE
    for name, found in vectors.items():
        page = pages[name]
        assert page is not None
        left_open = page.keys() & NOT_MADE
        assert left_open == found["expected"].keys() & NOT_MADE
        assert {page[check][0] for check in left_open} <= {"could not check"}


@pytest.mark.slow
def test_a_page_calls_nothing_valid_that_python_does_not(vectors: dict[str, Any]) -> None:
    answers = ask("verify", [case(found) for found in vectors.values()])

    verdicts = {answer["verdict"] for answer in answers}
    assert verdicts == {"valid", "not-valid", "could-not-tell"}
    for answer, found in zip(answers, vectors.values(), strict=True):
        due = judge(found).verdict
        left_open = NOT_MADE & {check["name"] for check in answer["checks"]}
        assert answer["verdict"] == due or (left_open and answer["verdict"] == "could-not-tell")


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
FORMS: Final = {"submission", "inclusion", "signature", "checkpoint"}


def bent(found: Any, draw: random.Random) -> Any:
    """Return a vector whose evidence, policy or credential is changed in a place or two."""
    other = copy.deepcopy(found)
    if draw.random() < 0.1:
        other["policy"] = bent_text(other["policy"], draw)
        return other
    if draw.random() < 0.1:
        other["holder"]["credential"] = bent_credential(other["holder"]["credential"], draw)
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
        assert [
            name for name in differences(page, python) if not in_words(name, page, python)
        ] == []
        outcomes.add("refused" if python is None else python["verdict"])
    assert outcomes == {"refused", "could-not-tell", "not-valid"}


def in_words(name: str, page: Said | None, python: Said | None) -> bool:
    """Return whether a decoder's words about a form are all that differs."""
    if page is None or python is None:
        return False
    if name == "why":  # which tells of the first of these checks
        return any(page.get(each) != python.get(each) for each in FORMS)
    return name in FORMS and page[name][:2] == python[name][:2]


def test_the_golden_credential_is_judged_alike_after_each_change() -> None:
    path = Path(__file__).parents[2] / "vectors/evidence.json"
    golden = json.loads(path.read_text("utf-8"))
    changed = [golden, *(_changed(golden, change) for change in golden["refuted"])]
    answers = ask("verify", [case(found) for found in changed])

    for found, answer in zip(changed, answers, strict=True):
        assert differences(said_by_page(answer), said_by_python(found)) == []


def _changed(golden: Any, change: Any) -> Any:
    found = copy.deepcopy(golden)
    *path, last = change["at"]
    within = found
    for name in path:
        within = within[name]
    within[last] = change["value"]
    return found


# --- Wrong questions ---


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

    checks = {each["name"]: each for each in report["checks"]}
    assert report["verdict"] == "could-not-tell"
    assert checks["checkpoint"]["verdict"] == "could not check"
    assert "Firefox 130" in checks["checkpoint"]["detail"]
    assert "refuted" not in {each["verdict"] for each in checks.values()}
