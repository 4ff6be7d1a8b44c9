"""From a spreadsheet to the sheet of links: each learner gets what is theirs, and nobody else's."""

from __future__ import annotations

import base64
import csv
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pikepdf
import pytest
import zxingcpp
from PIL import Image

from testamur.badges.commitment import HolderFile, read_holder_file
from testamur.badges.holder_link import read_holder_link
from testamur.badges.prepared_folder import HOLDERS, INDEX, write_prepared
from testamur.catalogue.events import CredentialRevoked
from testamur.pages.folder import PERSONAL, SETTINGS, SHEET
from testamur.tlog.note import SignerKey
from tests.cli.commands import Ended, World, key_folder, run
from tests.harness.awards import offering, provider
from tests.harness.http_registry import Asked, HttpRegistry, Reply
from tests.harness.served import PROJECT
from tests.harness.spring import ADA, prepared, spring, submitted
from tests.harness.story import Story

pytestmark = pytest.mark.slow
TWO = (ADA, "1046783,عبد الله,2026-11-21")
FILES = {"page.html", "certificate.pdf", "badge.png", "badge.svg", "qr.png"}
LIGHT = FILES - {"certificate.pdf"}


class Registrar:
    """Somebody with a cohort in the folder `spring`, at a register."""

    def __init__(self, world: World, url: str) -> None:
        self.world, self.url = world, url

    def pages(self, *words: object, cohort: str = "spring", pdf: bool = False) -> Ended:
        where = ["--url", self.url, "--vkey", "log.vkey"]
        return run("pages", cohort, *where, *([] if pdf else ["--no-pdf"]), *words)

    def sheet(self, folder: str = "spring-pages") -> list[dict[str, str]]:
        with Path(folder, SHEET).open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def spring(self, *rows: str, folder: str = "spring") -> list[HolderFile]:
        made = spring(self.world.log, self.world.story, *rows, folder=folder).made
        return [each.holder for each in sorted(made, key=lambda each: each.row or 0)]

    def index(self, change: Callable[[str], str]) -> None:
        path = Path("spring", INDEX)
        path.write_text(change(path.read_text("utf-8")), "utf-8")


@pytest.fixture
def registrar(world: World, registry: HttpRegistry) -> Registrar:
    return Registrar(world, registry.url)


def learners_in(folder: str = "spring-pages") -> dict[str, set[str]]:
    return {
        each.name: {file.name for file in each.iterdir()}
        for each in Path(folder).iterdir()
        if each.is_dir()
    }


@pytest.mark.usefixtures("pango")
def test_from_a_spreadsheet_to_the_sheet_of_links(at: Path, now: Story) -> None:
    world = World(at, now)
    with HttpRegistry(world.log) as registry:
        _journey(Registrar(world, registry.url))


def _journey(registrar: Registrar) -> None:
    """The registrar's, by the commands of docs/registrars.md."""
    world, log = registrar.world, ["--log", registrar.world.story.origin]
    key_folder(world.folder / "keys", world.story.provider)
    Path("college.json").write_bytes(_json(provider(world.story)))
    Path("soils.json").write_bytes(_json(offering(world.story)))
    Path("cohort.csv").write_text("\r\n".join(("learner,name,awarded", *TWO)))
    given = ["--achievement", "soils.json", "--provider", "college.json", "--keys", "keys"]
    assert run("prepare", "cohort.csv", *given, *log, "--out", "spring").code == 0
    signed = ["--keys", "keys", *log, "--out", "spring.submission"]
    assert run("sign", "spring/events.ndjson", *signed).code == 0
    where = ["--url", registrar.url, "--vkey", "log.vkey", "--keys", "keys"]
    done = run("submit", "spring.submission", *where)
    assert done.code == 0, done.out + done.err

    done = registrar.pages("--anchor", world.anchor, pdf=True)
    assert done.code == 0, done.out + done.err

    ada, other = registrar.sheet()
    assert (ada["row"], ada["learner"], ada["name"]) == ("2", "ada@example.org", "Ada Lovelace")
    assert (other["row"], other["learner"], other["name"]) == ("3", "1046783", "عبد الله")
    assert PERSONAL in ada
    for row in (ada, other):
        _check_learner(row, registrar)


def _check_learner(row: dict[str, str], registrar: Registrar) -> None:
    """Check that all that a learner gets is of one credential, and holds for an employer."""
    kept = read_holder_file(Path("spring", HOLDERS, f"{row['credential']}.json").read_bytes())
    folder = Path("spring-pages")
    assert read_holder_link(row["link"]) == kept
    assert row["link"].startswith(f"{registrar.url}/holder#")
    for picture in (row["picture"], row["pictureSvg"]):
        assert read_holder_file((folder / picture).read_bytes()) == kept
    scanned = zxingcpp.read_barcodes(Image.open(folder / row["qr"]))
    assert [each.text for each in scanned] == [row["link"]]
    page = (folder / row["page"]).read_text("utf-8")
    assert row["link"] in page
    assert 'href="certificate.pdf"' in page
    with pikepdf.open(folder / row["certificate"]) as pdf:
        for name, attached in pdf.attachments.items():
            Path(name).write_bytes(attached.get_file().read_bytes())
    assert read_holder_file(Path("credential.json").read_bytes()) == kept
    evidence = ["--evidence", "credential.testamur.json", "--vkey", "log.vkey"]
    told = run("verify", folder / row["certificate"], *evidence)
    assert told.code == 2
    assert "has it attached as credential.json" in told.err
    trust = ["--vkey", "log.vkey", "--anchor", registrar.world.anchor]
    online = run("verify", folder / row["picture"], "--url", registrar.url, *trust)
    assert online.code == 0, online.out
    offline = ["--evidence", "credential.testamur.json", *trust]
    assert run("verify", "credential.json", *offline).out.startswith(
        "Could not tell: everything in the file holds"
    )


def _json(settings: msgspec.Struct) -> bytes:
    return msgspec.json.encode(settings)


def test_a_second_run_makes_nothing_anew_and_asks_nothing(
    registrar: Registrar, registry: HttpRegistry
) -> None:
    registrar.spring(*TWO)
    assert registrar.pages().code == 0
    before = {each: each.stat().st_mtime_ns for each in Path("spring-pages").rglob("*/*")}
    asked = sum("evidence" in each.path for each in registry.asked)
    again = registrar.pages("--json")
    assert (again.json["made"], again.json["kept from an earlier run"]) == (0, 2)
    assert {each: each.stat().st_mtime_ns for each in Path("spring-pages").rglob("*/*")} == before
    assert sum("evidence" in each.path for each in registry.asked) == asked
    assert len(registrar.sheet()) == 2


class Dying(HttpRegistry):
    """Answers a few questions about credentials, and then no more."""

    def answer(self, asked: Asked) -> Reply:
        if sum("evidence" in each.path for each in self.asked) == 9:
            self.script.extend(["unheard"] * 500)
        return super().answer(asked)


def test_a_run_that_lost_the_registry_is_taken_up_again(world: World) -> None:
    with Dying(world.log) as registry:
        registrar = Registrar(world, registry.url)
        registrar.spring(*(f"l{number}@example.org,A B,2026-11-20" for number in range(20)))
        first = registrar.pages("--json")
        assert first.code == 2
        assert 0 < first.json["made"] < 20
        assert len(registrar.sheet()) == first.json["made"]
        told = registrar.pages()
        assert "wait for the registry: run the same command again" in told.err
        registry.script.clear()
        second = registrar.pages("--json")
    assert second.code == 0, second.out
    assert second.json["kept from an earlier run"] == first.json["made"]
    assert second.json["made"] == 20 - first.json["made"]
    assert len(registrar.sheet()) == 20


def test_two_learners_of_one_name_have_a_folder_each(registrar: Registrar) -> None:
    holders = registrar.spring(
        "one@example.org,Maria Silva,2026-11-20", "two@example.org,Maria Silva,2026-11-20"
    )
    assert registrar.pages().code == 0
    assert learners_in() == {each.id: LIGHT for each in holders}
    rows = registrar.sheet()
    assert [row["learner"] for row in rows] == ["one@example.org", "two@example.org"]
    assert len({row["link"] for row in rows}) == 2


def test_what_was_revoked_since_gets_nothing_and_is_named(registrar: Registrar) -> None:
    ada, other = registrar.spring(*TWO)
    world = registrar.world
    revoked = CredentialRevoked(credential=ada.id, reason="issuedInError")
    world.log.append(world.story.submission(world.story.provider, revoked))
    world.log.publish()
    done = registrar.pages("--json")
    assert done.code == 1
    (failed,) = done.json["failed"]
    assert failed["credential"] == ada.id
    assert "revoked" in failed["detail"]
    assert learners_in() == {other.id: LIGHT}
    assert [row["credential"] for row in registrar.sheet()] == [other.id]


def test_what_was_not_submitted_gets_nothing(registrar: Registrar) -> None:
    write_prepared(prepared(registrar.world.story, ADA), Path("spring"))
    done = registrar.pages("--json")
    assert (done.code, done.json["without pages"], done.json["made"]) == (2, 1, 0)
    assert learners_in() == {}


def test_an_index_that_mixes_learners_up_sends_nobody_the_others_credential(
    registrar: Registrar,
) -> None:
    registrar.spring("one@example.org,A B,2026-11-20", "two@example.org,C D,2026-11-20")
    registrar.index(lambda text: text.replace("one@", "x@").replace("two@", "one@"))
    done = registrar.pages("--json")
    assert done.code == 1
    assert {each["rule"] for each in done.json["failed"]} == {"cohort-index"}
    assert all("another learner" in each["detail"] for each in done.json["failed"])
    assert learners_in() == {}


@pytest.mark.parametrize("who", ["alovelace", "Ada Lovelace"])
def test_a_learner_of_the_index_is_no_name_that_could_be_anybodys(
    registrar: Registrar, who: str
) -> None:
    registrar.spring("1046783,Ada Lovelace,2026-11-20")
    registrar.index(lambda text: text.replace("1046783", who))
    done = registrar.pages("--json")
    assert done.code == 1
    assert "another learner" in done.json["failed"][0]["detail"]
    assert learners_in() == {}


@pytest.mark.parametrize(
    "id_", ["../../../../tmp/x", "..", "", "/etc/passwd", "019A3B1C-7F00-7ABC-8DEF-0123456789AB"]
)
def test_an_id_is_no_path(registrar: Registrar, id_: str) -> None:
    (holder,) = registrar.spring()
    registrar.index(lambda text: text.replace(f",{holder.id},", f",{id_},"))
    done = registrar.pages("--json")
    assert (done.code, done.json["rule"]) == (1, "cohort-index")
    assert not Path("spring-pages").exists()


def test_a_file_under_the_name_of_another_is_refused(registrar: Registrar) -> None:
    one, two = registrar.spring(*TWO)
    places = [Path("spring", HOLDERS, f"{each.id}.json") for each in (one, two)]
    places[0].write_bytes(places[1].read_bytes())
    done = registrar.pages("--json")
    assert done.code == 1
    assert [each["credential"] for each in done.json["failed"]] == [one.id]
    assert learners_in() == {two.id: LIGHT}


def test_a_link_in_a_cohort_is_not_followed(registrar: Registrar) -> None:
    (holder,) = registrar.spring()
    path = Path("spring", HOLDERS, f"{holder.id}.json")
    path.rename("elsewhere.json")
    path.symlink_to(Path("elsewhere.json").resolve())
    done = registrar.pages("--json")
    assert "symbolic link" in done.json["failed"][0]["detail"]
    assert done.code == 2


def test_a_credential_that_is_there_twice_is_refused(registrar: Registrar) -> None:
    (holder,) = registrar.spring()
    path = Path("spring", HOLDERS, f"{holder.id}.json")
    Path("copy.json").write_bytes(path.read_bytes())
    done = run(
        "pages", path, "copy.json", "--url", registrar.url, "--vkey", "log.vkey", "--no-pdf",
        "--out", "p", "--json",
    )  # fmt: skip
    assert (done.code, done.json["rule"]) == (1, "cohort-index")


def test_holder_files_alone_make_pages_without_their_learner(registrar: Registrar) -> None:
    ada, _ = registrar.spring(*TWO)
    done = registrar.pages("--out", "p", cohort=f"spring/{HOLDERS}/{ada.id}.json")
    assert done.code == 0, done.out + done.err
    (row,) = registrar.sheet("p")
    assert (row["learner"], row["name"]) == ("", "Ada Lovelace")
    assert registrar.pages(cohort=f"spring/{HOLDERS}/{ada.id}.json").code == 2


def test_a_learner_that_looks_like_a_formula_is_inert_and_told_of(registrar: Registrar) -> None:
    """Taken as it is written, which `prepare` does if it is told to."""
    made = prepared(registrar.world.story, "+ada@example.org,Ada Lovelace,2026-11-20", plain=False)
    submitted(registrar.world.log, registrar.world.story, made, "spring")
    done = registrar.pages()
    assert done.code == 0, done.out + done.err
    assert "In 1 of the rows an apostrophe stands before the learner" in done.err
    (row,) = registrar.sheet()
    assert row["learner"] == "'+ada@example.org"


def test_the_folder_of_another_cohort_is_left_alone(registrar: Registrar) -> None:
    registrar.spring(ADA)
    assert registrar.pages().code == 0
    before = {each: each.read_bytes() for each in Path("spring-pages").rglob("*") if each.is_file()}
    registrar.spring("bob@example.org,Bob,2026-11-20", folder="autumn")
    done = registrar.pages("--out", "spring-pages", "--json", cohort="autumn")
    assert (done.code, done.json["rule"]) == (1, "pages-folder")
    mine = Path("mine")
    mine.mkdir()
    assert registrar.pages("--out", "mine").code == 2
    assert not list(mine.iterdir())
    assert {
        each: each.read_bytes() for each in Path("spring-pages").rglob("*") if each.is_file()
    } == before


def test_all_that_is_written_is_for_its_owner_alone(registrar: Registrar) -> None:
    registrar.spring(ADA)
    before = os.umask(0)
    try:
        assert registrar.pages().code == 0
    finally:
        os.umask(before)
    for each in [Path("spring-pages"), *Path("spring-pages").rglob("*")]:
        mode = stat.S_IMODE(each.stat().st_mode)
        assert mode == (0o700 if each.is_dir() else 0o600), each


def test_no_secret_is_shown(registrar: Registrar) -> None:
    """The blind is in the files, which are the learner's, and in nothing that is printed."""
    (holder,) = registrar.spring(ADA)
    blind = base64.b64encode(holder.blind).decode()
    done = registrar.pages("--json")
    assert blind not in done.out + done.err
    assert blind not in Path("spring-pages", SETTINGS).read_text()
    Path("spring", HOLDERS, f"{holder.id}.json").write_text("{}")
    Path("spring-pages", holder.id, "qr.png").unlink()
    again = registrar.pages()
    assert again.code != 0
    assert blind not in again.out + again.err


def test_a_key_among_holder_files_is_not_read(registrar: Registrar) -> None:
    (holder,) = registrar.spring(ADA)
    story = registrar.world.story
    path = Path("spring", HOLDERS, f"{holder.id}.json")
    path.write_text(f"{story.provider.keys.signing.multikey()}\n")
    done = registrar.pages()
    assert done.code == 2
    assert story.provider.keys.signing.multikey() not in done.out + done.err


@pytest.mark.parametrize("number", ["0", "-1", "1e3", "x", "1" * 21, "1&certUrl=x"])
def test_a_number_at_linkedin_is_digits(registrar: Registrar, number: str) -> None:
    assert registrar.pages("--linkedin", number).code == 2


def test_the_number_at_linkedin_is_in_each_address(registrar: Registrar) -> None:
    registrar.spring(*TWO)
    assert registrar.pages("--linkedin", "1337").code == 0
    assert all("organizationId=1337" in row["linkedin"] for row in registrar.sheet())


def test_a_register_that_is_asked_without_tls_is_refused(registrar: Registrar) -> None:
    registrar.spring(ADA)
    where = ["--url", "http://register.example", "--vkey", "log.vkey"]
    assert run("pages", "spring", *where).code == 2


def test_evidence_of_another_credential_makes_no_pages(
    registrar: Registrar, registry: HttpRegistry
) -> None:
    registrar.spring(ADA)
    evidence = Path(registrar.world.evidence()).read_bytes()
    registry.script.append(Reply(200, evidence, {"Content-Type": "application/json"}))
    done = registrar.pages("--json")
    assert done.code == 2
    assert "answered about" in done.json["failed"][0]["detail"]


def test_a_log_that_another_key_signed_makes_no_pages(registrar: Registrar) -> None:
    registrar.spring(ADA)
    name = registrar.world.story.origin
    Path("log.vkey").write_text(f"{SignerKey.from_seed(name, bytes(32)).verifier}\n")
    done = registrar.pages("--json")
    assert done.code != 0
    assert done.json["made"] == 0
    assert learners_in() == {}


@pytest.mark.parametrize(
    ("missing", "words", "why"),
    [
        ("weasyprint", (), "pip install 'testamur[pdf]'"),
        ("weasyprint", ("--no-pdf",), None),
        ("segno", ("--no-pdf",), "pip install 'testamur[pages]'"),
        ("jinja2", ("--no-pdf",), "pip install 'testamur[pages]'"),
        ("resvg_py", ("--no-pdf",), "pip install 'testamur[pages]'"),
    ],
)
def test_what_is_to_be_installed_is_said_before_anything_is_written(
    registrar: Registrar, missing: str, words: tuple[str, ...], why: str | None
) -> None:
    registrar.spring(ADA)
    where = ["pages", "spring", "--url", registrar.url, "--vkey", "log.vkey", *words]
    program = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {missing!r}:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        f"sys.argv = ['testamur', *{where!r}]\n"
        "from testamur.cli import main\n"
        "main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (0 if why is None else 2), done.stderr
    assert Path("spring-pages").exists() == (why is None)
    if why is not None:
        assert why in done.stderr
