"""The founding key on paper: read back letter by letter, and never taken for a public text."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from testamur.cli.founding_page import did_on_page, is_page, read_page, render_page
from testamur.errors import Refusal, shown
from testamur.keys import PrivateKey
from testamur.private_keys import holds_private_key
from tests.cli.commands import run
from tests.harness.story import private_key

MADE = date(2026, 11, 21)


def page(curve: str = "Ed25519") -> tuple[PrivateKey, str]:
    key = private_key("founder", "P-256" if curve == "P-256" else "Ed25519")
    return key, render_page(key, MADE)


def typed(text: str) -> list[str]:
    return [line for line in text.splitlines() if line[:1] in "123" and line[1:3] == "  "]


@pytest.mark.parametrize("curve", ["Ed25519", "P-256"])
def test_what_was_printed_is_read_back(curve: str) -> None:
    key, text = page(curve)
    assert read_page(text).raw() == key.raw()
    assert did_on_page(text) == key.public.did_key()
    lines = typed(text)
    assert len(lines) == 3
    for said in ("\n".join(lines), "\r\n".join(["", *lines, ""]), "  \n ".join(lines)):
        assert is_page(said)
        assert read_page(said).raw() == key.raw()


def test_the_secret_stands_on_the_page_in_groups_alone() -> None:
    key, text = page()
    assert key.multikey() not in text
    assert max(map(len, text.splitlines())) < 100


def test_every_slip_of_the_typist_is_found_in_its_line() -> None:
    lines = typed(page()[1])
    for number, line in enumerate(lines):
        for at in range(3, len(line) - 4):
            wrong = "x" if line[at] != "x" else "y"
            if line[at] == " ":
                continue
            said = [*lines]
            said[number] = line[:at] + wrong + line[at + 1 :]
            with pytest.raises(Refusal) as refused:
                read_page("\n".join(said))
            # One slip in 256 passes the check of its line, and fails as a key.
            assert (refused.value.rule, refused.value.value) in (
                ("founding-page", None),
                ("key-form", None),
            )


@pytest.mark.parametrize("order", [(), (0,), (0, 1), (0, 2), (1, 0, 2), (0, 1, 1, 2), (0, 1, 2, 2)])
def test_lines_are_all_there_and_in_order(order: tuple[int, ...]) -> None:
    lines = typed(page()[1])
    with pytest.raises(Refusal):
        read_page("\n".join(lines[at] for at in order))


@pytest.mark.parametrize("text", ["", "1", "1 a", "1  z3u2", "1  z3u2 zz", "9  z3u2 aa bb"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        read_page(text)


def test_a_page_is_known_for_a_private_key_whole_and_in_part() -> None:
    text = page()[1]
    lines = typed(text)
    for said in (text, "\n".join(lines), lines[0], lines[0][:18], f"x\n{lines[0]}\n"):
        assert holds_private_key(said.encode()), said
    assert lines[1] not in shown("\n".join(lines))
    assert lines[0][3:] not in shown(f"found {lines[0]}")


def test_a_page_in_place_of_a_public_file_is_not_shown(at: Path) -> None:
    text = page()[1]
    (at / "page.txt").write_text(text)
    for command in (["check", "page.txt"], ["event", "organization.updated", "name:=@page.txt"]):
        done = run(*command)
        assert (done.code, "private key" in done.err) == (2, True)
        for line in typed(text):
            assert line[3:7] not in done.out + done.err


def test_reading_back_says_whose_key_it_is(at: Path) -> None:
    made = run("keygen", "--out", "keys", "--json").json
    file = at / "typed"
    file.write_text("\n".join(typed((at / "keys/founding-key.txt").read_text())))
    file.chmod(0o600)
    done = run("keygen", "--read-back", "typed", "--out", "keys")
    assert done.code == 0
    assert made["did"] in done.out
    assert "delete typed" in done.err
    assert run("did", "typed").out.strip() == made["did"]


def test_reading_back_another_organizations_key_is_refused(at: Path) -> None:
    run("keygen", "--out", "one")
    run("keygen", "--out", "two")
    page_file = at / "one/founding-key.txt"
    done = run("keygen", "--read-back", page_file, "--out", "two", "--json")
    assert (done.code, done.json["rule"]) == (1, "founding-page")
    one, two = (run("did", f"{name}/founding-key.txt").out.strip() for name in ("one", "two"))
    page_file.write_text(page_file.read_text().replace(one, two))
    assert run("keygen", "--read-back", page_file).code == 1
