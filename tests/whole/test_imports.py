"""Who imports whom, and what an outsider installs."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import sys
import tomllib
import zipfile
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import grimp
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROTOCOL = "testamur"
APPLICATION = ("registry", "log", "projections", "api")
DEMO = "demo"
DEPLOY = "deploy"
CONFIG = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def modules_of(package: str) -> list[str]:
    """Return the dotted name of every module in a package's folder."""
    return sorted(
        ".".join(file.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
        for file in (REPOSITORY / package).rglob("*.py")
        if file.name != "__main__.py"
    )


@pytest.mark.parametrize("name", [PROTOCOL, *APPLICATION, DEMO, DEPLOY])
def test_each_package_is_the_one_in_the_repository(name: str) -> None:
    """`log` and `api` are names that anybody may have installed something else under."""
    package: ModuleType = importlib.import_module(name)

    assert package.__file__ is not None
    assert Path(package.__file__).resolve() == REPOSITORY / name / "__init__.py"


def test_the_import_contract_is_kept() -> None:
    """testamur <- registry | log | projections <- api, and the three in the middle apart."""
    lint = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if lint is None:
        pytest.skip("import-linter is not installed")

    done = subprocess.run(
        [lint, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout


def test_the_import_contract_says_what_the_design_says() -> None:
    packages, rooms, *apart = CONFIG["tool"]["importlinter"]["contracts"]

    assert [contract["type"] for contract in (packages, rooms)] == ["layers", "layers"]
    assert {contract["type"] for contract in apart} == {"forbidden"}
    assert packages["layers"] == ["api", "registry | log | projections", PROTOCOL]
    assert rooms["layers"] == [
        "testamur.cli",
        "testamur.exports | testamur.http | testamur.pages",
        "testamur.verification",
        "testamur.badges | testamur.rules",
        "testamur.recording",
        "testamur.catalogue",
        "testamur.tlog",
    ]
    assert all("ignore_imports" not in each for each in (packages, rooms, *apart))
    roots = CONFIG["tool"]["importlinter"]["root_packages"]
    assert set(roots) == {PROTOCOL, *APPLICATION, DEMO, DEPLOY}


def test_every_room_of_the_protocol_is_under_the_contract() -> None:
    """A new folder that no contract names could import anything."""
    contract = CONFIG["tool"]["importlinter"]["contracts"][1]
    named = {room for layer in contract["layers"] for room in layer.split(" | ")}
    rooms = {
        f"{PROTOCOL}.{path.parent.name}" for path in (REPOSITORY / PROTOCOL).glob("*/__init__.py")
    }

    assert rooms == named


def test_the_log_formats_may_import_nothing_of_the_protocol_but_its_errors() -> None:
    """Who reads another log with `testamur.tlog` depends on nothing about credentials."""
    (contract,) = (
        each
        for each in CONFIG["tool"]["importlinter"]["contracts"]
        if each.get("source_modules") == [f"{PROTOCOL}.tlog"]
    )
    folder = REPOSITORY / PROTOCOL
    # Errors hide private keys, and what knows these imports nothing of the protocol.
    allowed = {"__init__", "errors", "private_keys"}
    others = {path.stem for path in folder.glob("*.py")} - allowed
    others |= {path.parent.name for path in folder.glob("*/__init__.py")} - {"tlog"}

    assert set(contract["forbidden_modules"]) == {f"{PROTOCOL}.{name}" for name in others}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports inside functions count; those for the type checker alone do not."""
    graph = grimp.build_graph(
        PROTOCOL, *APPLICATION, DEMO, exclude_type_checking_imports=True, cache_dir=None
    )
    assert len(graph.modules) > 100
    needs = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    TopologicalSorter(needs).prepare()  # raises `CycleError`, which names the modules


def test_no_file_of_python_is_longer_than_one_can_read_at_once() -> None:
    folders = (PROTOCOL, *APPLICATION, DEMO, "bench", "tests")
    files = [file for folder in folders for file in (REPOSITORY / folder).rglob("*.py")]
    lengths = {str(file): len(file.read_bytes().splitlines()) for file in files}
    assert [file for file, lines in lengths.items() if lines > 500] == []


@pytest.mark.slow
def test_what_an_outsider_installs_needs_none_of_the_application() -> None:
    """Every module of the protocol is imported in a process that cannot see the rest."""
    modules = modules_of(PROTOCOL)
    assert len(modules) > 20
    forbidden = [*APPLICATION, "eventsourcing", "sqlalchemy", "fastapi", "uvicorn", "pyarrow"]
    program = (
        "import sys, importlib\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {forbidden!r}:\n"
        "            raise ImportError(f'the protocol must not need {name}')\n"
        "sys.meta_path.insert(0, Refuse())\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_only_the_protocol_is_configured_into_the_wheel() -> None:
    assert CONFIG["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [PROTOCOL]
    assert "force-include" not in CONFIG["tool"]["hatch"]["build"]["targets"]["wheel"]


@pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="needs hatchling")
def test_only_the_protocol_goes_into_the_wheel(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(REPOSITORY)).build(directory=str(tmp_path), versions=["standard"])
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.partition("/")[0] for name in names} == {
        PROTOCOL,
        f"testamur-{CONFIG['project']['version']}.dist-info",
    }
    assert "testamur/py.typed" in names
    assert "testamur/tlog/merkle.py" in names
    assert not [name for name in names if Path(name).name.startswith(("test_", "conftest"))]


def test_an_outsider_installs_little() -> None:
    """Each dependency of the protocol is one more thing that a verifier has to trust."""
    names = {
        requirement.split(">")[0].split("<")[0].split("=")[0].strip()
        for requirement in CONFIG["project"]["dependencies"]
    }

    assert names == {"cryptography", "httpx2", "msgspec", "rfc8785", "rich", "typer"}


def test_the_version_is_the_same_wherever_it_is_said() -> None:
    import testamur

    assert testamur.__version__ == CONFIG["project"]["version"]
