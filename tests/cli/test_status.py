"""Asking a registry for a status: as of a moment, with the day from which it holds."""

from __future__ import annotations

import json

from tests.cli.commands import World, run
from tests.harness.http_registry import HttpRegistry, Reply


def test_a_status_is_shown_with_the_day_from_which_it_holds(
    world: World, registry: HttpRegistry
) -> None:
    revoked = {"event": "credential.revoked/1", "position": 15, "effectiveAt": "2026-09-01"}
    answer = {
        "id": world.holders[0].id,
        "status": "revoked",
        "lastEvent": {**revoked, "recordedAt": "2026-11-29T10:00:00.000Z"},
        "acts": [{**revoked, "links": {"by": "/organizations/x"}}],
        "links": {"self": "/credentials/x"},
        "succession": "the issuer closed at position 20; nobody can revoke any more",
    }
    registry.script.append(Reply(200, json.dumps(answer).encode()))
    shown = run("status", "0.json", "--url", registry.url).out
    assert "revoked with effect from 2026-09-01, recorded 2026-11-29" in shown
    assert "event credential.revoked/1; position 15; effectiveAt 2026-09-01" in shown
    assert "nobody can revoke any more" in shown
    assert "/credentials" not in shown
    assert "/organizations" not in shown


def test_a_status_is_shown_as_of_a_moment(world: World, registry: HttpRegistry) -> None:
    asked = world.holders[0].id
    answer = {
        "id": asked,
        "status": "active",
        "issuer": {"id": "did:web:c", "name": "\x1b[31mCollege", "\x1b[2J": ":key:"},
    }
    registry.script.append(Reply(200, json.dumps(answer).encode()))
    done = run("status", "0.json", "--url", registry.url, "--at", "2026-11-21")
    assert done.code == 0
    assert "issuer.name" in done.out
    assert "\x1b" not in done.out
    assert "issuer.\\x1b[2J" in done.out
    assert ":key:" in done.out
    registry.script.append(Reply(200, json.dumps(answer, ensure_ascii=False).encode()))
    shown = run("status", "0.json", "--url", registry.url, "--json")
    assert shown.json == answer
    assert shown.out.replace("\n", "").isprintable()
    assert registry.asked[0].query == {"at": "2026-11-21T00:00:00Z"}
    assert registry.asked[0].path == f"/credentials/{world.holders[0].id}"
    assert run("status", "0.json", "--url", registry.url, "--at", "today").code == 2
    assert run("status", "nobody", "--url", registry.url).code == 2
    assert run("status", "0.json", "--url", registry.url).code == 2  # not known there
