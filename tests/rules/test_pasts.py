"""A past answers about a stream as the stream itself does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from testamur.catalogue import events as e
from testamur.rules.pasts import Past, others_in, past_of, said_by, spent_by, spent_by_key
from testamur.rules.said import Said, Signed

NAMES = ["one", "two", "three"]
SIGNED = st.tuples(st.sampled_from(NAMES), st.sampled_from(["k1", "k2"]))
EVENT = e.CredentialReinstated(credential="c")


def stream_of(signers: list[tuple[str, str]]) -> tuple[Said, ...]:
    """Return a stream with an entry by each of these organizations and keys."""
    return tuple(
        Said(2 * place + 1, Signed(organization, key, 2 * place, 0), EVENT)
        for place, (organization, key) in enumerate(signers)
    )


@given(st.lists(SIGNED, min_size=1, max_size=9), st.integers(1, 9), st.sets(st.sampled_from(NAMES)))
def test_a_past_and_what_came_since_are_the_stream(
    signers: list[tuple[str, str]], size: int, heard: set[str]
) -> None:
    stream = stream_of(signers)
    past = past_of(stream[:size])
    assert past.begins(stream)
    assert said_by(stream, heard, past) == said_by(stream, heard, None)
    assert said_by(stream, heard, None) == [each for each in stream if each.actor in heard]
    for organization in NAMES:
        own = [each.actor == organization for each in stream]
        assert others_in(stream, organization, past) == (not all(own))
        assert spent_by(stream, organization, past) == sum(own)
        for key in ("k1", "k2"):
            signer = Signed(organization, key, 99, 0)
            spent = signers.count((organization, key))
            assert spent_by_key(stream, signer, past) == spent
            assert spent_by_key(stream, signer, None) == spent


def test_another_stream_does_not_go_on_from_a_past() -> None:
    stream = stream_of([("one", "k1")] * 3)
    past: Past = past_of(stream)
    assert not past.begins(stream[:2])
    assert not past.begins(stream_of([("one", "k1")] * 3))
