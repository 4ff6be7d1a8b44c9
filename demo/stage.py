"""The stage: a real server process, the story on it, and the proofs of what happened.

Everything in the story goes over HTTP and is checked on arrival: every receipt, three credentials
from files alone, and the whole log from entry 0. `DemoFailed` means that something did not hold,
`Unavailable` that the story could not be played (a folder or port in use).
"""

from __future__ import annotations

import fcntl
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx2
import msgspec
from rich.console import Console
from rich.progress import track

from demo.cast import Course
from demo.parties import Party
from demo.story import Story, enter_authorities
from demo.theft import FORGED
from testamur.badges.commitment import HolderFile, read_holder_file, render_holder_file
from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import format_time
from testamur.catalogue.table import Kind
from testamur.errors import Unavailable
from testamur.http.client import RegistryClient
from testamur.http.source import HttpSource
from testamur.rules.status import status
from testamur.tlog.note import VerifierKey
from testamur.tlog.policy import Policy, parse_policy
from testamur.verification.evidence import parse_evidence
from testamur.verification.replay import Replayed, replay
from testamur.verification.report import EvidenceFrom, Report, Verdict
from testamur.verification.verify import verify

ORIGIN: Final = "testamur.example/demo"
_MARKER: Final = ".testamur-demo"
# A server holds a lock on this file of its folder as long as it runs (api/README.md).
_SERVER_LOCK: Final = "lock"
_PATIENCE: Final = 60.0
_TAIL: Final = 600
# What the providers revoke and replace in the story, and so the statuses that are left.
REVOKED: Final = 18
SUPERSEDED: Final = 1

_bar: Final = Console(stderr=True)


class DemoFailed(Exception):
    """Something in the story did not hold."""


@dataclass(frozen=True, slots=True)
class Case:
    """A credential to verify offline, and the checks that must be refuted: none if it is good."""

    name: str
    holder: HolderFile
    refuted: frozenset[str]


def run(data: Path, port: int, *, once: bool) -> None:
    """Play the story in the folder `data` on `port` (0: any free one); serve on unless `once`.

    Raises `DemoFailed` when anything in it does not hold, and `Unavailable`.
    """
    # A supervisor's SIGTERM must stop the server too, and Python would not run `finally` for it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # A shell lets what it starts in the background ignore SIGINT; here it is the way to stop.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    started = time.monotonic()
    _clear(data)
    authorities = enter_authorities(data / "parties")
    port = port or _free_port()
    url = f"http://127.0.0.1:{port}"
    _initialise(data, authorities)
    server = _serve(data, port)
    try:
        _wait_until_ready(url, data, server)
        played = _play(data, url, authorities)
        took = time.monotonic() - started
        print(f"All of it held, in {took:.0f} s.", flush=True)
        if not once:
            _keep_serving(url, data, played, server)
    finally:
        _stop(server)


def _play(data: Path, url: str, authorities: list[Party]) -> list[dict[str, Any]]:
    """Play the story; return what was found of each case."""
    vkey = (data / "checkpoint.vkey").read_text(encoding="ascii").strip()
    policy = parse_policy(f"log {vkey} {url}/log\nquorum none\n")
    (data / "policy.txt").write_text(policy.render(), encoding="ascii")
    print(f"The register {ORIGIN} is open at {url}/, with two root authorities.\n", flush=True)
    with RegistryClient(url) as registry:
        story = Story(registry, ORIGIN, policy, data / "parties", authorities, _tell, _shown)
        story.play()
        print(f"\nEach of the {len(story.submissions)} receipts proved its submission in the log.")
        verified = [_verify(data, registry, policy, authorities, c) for c in _cases(story)]
    replayed = _replay(url, VerifierKey.parse(vkey), story)
    _write_story(data, url, vkey, story, verified, replayed)
    return verified


def _shown(courses: Sequence[Course]) -> Iterable[Course]:
    """Show on a terminal how many cohorts are awarded; the line is removed at the end."""
    return track(courses, "awarding", console=_bar, transient=True, disable=not _bar.is_terminal)


# --- The server ---


def _initialise(data: Path, authorities: list[Party]) -> None:
    files = []
    for party in authorities:
        file = party.folder / "registration.json"
        registered = party.registration(ORIGIN, ORIGIN, "authority")
        file.write_bytes(encode_event(registered) + b"\n")
        files += ["--authority", str(file)]
    command = [sys.executable, "-m", "api", "init", "--data", str(data / "server")]
    made = subprocess.run(
        [*command, "--origin", ORIGIN, *files], check=False, capture_output=True, text=True
    )
    if made.returncode:
        raise DemoFailed(f"the log could not be opened: {made.stdout}{made.stderr}")
    # What `init` prints is the log's verifier key line.
    (data / "checkpoint.vkey").write_text(made.stdout, encoding="ascii")


def _serve(data: Path, port: int) -> subprocess.Popen[bytes]:
    # Its own process group: Ctrl-C reaches the demo alone, which then stops the server in order.
    with (data / "server.log").open("wb") as log:
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "api",
                "serve",
                "--data",
                str(data / "server"),
                "--port",
                str(port),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_until_ready(url: str, data: Path, server: subprocess.Popen[bytes]) -> None:
    vkey = (data / "checkpoint.vkey").read_text(encoding="ascii").strip()
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Unavailable(f"the server did not start; {_end_of(data / 'server.log')}")
        with suppress(httpx2.TransportError):
            if httpx2.get(f"{url}/readyz").status_code == httpx2.codes.OK:
                # If ours cannot have the port, another server answers there.
                if httpx2.get(f"{url}/log/vkey").text.strip() != vkey:
                    raise Unavailable(f"another log is served at {url}; choose another PORT")
                return
        time.sleep(0.05)
    raise Unavailable(f"the server was not ready within {_PATIENCE:.0f} s")


def _end_of(log: Path) -> str:
    """Return the last lines that the server wrote."""
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    return f"{log} ends in:\n{text[-_TAIL:]}"


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()
            raise DemoFailed("the server did not stop within 30 s of being told to") from None


_BROWSED: Final = {
    "valid": "valid",
    "revoked": "revoked",
    "outside-accreditation": "not covered by an accreditation",
}


def _keep_serving(
    url: str, data: Path, played: Sequence[Mapping[str, Any]], server: subprocess.Popen[bytes]
) -> None:
    ids = {each["case"]: each["credential"].removeprefix("urn:uuid:") for each in played}
    pages = "\n".join(
        f"  {url}/credentials/{ids[case]}    {words}" for case, words in _BROWSED.items()
    )
    print(
        f"""
Still serving until Ctrl-C. Open in a browser, and drop {data}/valid.json there:
  {url}/
What the register says of three credentials:
{pages}
Or try, in another terminal:
  curl {url}/log/checkpoint
  .venv/bin/testamur verify {data}/valid.json --evidence {data}/valid.testamur.json \\
      --policy {data}/policy.txt --anchors {data}/anchors.txt
  .venv/bin/testamur verify {data}/valid.json --url {url} \\
      --policy {data}/policy.txt --anchors {data}/anchors.txt
  .venv/bin/testamur keys --keys {data}/parties/harbour/keys --url {url}
  .venv/bin/testamur replay {url} --vkey {data}/checkpoint.vkey
""",
        flush=True,
    )
    with suppress(KeyboardInterrupt):
        if server.wait() != 0:
            raise DemoFailed("the server stopped by itself; server.log says why")
    print("\nStopped.", flush=True)


# --- What must hold ---


def _cases(story: Story) -> list[Case]:
    revoked = story.holders["Cyber Security Essentials"][0]
    outside = story.holders["Leadership on the Ward"][0]
    return [
        Case("valid", story.holders["Data Analytics Foundations"][0], frozenset()),
        Case("revoked", revoked, frozenset({"status"})),
        Case("outside-accreditation", outside, frozenset({"accreditation"})),
        Case("revoked-by-a-thief", story.theft.revoked[0], frozenset()),
        Case("issued-by-a-thief", story.theft.forged[0], frozenset({"signature"})),
    ]


def _verify(
    data: Path, registry: RegistryClient, policy: Policy, authorities: list[Party], case: Case
) -> dict[str, Any]:
    """Judge a credential by its files alone, and then by what the registry says when asked."""
    holder_file = data / f"{case.name}.json"
    evidence_file = data / f"{case.name}.testamur.json"
    holder_file.write_bytes(render_holder_file(case.holder))
    evidence_file.write_bytes(registry.evidence(case.holder.id))
    anchors = [party.did for party in authorities]
    (data / "anchors.txt").write_text("\n".join(anchors) + "\n", encoding="ascii")
    found = {
        EvidenceFrom.FILE: evidence_file.read_bytes(),
        EvidenceFrom.REGISTER: registry.evidence(case.holder.id),
    }
    reports = {
        evidence_from: verify(
            read_holder_file(holder_file.read_bytes()),
            parse_evidence(evidence),
            policy,
            anchors=frozenset(anchors),
            now=datetime.now(UTC),
            evidence_from=evidence_from,
        )
        for evidence_from, evidence in found.items()
    }
    for evidence_from, report in reports.items():
        _check(case, evidence_from, report)
    return {
        "case": case.name,
        "credential": case.holder.id,
        "holder": holder_file.name,
        "evidence": evidence_file.name,
        "exitCodes": {name.value: report.exit_code for name, report in reports.items()},
        "report": msgspec.json.decode(reports[EvidenceFrom.REGISTER].to_json()),
    }


def _check(case: Case, evidence_from: EvidenceFrom, report: Report) -> None:
    """Print the verdict; raises `DemoFailed` unless it is the one that is due."""
    how = "offline" if evidence_from is EvidenceFrom.FILE else "with --url"
    if evidence_from is EvidenceFrom.FILE or not case.refuted:  # what a file shows is told once
        print(f"{case.name}.json, {how}: {report.first_line}", flush=True)
    refuted = {check.name for check in report.checks if check.verdict is Verdict.REFUTED}
    good = 2 if evidence_from is EvidenceFrom.FILE else 0
    if refuted != case.refuted or report.exit_code != (1 if refuted else good):
        raise DemoFailed(
            f"{case.name}: expected {sorted(case.refuted)} to be refuted, found {sorted(refuted)} "
            f"and exit code {report.exit_code}"
        )


def _replay(url: str, key: VerifierKey, story: Story) -> Replayed:
    replayed = replay(HttpSource(f"{url}/log"), key)
    statistics = replayed.statistics
    print(
        f"Replayed all {statistics.size} entries to the signed root {statistics.root.hex()[:16]}…: "
        f"credentials {_counted(statistics.credentials)}",
        flush=True,
    )
    awarded = sum(p["events"] for p in story.submissions if p["what"].startswith("awards"))
    expected = {
        "active": awarded - REVOKED - SUPERSEDED,
        "revoked": REVOKED,
        "superseded": SUPERSEDED,
    }
    # Nothing of what the thief issued and revoked is in the statuses, though all of it is logged.
    if statistics.credentials != expected:
        raise DemoFailed(f"expected {_counted(expected)}, found {_counted(statistics.credentials)}")
    logged = statistics.events["credential.issued/1"]
    if logged != awarded + FORGED:
        raise DemoFailed(f"{awarded + FORGED} credentials were issued, the log holds {logged}")
    return replayed


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _write_story(
    data: Path,
    url: str,
    vkey: str,
    story: Story,
    verified: list[dict[str, Any]],
    replayed: Replayed,
) -> None:
    statistics = replayed.statistics
    told = {
        "format": "testamur/story/1",
        "url": url,
        "origin": ORIGIN,
        "vkey": vkey,
        "size": statistics.size,
        "root": statistics.root.hex(),
        "organizations": [
            {"did": each.did, "name": each.registration.name, "roles": each.roles}
            for each in replayed.register.organizations.values()
        ],
        "achievements": [
            {"id": offering.achievement, "name": name} for name, offering in story.offerings.items()
        ],
        "accreditations": [
            {
                "id": id_,
                "accreditor": grant.owner,
                "provider": grant.subject,
                "status": status(replayed.register, Kind.ACCREDITATION, grant),
            }
            for id_, grant in replayed.register.accreditations.items()
        ],
        "events": dict(statistics.events),
        "credentials": dict(statistics.credentials),
        "flags": dict(statistics.flags),
        "submissions": story.submissions,
        "verified": verified,
        "replayed": {
            "entries": statistics.size,
            "tiles": statistics.tiles,
            "root": statistics.root.hex(),
            "lastRecordedAt": format_time(statistics.last_recorded_at),
        },
    }
    # Last of all, and whole or not at all: its presence means that everything before it held.
    whole = data / "story.json.part"
    whole.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    whole.replace(data / "story.json")


# --- The folder and the port ---


def _clear(data: Path) -> None:
    """Make `data` an empty folder; one that an earlier demo made may be emptied, no other."""
    if data.exists() and not data.is_dir():
        raise Unavailable(f"{data} is a file; choose a folder")
    if data.exists() and any(data.iterdir()):
        if not (data / _MARKER).is_file():
            raise Unavailable(f"{data} holds something that no demo made; choose another folder")
        _refuse_served(data)
        print(f"Clearing {data}, left by an earlier demo.", flush=True)
        for item in data.iterdir():
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink()
    data.mkdir(parents=True, exist_ok=True)
    (data / _MARKER).touch()


def _refuse_served(data: Path) -> None:
    """Raise `Unavailable` while a server works in the folder: its log is not to be deleted."""
    with suppress(FileNotFoundError), (data / "server" / _SERVER_LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(
                f"another demo is serving from {data}; stop it (Ctrl-C) or choose another DATA"
            ) from None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _tell(position: int, sentence: str) -> None:
    print(f"{position:>6}  {sentence}", flush=True)
