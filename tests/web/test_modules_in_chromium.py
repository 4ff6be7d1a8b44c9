"""The modules come to the same in Chromium as in Node and Python: its cryptography is another."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest
from playwright.sync_api import Browser

from testamur.tlog.note import Signature
from tests.api.web.test_readers_agree import holds
from tests.api.web.test_verdicts_agree import (
    OTHER_WORDS,
    case,
    differences,
    said_by_page,
    said_by_python,
)
from tests.harness.chromium import Tab, tab
from tests.harness.page_modules import ask as ask_node
from tests.harness.shared_vectors import load, needs_shared
from tests.tlog.test_cosignature import PostQuantumWitness
from tests.vectors.make_evidence import FOLDER
from tests.vectors.scene import Scene

pytestmark = pytest.mark.web
PROJECT: Final = Path(__file__).parents[2]
ASK: Final = """async ({ kind, cases }) => {
  const { answers } = await import("/tests/api/web/questions.mjs");
  return answers({ kind, cases });
}"""


class Files(SimpleHTTPRequestHandler):
    """The files of the project, and an empty page to ask from."""

    def do_GET(self) -> None:
        if self.path != "/":
            return super().do_GET()
        page = b'<!DOCTYPE html><title>Modules</title><link rel="icon" href="data:,">'
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)
        return None

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def files() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(PROJECT)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def asking(browser: Browser) -> Iterator[Tab]:
    with files() as origin, tab(browser, origin) as opened:
        opened.open("/")
        yield opened


def ask(asking: Tab, kind: str, cases: Sequence[Any]) -> list[Any]:
    answers: list[Any] = asking.page.evaluate(ASK, {"kind": kind, "cases": list(cases)})
    return answers


@pytest.mark.slow
def test_every_vector_is_judged_as_python_judges_it(asking: Tab) -> None:
    paths = sorted(FOLDER.glob("*.json"))
    vectors = {path.stem: json.loads(path.read_text("utf-8")) for path in paths}
    reports = ask(asking, "verify", [case(found) for found in vectors.values()])

    other = {
        (name, member)
        for (name, found), report in zip(vectors.items(), reports, strict=True)
        for member in differences(said_by_page(report), said_by_python(found))
    }
    assert other == OTHER_WORDS


@needs_shared
def test_the_edge_cases_of_ed25519_are_judged_as_openssl_judges_them(asking: Tab) -> None:
    cases = [
        (bytes.fromhex(each["key"]), bytes.fromhex(each["sig"]), each["msg"])
        for each in load("c2sp-cctv-ed25519/ed25519vectors.json")
    ]
    asked = [
        {
            "key": base64.b64encode(key).decode(),
            "signature": base64.b64encode(signature).decode(),
            "message": message,
        }
        for key, signature, message in cases
    ]
    answers = [each is True for each in ask(asking, "signature", asked)]

    assert len(cases) == 914
    assert answers == [holds(*each) for each in cases]


def test_a_link_that_goes_on_after_its_end_is_refused(asking: Tab) -> None:
    vectors = json.loads((FOLDER.parent / "formats/holder-link.json").read_text("utf-8"))
    refused = [each["link"] for each in vectors["refused"]]
    good, *others = ask(asking, "readLink", [vectors["good"], *refused])

    assert good["kind"] == "holder"
    assert {each["kind"] for each in others} == {"unreadable", "credential"}


class Witness(PostQuantumWitness):
    """One that writes the line of a note."""

    def cosign(self, text: bytes, timestamp: int, context: bytes | None = None) -> bytes:
        blob = super().cosign(text, timestamp, context)
        return Signature(self.name, self.verifier.key_id, blob).render()


def with_witness(folder: Path, **changed: Any) -> dict[str, Any]:
    """Return a vector whose policy asks for a witness of ML-DSA-44."""
    scene = Scene(folder)
    witness = Witness("witness.example")
    scene.witnesses.append((witness, scene.story.now))  # type: ignore[arg-type]
    scene.trust("w", f"witness w {witness.verifier}")
    return scene.document("a witness of ML-DSA-44", {}, "register") | changed


def test_witnesses_of_mldsa_are_examined(asking: Tab, tmp_path: Path) -> None:
    good = with_witness(tmp_path / "log")
    text = good["evidence"]["checkpoint"]
    later = {**good["evidence"], "checkpoint": text.replace("\u2014 witness.example ", "\u2014 x ")}
    *_, line = text.splitlines()
    flipped = line[:-9] + ("A" if line[-9] != "A" else "B") + line[-8:]
    forged = {**good["evidence"], "checkpoint": text.replace(line, flipped)}
    found = [good, {**good, "evidence": later}, {**good, "evidence": forged}]
    reports = ask(asking, "verify", [case(each) for each in found])

    for each, report in zip(found, reports, strict=True):
        assert differences(said_by_page(report), said_by_python(each)) == []
    assert [each["verdict"] for each in reports] == ["valid", "not-valid", "not-valid"]
    assert reports[0]["witnessedAt"] is not None


def test_where_mldsa_is_unknown_its_witnesses_could_not_be_examined(tmp_path: Path) -> None:
    (report,) = ask_node("verify", [case(with_witness(tmp_path / "log"))])

    checkpoint = next(each for each in report["checks"] if each["name"] == "checkpoint")
    assert checkpoint["verdict"] == "could not check"
    assert "cannot be verified here: w" in checkpoint["detail"]
