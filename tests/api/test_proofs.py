"""Proofs over HTTP: an entry is in the tree, and a tree extends another; anybody can check both."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from testamur.tlog.merkle import (
    EMPTY_ROOT,
    InvalidProof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.harness.served import Served, problem

OPENED = 10  # entries of a log whose provider may issue


def raw(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def hashes(told: dict[str, Any]) -> list[bytes]:
    return [raw(each["hash"]) for each in told["path"]]


def asked(served: Served, address: str) -> dict[str, Any]:
    answer = served.answer(address)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["testamur-size"] == str(found["size"])
    return found


def test_an_entry_leads_to_the_root_that_the_log_signed(served: Served) -> None:
    checkpoint = served.reader().checkpoint()
    for position in range(OPENED):
        told = asked(served, f"/entries/{position}?size={checkpoint.size}")
        leaf = leaf_hash(told["entry"].encode())
        assert raw(told["leaf"]) == leaf
        assert raw(told["root"]) == checkpoint.root
        verify_inclusion(position, checkpoint.size, leaf, hashes(told), checkpoint.root)
        with pytest.raises(InvalidProof):
            verify_inclusion(position + 1, checkpoint.size, leaf, hashes(told), checkpoint.root)


def test_an_entry_is_told_with_its_place_in_its_submission(served: Served) -> None:
    for position, header, number, events in (
        (0, 0, 0, 1),
        (2, 2, 0, 2),
        (4, 2, 2, 2),
        (9, 8, 1, 1),
    ):
        told = asked(served, f"/entries/{position}?size={OPENED}")
        found = told["submission"]
        assert (found["position"], found["number"], found["events"]) == (header, number, events)
        receipt = served.get(told["links"]["submission"])
        assert receipt.json()["position"] == header
        assert ("issuer" in told["links"]) == (header > 0)


def test_every_hash_says_which_entries_it_covers(served: Served) -> None:
    told = asked(served, f"/entries/4?size={OPENED}")
    assert [(each["start"], each["end"]) for each in told["path"]] == [
        *((5, 6), (6, 8), (0, 4)),
        (8, 10),
    ]
    told = asked(served, f"/consistency?earlier=5&size={OPENED}")
    assert [(each["start"], each["end"]) for each in told["path"]] == [
        *((4, 5), (5, 6), (6, 8)),
        *((0, 4), (8, 10)),
    ]


def test_a_tree_of_a_size_that_was_never_published_is_proven_as_well(served: Served) -> None:
    first, second = (asked(served, f"/consistency?earlier={size}&size=8") for size in (5, 7))
    assert (first["size"], first["root"]) == (8, second["root"])
    for told in (first, second):
        old, new = raw(told["earlierRoot"]), raw(told["root"])
        verify_consistency(told["earlier"], 8, old, new, hashes(told))
        with pytest.raises(InvalidProof):
            verify_consistency(told["earlier"], 8, new, new, hashes(told))


def test_the_log_extends_itself_and_the_empty_tree_by_nothing(served: Served) -> None:
    told = asked(served, f"/consistency?earlier={OPENED}&size={OPENED}")
    assert (told["path"], told["earlierRoot"]) == ([], told["root"])
    told = asked(served, f"/consistency?earlier=0&size={OPENED}")
    assert (told["path"], raw(told["earlierRoot"])) == ([], EMPTY_ROOT)


def test_what_is_not_in_the_log_has_no_proof(served: Served) -> None:
    problem(served.answer(f"/entries/{OPENED}?size={OPENED}"), 404, "unknown-entry")
    problem(served.answer(f"/consistency?earlier=11&size={OPENED}"), 422, "size-ahead")
    problem(served.answer("/entries/0?size=99999999"), 422, "size-ahead")
    for address in ("/entries/-1", "/entries/x", f"/entries/{2**53}", "/consistency"):
        problem(served.answer(address), 422, "parameter")
    problem(served.answer("/consistency?earlier=1&later=2"), 422, "parameter")
