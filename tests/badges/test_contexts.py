"""The pinned contexts are the files that the README says they are, and nothing else is heard."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.resources import files

import pytest

from testamur.badges import contexts
from testamur.badges.inline_terms import read_contexts
from testamur.errors import Unavailable

FOLDER = files(contexts)


def test_each_file_has_the_bytes_that_are_pinned() -> None:
    for name, digest in contexts.FILES.items():
        assert hashlib.sha256(contexts.file_bytes(name)).hexdigest() == digest, name


def test_every_file_is_listed_with_its_origin_licence_and_hash() -> None:
    rows = re.findall(
        r"^\| `(\S+\.json)` \| (.+) \| (MIT|W3C).* \| `([0-9a-f]{64})` \|$",
        (FOLDER / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    lying = {file.name for file in FOLDER.iterdir() if file.name.endswith(".json")}

    assert {name: digest for name, _, _, digest in rows} == contexts.FILES
    assert lying == set(contexts.FILES) == set(contexts.PINNED.values())
    assert {"LICENSE-w3c.txt", "LICENSE-blockcerts.txt"} <= {f.name for f in FOLDER.iterdir()}


def test_no_pinned_context_names_another_to_be_fetched() -> None:
    for name in contexts.FILES:
        text = contexts.file_bytes(name).decode()
        named = re.findall(r'"@(?:context|import)"\s*:\s*"([^"]+)"', text)
        assert not named, name
        assert isinstance(json.loads(text)["@context"], dict), name


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/context",
        "file:///etc/passwd",
        contexts.VC_1.upper(),
        "",
    ],
)
def test_any_other_address_could_not_be_checked(address: str) -> None:
    with pytest.raises(Unavailable, match=r"/@context/1.*none is fetched"):
        read_contexts([contexts.VC_2, address])


@pytest.mark.parametrize(
    "definition",
    [
        None,
        {},
        True,
        "@id",
        "schema:email",
        "https://schema.org/other",
        "https://schema.org/email",
        "https://example.org/grade/",
        {"@id": "https://example.org/grade", "@container": "@language"},
        {"@id": "https://example.org/grade", "@context": {}},
        {"@id": "https://example.org/grade", "@type": "@json"},
        {"@id": None},
        {"@reverse": "https://example.org/grade"},
    ],
)
def test_a_term_that_says_more_than_its_own_word_could_not_be_checked(definition: object) -> None:
    with pytest.raises(Unavailable, match="/@context/1/grade"):
        read_contexts([contexts.VC_2, {"grade": definition}])


@pytest.mark.parametrize("term", ["name", "issuer", "id", "@id", "", "a b", "x" * 101])
def test_a_term_that_is_known_or_none_could_not_be_checked(term: str) -> None:
    with pytest.raises(Unavailable, match="/@context/1/"):
        read_contexts([contexts.VC_2, {term: f"https://example.org/{term}"}])


def test_a_word_that_its_address_says_too_is_taken() -> None:
    terms = {"grade": "https://example.org/grade", "level": {"@id": "http://example.org/v#level"}}

    assert read_contexts([contexts.VC_2, terms]).terms == {
        "grade": "https://example.org/grade",
        "level": "http://example.org/v#level",
    }


def test_the_words_of_learning_machine_are_taken_for_their_addresses_alone() -> None:
    address = "https://schemas.learningmachine.com/2017/blockcerts/metadata"

    assert read_contexts([{"metadataJson": {"@id": address}}]).terms == {"metadataJson": address}
    for terms in (
        {"metadata": address},
        {"universalIdentifier": address},
        {"metadataJson": "https://example.org/metadataJson"},
    ):
        with pytest.raises(Unavailable, match="/@context/0/"):
            read_contexts([terms])


@pytest.mark.parametrize("named", [[contexts.VC_2] * 2, list(contexts.PINNED)])
def test_a_context_that_comes_again_and_many_could_not_be_checked(named: list[str]) -> None:
    with pytest.raises(Unavailable, match="twice, or there are more than 8"):
        read_contexts(named)


def test_more_than_a_hundred_terms_could_not_be_checked() -> None:
    terms = {f"t{n}": f"https://example.org/t{n}" for n in range(101)}

    with pytest.raises(Unavailable, match="more than 100"):
        read_contexts([terms])
