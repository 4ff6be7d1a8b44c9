"""Load from many providers and verifiers at once, as locust users.

    python -m api serve --data DIR --port 8765            (a log whose story has been played)
    locust -f bench/locustfile.py --headless -u 64 -r 16 -t 60s --host http://127.0.0.1:8765 \\
        --story DIR/story.json

Verifiers read status, history, evidence and tiles of the credentials in `story.json`, which
`make demo` leaves in its folder; providers submit single credentials with the demo's own keys.
"""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from locust import FastHttpUser, between, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from testamur.badges.commitment import new_blind
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.ids import new_id
from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import MEDIA_TYPE, seal
from testamur.cli.key_folder import KeyFolder
from testamur.cli.signer import signing_key


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _add_story(parser: LocustArgumentParser) -> None:
    parser.add_argument("--story", default=".demo/story.json", help="story.json of a demo")


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def _read_story(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    file = Path(options.story if options else ".demo/story.json")
    Played.folder = file.parent
    Played.story = json.loads(file.read_text(encoding="utf-8"))


class Played:
    """What the demo left behind."""

    folder: Path
    story: dict[str, Any]


class Verifier(FastHttpUser):
    """Looks credentials up and reads the log."""

    weight = 3
    wait_time = between(0.05, 0.2)

    @task(5)
    def status(self) -> None:
        """Ask for the status of a credential."""
        credential = random.choice(Played.story["verified"])["credential"]
        self.client.get(f"/credentials/{credential}", name="/credentials/{id}")

    @task(2)
    def evidence(self) -> None:
        """Fetch the evidence of a credential."""
        credential = random.choice(Played.story["verified"])["credential"]
        self.client.get(f"/credentials/{credential}/evidence", name="/credentials/{id}/evidence")

    @task(5)
    def tile(self) -> None:
        """Read the checkpoint and a tile under it."""
        self.client.get("/log/checkpoint")
        full = Played.story["size"] // 256
        index = random.randrange(full)
        self.client.get(f"/log/tile/0/{index:03}", name="/log/tile/0/{n}")


class Provider(FastHttpUser):
    """Submits one credential at a time and waits for its published receipt."""

    weight = 1
    wait_time = between(0.05, 0.2)

    def on_start(self) -> None:
        """Find a provider of the demo, and what it awards."""
        keys = KeyFolder.read(Played.folder / "parties" / "careworks" / "keys")
        self.key, self.did = signing_key(keys), keys.did
        owned = self.client.get(f"/organizations/{self.did}/achievements", name="(set-up)")
        self.achievement = owned.json()["items"][0]["id"]

    @task
    def issue(self) -> None:
        """Issue one credential, outside any accreditation."""
        event = CredentialIssued(
            achievement=self.achievement,
            achievement_version=1,
            commitment=new_blind(),
            credential=new_id(),
            format="OpenBadgeCredential/3.0",
            valid_from=datetime.now(UTC).date(),
        )
        body = seal(
            [encode_event(event)],
            key=self.key,
            kid=f"{self.did}#{self.key.public.multikey()}",
            aud=Played.story["origin"],
            iat=int(time.time()),
            jti=new_id(),
        )
        self.client.post(
            "/submissions?wait=published", body.decode(), headers={"Content-Type": MEDIA_TYPE}
        )
