"""No file, link or text that a stranger sends holds up the page: work grows as the text does.

Where it grew with the square of a length, each of these would take hours; `ask` waits for minutes.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from testamur.badges.commitment import read_holder_file
from testamur.badges.holder_link import holder_link
from tests.api.web.test_verdicts_agree import case, differences, said_by_page, said_by_python
from tests.harness.page_modules import ask
from tests.vectors.make_evidence import FOLDER

GOOD: Final = "a-good-credential.json"
MANY: Final = 900_000


def good() -> Any:
    return json.loads((FOLDER / GOOD).read_text("utf-8"))


def test_a_name_of_spaces_is_judged_at_once_and_as_python_does() -> None:
    found = good()
    achievement = found["holder"]["credential"]["credentialSubject"]["achievement"]
    achievement["name"] = f"Soil{' ' * MANY}Science"
    (answer,) = ask("verify", [case(found)])

    assert answer["verdict"] == "not-valid"  # it is not what was logged
    assert differences(said_by_page(answer), said_by_python(found)) == []


def test_a_short_link_may_hold_a_long_text_and_is_read_at_once() -> None:
    found = good()
    found["holder"]["credential"]["credentialSubject"]["id"] = f"a{' ' * MANY}b"
    file = read_holder_file(json.dumps(found["holder"]).encode())
    link = holder_link("https://register.example", file)
    (answer,) = ask("readLink", [link])

    assert len(link) < 3_000
    assert answer["kind"] == "holder"


def test_pictures_of_whatever_bytes_are_read_at_once() -> None:
    opened = b"<svg xmlns='x'><openbadges:credential>"
    files = [
        b"\x89PNG\r\n\x1a\nopenbadges\0" + b"testamur-holder" * (MANY // 4),
        opened + b" " * MANY + b"x</openbadges:credential><testamur:holder>{}</testamur:holder>",
        opened + b"<testamur:holder>" + b"</testamur:holder " * (MANY // 4),
        opened + b"<![CDATA[" + b"]]> " * MANY + b"</openbadges:credential><testamur:holder>",
    ]
    answers = ask("read", [base64.b64encode(each).decode() for each in files])

    assert {each["kind"] for each in answers} == {"unreadable"}


def test_texts_that_are_pasted_are_told_apart_at_once() -> None:
    texts = ["#1." * MANY + " x", "x" * MANY, f"{' ' * MANY}x y", "https://a.example/holder#1.x "]
    texts += ['{"id":"https://a.example/#1.x"}', "<svg>#1.</svg>"]

    assert ask("isHolderLink", texts) == [False, False, False, True, False, False]
    assert "refused" in ask("policyOf", [f"log{' ' * MANY}x"])[0]


def test_a_policy_may_have_empty_lines_and_spaces_at_its_ends() -> None:
    policy = good()["policy"]
    spaced = "\n\n" + policy.replace("\n", " \t\r\n\n") + "\n"
    plain, same = ask("policyOf", [policy, spaced])

    assert plain["policy"]["logs"] == same["policy"]["logs"]
