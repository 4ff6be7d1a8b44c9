"""An id that is written in another way leads to the one address of what it names."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from api.questions.moment import DID, MULTIKEY, UUID
from api.questions.spelling import address_meant, spelling
from tests.harness.served import Served, problem

ID = "019aa5f0-5c00-7000-8000-00000000000a"
KEY = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
OTHER = "z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"


@pytest.mark.parametrize(
    "text",
    [
        ID.upper(),
        f"urn:uuid:{ID}",
        f"URN:UUID:{ID.upper()}",
        f"{{{ID}}}",
        ID.replace("-", ""),
        f" {ID}\n",
        f"urn%3Auuid%3A{ID}",
    ],
)
def test_an_id_has_one_spelling(text: str) -> None:
    assert spelling(text, UUID) == ID


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"did:key:{KEY}#{KEY}",
        f"did:key:{KEY}#{OTHER}",
        f"DID:Key:{KEY}",
        f"did%3Akey%3A{KEY}",
        f"did:key:{KEY}?versionId=1",
        f" did:key:{KEY} ",
    ],
)
def test_an_organization_has_one_did(text: str) -> None:
    """A key behind # is one of the organization's, and names the organization all the same."""
    assert spelling(text, DID) == f"did:key:{KEY}"


@pytest.mark.parametrize("text", [f"did:key:{OTHER}#{KEY}", f"did:key:{KEY}", f"{KEY} "])
def test_a_key_has_one_multikey(text: str) -> None:
    assert spelling(text, MULTIKEY) == KEY


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("", UUID),
        (f"{ID}0", UUID),
        (f"urn:uuid:urn:uuid:{ID}", UUID),
        (f"{ID}/../x", UUID),
        (ID.replace("a", "\N{CYRILLIC SMALL LETTER A}"), UUID),
        (ID.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}"), UUID),
        ("x" * 1000, UUID),
        (f"did:web:{KEY}", DID),
        ("did:web:college.example", DID),
        (KEY.upper(), DID),
        (f"did:key:did:key:{KEY}", DID),
        (f"did:key:{KEY}#", MULTIKEY),
        (ID, "another pattern"),
    ],
)
def test_what_means_no_id_is_no_id(text: str, pattern: str) -> None:
    assert spelling(text, pattern) is None


def test_a_request_is_led_to_the_one_address_for_good(served: Served) -> None:
    story = served.story
    did, id_ = story.provider.did, story.accreditation
    path = f"/accreditations/{id_}"
    ids = (id_.upper(), f"urn:uuid:{id_}", f"urn%3Auuid%3A{id_.upper()}", id_.replace("-", ""))
    for spelt in ids:
        answer = served.client.get(f"{served.url}/accreditations/{spelt}/history?limit=3")
        assert (answer.status_code, answer.headers["location"]) == (308, f"{path}/history?limit=3")
    for spelt in (quote(did, safe=""), did):  # one spelling to a server: the path is decoded
        assert served.get(f"/organizations/{spelt}/keys").status_code == 200
    twice = quote(quote(did, safe=""), safe="")
    for spelt in (twice, quote(f"{did}#{did[8:]}", safe=""), did[8:]):
        answer = served.client.get(f"{served.url}/organizations/{spelt}", follow_redirects=True)
        assert (answer.status_code, answer.json()["did"]) == (200, did)
    asked = {"organization": f"{did}#{did[8:]}", "key": f"{did}#{did[8:]}", "limit": "2"}
    answer = served.client.get(f"{served.url}/submissions", params=asked)
    right = f"/submissions?organization={did}&key={did[8:]}&limit=2"
    assert (answer.status_code, answer.headers["location"]) == (308, right)


def test_no_address_is_made_of_what_names_nothing(served: Served) -> None:
    """Nor can a header be, or the address of another server."""
    id_ = served.story.accreditation
    for spelt in (
        f"{id_}%0d%0aSet-Cookie:x",
        "%2f%2fevil.example",
        f"{id_}%00",
        f"{id_[:-1]}%D9%A0",
    ):
        answer = served.client.get(f"{served.url}/accreditations/{spelt}")
        assert answer.status_code in (404, 422)
    spelt = f"{id_.upper()}/history?limit=1%0d%0aX:y"
    problem(served.client.get(f"{served.url}/accreditations/{spelt}"), 422, "parameter")
    fault = {"loc": ("path", "id"), "input": ID.upper(), "ctx": {"pattern": UUID}}
    found = address_meant(f"/x\r\n/{ID.upper()}", "a=%0d%0aX:y&b=1&b=", [fault])
    assert found == f"/x%0D%0A/{ID}?a=%0D%0AX:y&b=1&b="
    assert address_meant("/", "", [fault, {"loc": ("query", "limit"), "input": "0"}]) is None
