"""An event for each rule that the gate applies, which breaks it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event
from tests.harness.story import Story, party

BREACHES: dict[str, Callable[[Story], e.Event]] = {
    "unknown-achievement": lambda story: story.issued(achievement=story.new_id()),
    "unknown-accreditation": lambda story: msgspec.structs.replace(
        story.issued(), accreditation=story.new_id()
    ),
    "achievement-version": lambda story: msgspec.structs.replace(
        story.issued(), achievement_version=2
    ),
    "dates": lambda story: msgspec.structs.replace(story.issued(), valid_until=date(2020, 1, 1)),
    "unknown-credential": lambda story: e.CredentialRevoked(
        credential=story.new_id(), reason="misconduct"
    ),
    "id-taken": lambda story: story.defined(),
    "role": lambda story: story.accredited(story.new_id()),
    "sponsor-role": lambda story: story.registered(story.provider, party("friend"), "provider"),
    "succession-of-another": lambda story: story.succeeded(story.accreditor, story.provider),
    "registration-signature": lambda story: msgspec.structs.replace(
        story.registered(story.provider, party("friend"), "provider"), signature=bytes(64)
    ),
    "genesis-again": lambda story: decode_event(story.genesis()[:-1].split(b"\n")[1]),
}
