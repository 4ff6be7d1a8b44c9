"""What the worst file costs its reader: files at their limits, each read in a process of its own.

    python -m bench.hostile_files                    # the worst of each kind: a minute or two
    python -m bench.hostile_files --all              # every shape in every place: long
    python -m bench.hostile_files --only cohort.csv

Each file is given to the command that reads it. Aim: under 2 s of processor time and 200 MB, the
start of Python and its imports included (the honest files show how much that is).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from bench.figures import report
from bench.hostile_kinds import Hostile, Scene, hostile_files

_SECONDS: Final = 2.0
_MEGABYTES: Final = 200
_LIMIT: Final = 120
_PATIENCE: Final = 600

# The peak is that of the process's own memory: `ru_maxrss` would begin with its parent's.
_READER: Final = """
import json, resource, sys
from pathlib import Path
from testamur.cli import main
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
    found = {"seconds": used.ru_utime + used.ru_stime, "megabytes": int(peak.split()[1]) / 1024}
    Path("used.json").write_text(json.dumps(found))
"""


@dataclass(frozen=True)
class Cost:
    """What reading one file took, and how it ended."""

    name: str
    size: int
    seconds: float
    megabytes: float
    code: int
    said: str

    @property
    def within(self) -> bool:
        """Whether the aim was met."""
        return self.seconds < _SECONDS and self.megabytes < _MEGABYTES


def main(
    only: Annotated[str, typer.Option(help="files whose name holds this text")] = "",
    show: Annotated[int, typer.Option(help="the worst so many")] = 15,
    *,
    every: Annotated[bool, typer.Option("--all", help="every shape in every place")] = False,
) -> None:
    """Print the worst files, by processor time and by memory."""
    with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name:
        scene = Scene(Path(name))
        honest = [_read_aloud(scene, each) for each in scene.honest()]
        costs = [
            _read_aloud(scene, each)
            for each in hostile_files(scene, every=every)
            if only in each.name
        ]
    for title, shown in (
        ("the worst by time", sorted(costs, key=lambda cost: -cost.seconds)[:show]),
        ("the worst by memory", sorted(costs, key=lambda cost: -cost.megabytes)[:show]),
    ):
        print(f"--- {title} ---")
        for cost in shown:
            print(_line(cost))
    report(
        "hostile_files",
        {
            "files": len(costs),
            "beyond_the_aim": sum(not cost.within for cost in costs),
            "worst_seconds": max((cost.seconds for cost in costs), default=0.0),
            "worst_megabytes": max((cost.megabytes for cost in costs), default=0.0),
            "honest_seconds": max(cost.seconds for cost in honest),
            "honest_megabytes": max(cost.megabytes for cost in honest),
        },
    )


def _read_aloud(scene: Scene, hostile: Hostile) -> Cost:
    cost = read(scene, hostile)
    print(_line(cost), flush=True)
    return cost


def read(scene: Scene, hostile: Hostile) -> Cost:
    """Write the file, have the command read it, and return what that took."""
    folder = scene.folder
    file = folder / hostile.file
    data = hostile.make()
    file.write_bytes(data)
    command = [sys.executable, "-c", _LIMITED + _READER, *hostile.command]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=_PATIENCE, check=False)
    file.write_bytes(scene.files[hostile.file])
    shutil.rmtree(folder / "out", ignore_errors=True)
    used = folder / "used.json"
    found = json.loads(used.read_text()) if used.exists() else {"seconds": _LIMIT, "megabytes": 0}
    used.unlink(missing_ok=True)
    said = (done.stderr + done.stdout).decode("utf-8", "replace").strip().replace("\n", " ")
    return Cost(
        hostile.name, len(data), found["seconds"], found["megabytes"], done.returncode, said[:110]
    )


_LIMITED: Final = f"""
import resource
resource.setrlimit(resource.RLIMIT_CPU, ({_LIMIT}, {_LIMIT}))
"""


def _line(cost: Cost) -> str:
    mark = " " if cost.within else "!"
    return (
        f"{mark} {cost.seconds:7.2f} s {cost.megabytes:7.0f} MB {cost.size:11,} bytes"
        f"  exit {cost.code:3}  {cost.name}  | {cost.said}"
    )


if __name__ == "__main__":
    typer.run(main)
