"""The trial of a cluster: each part is killed while providers submit, and nothing may be lost."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.cast import COURSES
from demo.story import Story
from deploy.cluster.configuration import PROJECT
from deploy.cluster.numbers import check_expressions, tiles_served
from deploy.cluster.part import wait_for
from deploy.cluster.running import Cluster
from deploy.cluster.submitters import Acknowledged, Submitters, position_of
from deploy.cluster.topology import API, SECONDS, run
from testamur.badges.commitment import HolderFile, render_holder_file
from testamur.errors import Refuted
from testamur.http.client import RegistryClient
from testamur.verification.receipt import verify_receipt

Tell = Callable[[str], None]

# What the rest goes on without, and what it can only wait for.
_SPARE: Final = (*API, "publisher", "projector", "prometheus")
_WAITED_FOR: Final = ("proxy", "postgres", "objects")


@dataclass(slots=True)
class Trial:
    """Plays on a cluster; raises `Refuted` at the first thing that does not hold."""

    cluster: Cluster
    tell: Tell

    def run(self) -> None:
        """Open the register, kill each part in turn, and verify all that was acknowledged."""
        cluster = self.cluster
        with RegistryClient(cluster.url, patience=SECONDS) as registry:
            story = cluster.story(registry)
            story.enter()
            story.define()
            story.award(COURSES[0], 20, "spring")
            self.tell("The accreditors, the providers and a first cohort are in the log")
            submitters = self._submitters(story)
            submitters.start()
            try:
                for name in (*_SPARE, *_WAITED_FOR):
                    if name == "publisher" or name in cluster.topology.parts:
                        self._kill(name, submitters)
            finally:
                submitters.stop()
            self._verify(registry, story, submitters)

    def _submitters(self, story: Story) -> Submitters:
        one, other = (self.cluster.topology.address(name) for name in API)
        proxy = self.cluster.url
        return Submitters(story, [(one, other), (other, one), (proxy, one, other)])

    # --- Killing ---

    def _kill(self, name: str, submitters: Submitters) -> None:
        """Kill a part while submissions are under way, and wait until all is as before."""
        cluster = self.cluster
        name = cluster.publisher_at_work() if name == "publisher" else name
        part = cluster.part(name)
        self._more(submitters, "submissions before the kill")
        part.kill()
        began = time.monotonic()
        if name in _WAITED_FOR:
            went_on = ""
        else:
            self._submit_through_proxy(submitters)
            went_on = (
                f"submissions went on through the proxy after {time.monotonic() - began:.1f} s; "
            )
        part.start()
        cluster.wait_until_ready()
        self._submit_through_proxy(submitters)
        self._more(submitters, "submissions after the kill")
        self.tell(
            f"{name} killed: {went_on}everything was back after {time.monotonic() - began:.1f} s"
        )

    def _more(self, submitters: Submitters, what: str) -> None:
        """Wait for another acknowledged submission."""
        before = len(submitters.acknowledged)

        def one_more() -> bool:
            submitters.check()
            return len(submitters.acknowledged) > before

        wait_for(what, one_more, SECONDS)

    def _submit_through_proxy(self, submitters: Submitters) -> None:
        body = submitters.prepared()
        with RegistryClient(self.cluster.url, patience=SECONDS) as registry:
            submitters.acknowledged.append(
                Acknowledged(body, registry.submit(body, "published", "admit"))
            )

    # --- Verifying ---

    def _verify(self, registry: RegistryClient, story: Story, submitters: Submitters) -> None:
        kept = submitters.acknowledged
        for each in kept:
            self._check_receipt(registry, each)
        self.tell(
            f"Each of the {len(kept)} acknowledged submissions is where its receipt says "
            f"({submitters.repeated} were sent more than once)"
        )
        before = self._tiles_served()
        self.tell(self._testamur("replay", self.cluster.url))
        if self._tiles_served() != before:
            raise Refuted("a file of the log came from an API process and not from the bucket")
        self.tell("All files of it came straight from the bucket")
        holder = story.holders[COURSES[0].definition.name][0]
        self.tell(self._verified(holder))
        self._fsck()
        self.tell("fsck: nothing is wrong")
        self.tell(check_expressions(self.cluster.topology))

    def _check_receipt(self, registry: RegistryClient, each: Acknowledged) -> None:
        """Ask for a receipt again, and verify it under the checkpoint of today."""
        earlier = each.receipt
        receipt = registry.receipt(earlier.issuer, earlier.jti)
        position_of(receipt, earlier)
        verify_receipt(receipt, each.body, self.cluster.policy)

    def _tiles_served(self) -> int:
        return sum(tiles_served(self.cluster.topology.operations(name)) for name in API)

    def _testamur(self, *words: str | Path) -> str:
        """Return the last line that the command line says of the log."""
        vkey = self.cluster.topology.vkey
        printed = run(
            [sys.executable, "-m", "testamur", *words, "--vkey", vkey], {}, folder=PROJECT
        )
        return printed.strip().splitlines()[0]

    def _verified(self, holder: HolderFile) -> str:
        file = self.cluster.topology.folder / "credential.json"
        file.write_bytes(render_holder_file(holder))
        anchors = [word for each in self.cluster.authorities for word in ("--anchor", each.did)]
        return self._testamur("verify", file, "--url", self.cluster.url, *anchors)

    def _fsck(self) -> None:
        topology = self.cluster.topology
        command = [sys.executable, "-m", "api", "fsck", "--data", str(topology.data)]
        run(command, topology.environment("publisher"), folder=PROJECT)
