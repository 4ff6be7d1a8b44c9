"""A commitment is opened by its credential and its blind, and by nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.badges.commitment import (
    HolderFile,
    commit,
    new_blind,
    read_holder_file,
    render_holder_file,
    verify_commitment,
)
from testamur.catalogue.ids import new_id
from testamur.errors import Refusal, Refuted
from tests.catalogue.test_canonical import TEXT, VALUES

VECTORS = Path(__file__).parents[1] / "vectors"
GOLDEN = json.loads((VECTORS / "commitment.json").read_text(encoding="utf-8"))
CREDENTIAL = {"id": "urn:uuid:1", "credentialSubject": {"achievement": {"credits": 3.0}}}
BLIND = bytes(range(32))
HOLDER = HolderFile(
    blind=BLIND, credential=CREDENTIAL, id=new_id(), log="register.example/testamur"
)


def named(case: dict[str, Any]) -> str:
    return str(case["name"])


def opened(case: dict[str, Any]) -> tuple[dict[str, Any], bytes, bytes]:
    blind, commitment = base64.b64decode(case["blind"]), base64.b64decode(case["commitment"])
    return case["credential"], blind, commitment


# --- The commitment ---


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=named)
def test_golden_commitments_are_made_and_opened(case: dict[str, Any]) -> None:
    credential, blind, commitment = opened(case)
    assert commit(credential, blind) == commitment
    verify_commitment(credential, blind, commitment)


@pytest.mark.parametrize("case", GOLDEN["refused"], ids=named)
def test_golden_damage_is_refuted(case: dict[str, Any]) -> None:
    with pytest.raises(Refuted):
        verify_commitment(*opened(case))


def test_the_commitment_is_the_formula_of_the_design() -> None:
    claims = hashlib.sha256(b'{"a":1,"b":"\xc3\xa9"}').digest()
    expected = hashlib.sha256(b"testamur/credential/1\n" + BLIND + claims).digest()
    assert expected == commit({"b": "é", "a": 1.0, "proof": {"any": 1}}, BLIND)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.dictionaries(TEXT, VALUES), st.dictionaries(TEXT, VALUES))
def test_another_credential_does_not_open_it(
    credential: dict[str, Any], other: dict[str, Any]
) -> None:
    same = {k: v for k, v in credential.items() if k != "proof"} == {
        k: v for k, v in other.items() if k != "proof"
    }
    commitment = commit(credential, BLIND)
    verify_commitment(credential, BLIND, commitment)
    if not same:
        with pytest.raises(Refuted, match=commitment.hex()):
            verify_commitment(other, BLIND, commitment)


@given(st.binary(min_size=32, max_size=32))
def test_another_blind_does_not_open_it(blind: bytes) -> None:
    if blind != BLIND:
        with pytest.raises(Refuted):
            verify_commitment(CREDENTIAL, blind, commit(CREDENTIAL, BLIND))


@pytest.mark.parametrize("at", range(32))
def test_every_byte_of_the_commitment_counts(at: int) -> None:
    commitment = bytearray(commit(CREDENTIAL, BLIND))
    commitment[at] ^= 1
    with pytest.raises(Refuted):
        verify_commitment(CREDENTIAL, BLIND, bytes(commitment))


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_blind_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(Refusal, match="blind-size"):
        commit(CREDENTIAL, b"\0" * size)


def test_a_credential_without_a_canonical_form_cannot_be_committed_to() -> None:
    with pytest.raises(Refusal, match="canonical-json"):
        commit({"number": 2**60}, BLIND)


def test_no_two_blinds_are_alike() -> None:
    assert len({new_blind() for _ in range(1000)}) == 1000


# --- The holder file ---


def test_a_holder_file_is_read_back() -> None:
    assert read_holder_file(render_holder_file(HOLDER)) == HOLDER
    without_log = HolderFile(blind=BLIND, credential=CREDENTIAL, id=HOLDER.id, log=None)
    assert read_holder_file(render_holder_file(without_log)) == without_log


def test_a_holder_file_opens_the_commitment_whatever_the_numbers_looked_like() -> None:
    held = read_holder_file(render_holder_file(HOLDER))
    verify_commitment(held.credential, held.blind, commit(CREDENTIAL, BLIND))


def test_a_holder_file_may_be_laid_out_anew() -> None:
    found = json.loads(render_holder_file(HOLDER))
    reversed_ = dict(reversed(found.items()))
    for text in (json.dumps(found, indent=2), json.dumps(reversed_) + "\r\n"):
        held = read_holder_file(text.encode())
        verify_commitment(held.credential, held.blind, commit(CREDENTIAL, BLIND))


def test_a_blind_is_not_shown_by_accident() -> None:
    assert base64.b64encode(BLIND).decode() not in repr(HOLDER)
    assert repr(BLIND) not in repr(HOLDER)


def test_a_bare_credential_is_told_what_it_lacks() -> None:
    with pytest.raises(Refusal, match="without its blind") as caught:
        read_holder_file(json.dumps(CREDENTIAL, indent=1).encode())
    assert caught.value.rule == "blind-missing"
