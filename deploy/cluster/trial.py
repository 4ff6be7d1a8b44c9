"""The trial of a cluster: each part is killed while providers submit, and nothing may be lost."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.cast import COURSES
from demo.story import Story
from deploy.cluster.configuration import PROJECT
from deploy.cluster.numbers import check_expressions
from deploy.cluster.part import wait_for
from deploy.cluster.public_face import check_files, check_goes_on
from deploy.cluster.running import Cluster
from deploy.cluster.submitters import Acknowledged, Submitters
from deploy.cluster.topology import API, SECONDS, run
from testamur.badges.commitment import HolderFile, render_holder_file
from testamur.errors import Refuted
from testamur.http.client import RegistryClient
from testamur.verification.receipt import verify_receipt

Tell = Callable[[str], None]

# What the rest goes on without, and what it can only wait for.
_SPARE: Final = (*API, "publisher", "projector", "prometheus")
_WAITED_FOR: Final = ("proxy", "postgres", "objects")
_PROXY_SHUNS: Final = 2.5  # seconds; `fail_timeout` of deploy/nginx.conf is 2


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
            # More than a full tile.
            story.award(COURSES[0], 250, "spring")
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
        return Submitters(story, [(one, other, proxy), (proxy, other, one)])

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
            if name in API:
                check_goes_on(cluster.url)
            self._submit_through_proxy(submitters)
            went_on = (
                f"submissions went on through the proxy after {time.monotonic() - began:.1f} s; "
            )
        part.start()
        cluster.wait_until_ready()
        if name in API:
            # The other one may be next: until then the proxy must ask this one again.
            time.sleep(_PROXY_SHUNS)
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
        proven = {self._proven(registry, each) for each in kept}
        self.tell(
            f"Each of the {len(kept)} acknowledged submissions is where its receipt says "
            f"({submitters.repeated} were sent more than once)"
        )
        topology = self.cluster.topology
        check_files(topology, ["tile/0/000", "tile/entries/000", *_partial(max(proven)[0])])
        self.tell("The proxy answers as the API does, with the files of the log from the bucket")
        replayed = json.loads(self._testamur("replay", self.cluster.url, "--json"))
        if proven != {(replayed["size"], replayed["root"])}:
            raise Refuted(f"the receipts prove {sorted(proven)}, and the replay ends elsewhere")
        self.tell(
            f"Replayed all {replayed['size']} entries through the proxy, to the signed root that "
            "every receipt leads to"
        )
        self.tell(self._verified(story.holders[COURSES[0].definition.name][0]))
        self._fsck()
        self.tell("fsck: nothing is wrong")
        self.tell(check_expressions(topology))

    def _proven(self, registry: RegistryClient, each: Acknowledged) -> tuple[int, str]:
        """Ask for a receipt again; return size and root of the checkpoint that it leads to."""
        earlier = each.receipt
        receipt = registry.receipt(earlier.issuer, earlier.jti)
        if receipt.position != earlier.position:
            raise Refuted(
                f"{receipt.jti} is at {receipt.position}, and was promised at {earlier.position}"
            )
        checkpoint = verify_receipt(receipt, each.body, self.cluster.policy).checkpoint
        return checkpoint.size, checkpoint.root.hex()

    def _testamur(self, *words: str | Path) -> str:
        """Return what the command line says of the log."""
        vkey = self.cluster.topology.vkey
        return run([sys.executable, "-m", "testamur", *words, "--vkey", vkey], {}, folder=PROJECT)

    def _verified(self, holder: HolderFile) -> str:
        """Return the first line of the report on a credential."""
        file = self.cluster.topology.folder / "credential.json"
        file.write_bytes(render_holder_file(holder))
        anchors = [word for each in self.cluster.authorities for word in ("--anchor", each.did)]
        said = self._testamur("verify", file, "--url", self.cluster.url, *anchors)
        return said.splitlines()[0]

    def _fsck(self) -> None:
        topology = self.cluster.topology
        command = [sys.executable, "-m", "api", "fsck", "--data", str(topology.data)]
        run(command, topology.environment("publisher"), folder=PROJECT)


def _partial(size: int) -> list[str]:
    """Return the path of the partial tile at the end of a log of below 256,000 entries."""
    full, width = divmod(size, 256)
    return [f"tile/0/{full:03}.p/{width}"] if width else []
