"""A page that stays open asks anew, and what fails on one file leaves the others their answers."""

from __future__ import annotations

import copy
import json
from typing import Final

import pytest

from tests.harness.page_modules import ask
from tests.vectors.make_evidence import FOLDER

MINUTE: Final = 60_000


@pytest.mark.parametrize(
    ("times", "silent", "questions"),
    [
        ([0, 0, MINUTE - 1], [], 1),  # the same question, such as about a learner
        ([0, MINUTE], [], 2),  # it may be revoked since
        ([0, MINUTE, MINUTE + 1], [], 2),
        ([MINUTE, 0], [], 2),  # the clock was set back
        ([0, 1, 2], [0], 2),  # a silence is no answer to keep
    ],
)
def test_an_answer_of_the_register_is_kept_for_a_minute_and_a_silence_not_at_all(
    times: list[int], silent: list[int], questions: int
) -> None:
    assert ask("askedAgain", [{"times": times, "silent": silent}]) == [questions]


def test_a_file_on_which_the_page_fails_leaves_the_others_their_answers() -> None:
    found = json.loads((FOLDER / "a-good-credential.json").read_text("utf-8"))
    other = copy.deepcopy(found["holder"])
    other["id"] = f"{other['id'][:-1]}f"
    asked = {
        "holders": [json.dumps(found["holder"]), json.dumps(other)],
        "policy": found["policy"],
        "failing": [found["holder"]["id"]],
    }
    ((failed, why), (answered, silence)) = ask("manyOfWhichSomeFail", [asked])[0]

    assert (failed, answered) == ("could-not-tell", "could-not-tell")
    assert "failed on this file" in why
    assert "silent" in silence
