"""Wherever a status is answered, so is the day from which it says that it holds."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from testamur.catalogue import events as e
from tests.harness.served import Served, problem

EARLIER = datetime(2026, 9, 1, tzinfo=UTC).date()


def test_a_status_is_answered_with_the_day_from_which_it_holds(served: Served) -> None:
    story = served.story
    issued = story.issued()
    name = issued.credential
    revoked = e.CredentialRevoked(credential=name, reason="misconduct", effective_at=EARLIER)
    receipt = served.submit(
        story.submission(story.provider, issued), story.submission(story.provider, revoked)
    )
    size = receipt.position + 2

    found = served.answer(f"/credentials/{name}?size={size}").json()
    assert found["status"] == "revoked"
    assert found["lastEvent"]["effectiveAt"] == "2026-09-01"
    assert found["lastEvent"]["recordedAt"] == receipt.recorded_at
    assert [act["effectiveAt"] for act in found["acts"]] == ["2026-09-01"]
    history = served.answer(f"/credentials/{name}/history?size={size}").json()["items"]
    assert [line.get("effectiveAt") for line in history] == [None, "2026-09-01"]
    issuer = quote(story.provider.did, safe="")
    before = receipt.position - 1
    for path in (
        f"/organizations/{issuer}/credentials",
        f"/achievements/{story.achievement}/credentials",
    ):
        (line,) = served.answer(f"{path}?size={size}&after={before - 1}").json()["items"]
        assert (line["status"], line["effectiveAt"]) == ("revoked", "2026-09-01")


def test_a_day_that_is_still_to_come_is_not_recorded(served: Served) -> None:
    story = served.story
    issued = story.issued()
    later = datetime(2999, 1, 1, tzinfo=UTC).date()
    suspended = e.CredentialSuspended(credential=issued.credential, reason="duplicate")
    reinstated = e.CredentialReinstated(credential=issued.credential, effective_at=later)
    refused = served.post(story.submission(story.provider, issued, suspended, reinstated))

    problem(refused, 422, "effective-at")
    assert served.get(f"/credentials/{issued.credential}").status_code == 404
