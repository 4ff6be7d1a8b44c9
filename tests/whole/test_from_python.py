"""What testamur/README.md shows of Python runs as shown, against a real server."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import testamur
from testamur.badges.commitment import render_holder_file
from tests.harness.awards import awards
from tests.harness.served import PROJECT, Served

README = (PROJECT / "testamur/README.md").read_text(encoding="utf-8")


def shown() -> str:
    """Return the Python of the section, as one program."""
    section = README.partition("## From Python")[2].partition("\n## ")[0]
    return "\n".join(re.findall(r"```python\n(.*?)```", section, re.DOTALL))


@pytest.mark.slow
def test_the_examples_run_as_they_are_shown(tmp_path: Path) -> None:
    with closing(Served(tmp_path / "data")) as log:
        log.init()
        with log.running():
            log.open_register()
            story, prepared = log.story, awards(log.story, 2)
            log.submit(story.submission(story.provider, *prepared.events))
            holder = prepared.holders[0]
            evidence = log.get(f"/credentials/{holder.id}/evidence").content
            files = {
                "anchors.txt": story.authority.did.encode(),
                "credential.json": render_holder_file(holder),
                "credential.testamur.json": evidence,
                "log.vkey": log.vkey.encode(),
                "policy.txt": log.policy.render().encode(),
                "submission": story.cohort(3),
                "example.py": shown().replace("http://127.0.0.1:8000", log.url).encode(),
            }
            for name, data in files.items():
                (tmp_path / name).write_bytes(data)
            done = subprocess.run(
                [sys.executable, "example.py"],
                cwd=tmp_path,
                env={"PYTHONPATH": str(PROJECT)},
                check=False,
                capture_output=True,
                text=True,
                timeout=60,
            )
    assert (done.returncode, done.stderr) == (0, "")
    verdict, *checks, genesis, counted, recorded = done.stdout.splitlines()
    assert verdict.startswith("could-not-tell everything in the file holds")
    assert len(checks) == 11
    assert [line for line in checks if not line.startswith("holds ")] == [
        line for line in checks if line.startswith("could not check the bearer's word ")
    ]
    assert genesis.startswith('{"recordedAt":')
    assert re.fullmatch(r"[0-9]+ entries, 2 credentials", counted)
    assert re.fullmatch(r"recorded at position [0-9]+", recorded)


@pytest.mark.parametrize("name", testamur.__all__)
def test_a_name_is_what_its_module_calls_so(name: str) -> None:
    assert getattr(testamur, name).__name__ == name
    assert name in dir(testamur)


@pytest.mark.parametrize("name", ["issue", "Verify", "_gate"])
def test_a_name_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(testamur, name)


def test_importing_it_loads_nothing_else() -> None:
    """Programs that need one name do not pay for all of them."""
    code = "import sys, testamur; print(*sorted(n for n in sys.modules if 'testamur' in n))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True
    )
    assert done.stdout.split() == [b"testamur"]
