"""The registration that a founding key signs: what it covers, and every way it does not hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings

from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event, encode_event
from testamur.catalogue.members import Identifier
from testamur.catalogue.registration import (
    UNSIGNED,
    registration_statement,
    sign_registration,
    verify_registration,
)
from testamur.errors import Refusal
from testamur.keys import Curve
from tests.harness.any_event import any_event
from tests.harness.story import Story, party, private_key

STORY = Story()
REGISTERED = STORY.registered(STORY.accreditor, STORY.provider, "provider")
OTHER = party("another")


def test_the_founding_key_signs_the_canonical_event_without_its_signature() -> None:
    members = msgspec.json.decode(encode_event(REGISTERED))
    del members["signature"]
    expected = b"testamur/registration/1\n" + rfc8785.dumps(members)

    assert registration_statement(REGISTERED) == expected
    STORY.provider.keys.founding.public.verify(REGISTERED.signature, expected)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(any_event(e.OrganizationRegistered))
def test_the_statement_is_the_line_without_the_signature_in_every_language(
    event: e.OrganizationRegistered,
) -> None:
    members = msgspec.json.decode(encode_event(event))
    assert members.pop("signature") is not None

    assert registration_statement(event).partition(b"\n")[2] == rfc8785.dumps(members)


@pytest.mark.parametrize("curve", ["Ed25519", "P-256"])
def test_what_is_signed_holds_also_when_read_back_from_its_line(curve: Curve) -> None:
    newcomer = party(f"newcomer {curve}", curve)
    event = STORY.registered(STORY.authority, newcomer, "accreditor", "provider")
    read = decode_event(encode_event(event))

    assert isinstance(read, e.OrganizationRegistered)
    verify_registration(read)


@pytest.mark.parametrize(
    "members",
    {
        "country": {"country": "BE"},
        "name": {"name": "Another Organization"},
        "origin": {"origin": "log.example/another"},
        "recovery keys": {"recovery_keys": ()},
        "a thief's recovery key": {"recovery_keys": (OTHER.key_id,)},
        "roles": {"roles": ("authority",)},
        "signing keys": {"signing_keys": (OTHER.key_id,)},
        "sponsor": {"sponsor": OTHER.did},
        "until": {"until": REGISTERED.until + timedelta(days=1)},
        "identifiers": {"identifiers": (Identifier(scheme="ROR", value="https://ror.org/1"),)},
        "url": {"url": "https://thief.example"},
        "organization": {"organization": OTHER.did},
        "no signature": {"signature": UNSIGNED},
    }.values(),
)
def test_nothing_in_a_registration_can_be_changed_without_the_founding_key(
    members: dict[str, Any],
) -> None:
    forged = msgspec.structs.replace(REGISTERED, **members)

    with pytest.raises(Refusal) as caught:
        verify_registration(forged)
    assert caught.value.rule == "registration-signature"
    assert caught.value.value == forged.organization


def test_every_member_of_a_registration_is_among_those_that_cannot_be_changed() -> None:
    statement = registration_statement(REGISTERED)
    for member in e.OrganizationRegistered.__struct_encode_fields__:
        written = f'"{member}":'.encode() in statement
        assert written == (member not in {"signature", "identifiers", "url"})


@pytest.mark.parametrize("key", ["recovery", "signing"])
def test_no_other_key_of_the_newcomer_can_sign_its_registration(key: str) -> None:
    signature = getattr(STORY.provider.keys, key).sign(registration_statement(REGISTERED))

    with pytest.raises(Refusal, match="registration-signature"):
        verify_registration(msgspec.structs.replace(REGISTERED, signature=signature))


def test_a_sponsor_cannot_register_somebody_under_the_did_of_another() -> None:
    forged = msgspec.structs.replace(REGISTERED, organization=OTHER.did)

    with pytest.raises(Refusal) as caught:
        sign_registration(forged, STORY.accreditor.keys.founding)
    assert caught.value.rule == "founding-key"


def test_a_did_that_spells_no_key_has_no_registration() -> None:
    forged = msgspec.structs.replace(REGISTERED, organization="did:key:z" + "2" * 48)

    with pytest.raises(Refusal) as caught:
        verify_registration(forged)
    assert caught.value.rule == "key-form"


def test_the_signature_serves_for_nothing_but_a_registration() -> None:
    """The bytes begin with words that no line of a submission and no JWS begins with."""
    founding = private_key("founding")

    assert registration_statement(REGISTERED).startswith(b"testamur/registration/1\n{")
    with pytest.raises(ValueError, match="signature"):
        founding.public.verify(founding.sign(encode_event(REGISTERED)), UNSIGNED)
