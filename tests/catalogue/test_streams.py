"""An event is filed in the stream of the thing that it is about, and no two share a stream."""

from __future__ import annotations

from uuid import UUID

import pytest

from testamur.catalogue import events as e
from testamur.catalogue.streams import stream_of, streams_of
from testamur.catalogue.submission import parse
from tests.harness.story import Story, uuid7


def test_the_stream_of_a_name_is_never_that_of_another_or_of_an_id() -> None:
    streams = {
        stream_of("organization", "did:web:a"),
        stream_of("organization", "did:web:b"),
        stream_of("submission", "did:web:a"),
        stream_of("submission", "did:web:a", uuid7(1, 1)),
        stream_of("submission", "did:web:a", uuid7(1, 2)),
    }

    assert len(streams) == 5
    assert {stream.version for stream in streams} == {8}
    assert {stream.variant for stream in streams} == {"specified in RFC 4122"}


def test_what_is_about_a_thing_with_an_id_is_filed_under_that_id() -> None:
    story = Story()
    issued, id_ = story.issued(), story.new_id()
    revoked = e.CredentialRevoked(credential=id_, reason="misconduct")

    assert streams_of([issued, revoked, story.defined(id_)], story.provider.did) == [
        UUID(issued.credential).bytes,
        UUID(id_).bytes,
        UUID(id_).bytes,
    ]


def test_what_is_about_an_organization_is_filed_under_that_one_whoever_signs() -> None:
    story = Story()
    provider = stream_of("organization", story.provider.did).bytes
    named = story.succeeded(story.provider, story.accreditor)
    listed = story.key_listed(story.provider.with_key("another"))

    assert streams_of([story.updated(), listed, named], story.provider.did) == [provider] * 3
    assert streams_of([named], story.accreditor.did) == [provider]


def test_the_opening_of_a_log_is_filed_under_its_origin() -> None:
    story = Story()
    (opened,) = parse(story.genesis()).events

    assert streams_of([opened], "did:key:z") == [stream_of("log", story.origin).bytes]


@pytest.mark.parametrize("id_", ["x" * 36, "0" * 36, "-" * 36])
def test_an_id_that_is_no_uuid_has_no_stream(id_: str) -> None:
    event = e.CredentialRevoked(credential=id_, reason="misconduct")

    with pytest.raises(ValueError, match=r"no UUID|hexadecimal"):
        streams_of([event], "did:key:z")
