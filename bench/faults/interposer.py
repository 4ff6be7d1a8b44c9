"""Arms faults at the system calls of other processes, through `interposer.c`.

with Interposer(folder, scope=data, roles={"api": "-m api serve"}) as interposer:
    subprocess.Popen(command, env={**os.environ, **interposer.environment})
    interposer.arm("api", Fault("fsync", "fail", errno.EIO), occurrence=3)
    interposer.fired("api")     # what it struck, None until then
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

SOURCE: Final = Path(__file__).with_name("interposer.c")
CALLS: Final = (
    *("open", "read", "pread", "write", "pwrite", "writev", "pwritev", "fsync", "fdatasync"),
    *("sync_file_range", "rename", "link", "unlink", "ftruncate", "mkdir", "fallocate", "fcntl"),
    *("flock", "mmap", "close", "stat", "statfs", "getdents", "lseek", "socket", "connect"),
    *("accept", "send", "recv", "poll"),
)
"""The classes of system calls: `open` stands for openat as well, `fcntl` for its locks alone."""
ACTIONS: Final = ("", "kill before", "kill after", "fail", "halve")
_MOST_ROLES: Final = 4


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done at a call; `error` is the errno of a call that fails."""

    call: str
    action: str
    error: int = 0

    @property
    def name(self) -> str:
        """The fault in a word or two."""
        return errno.errorcode[self.error] if self.action == "fail" else self.action

    @property
    def kills(self) -> bool:
        """Whether it ends the process."""
        return self.action.startswith("kill")


class _Role(ctypes.Structure):
    _fields_ = (
        ("marker", ctypes.c_char * 64),
        ("scope", ctypes.c_char * 256),
        ("forked_only", ctypes.c_uint32),
        ("call", ctypes.c_uint32),
        ("action", ctypes.c_uint32),
        ("error", ctypes.c_int32),
        ("countdown", ctypes.c_int32),
        ("fired", ctypes.c_uint32),
        ("pid", ctypes.c_uint32),
        ("what", ctypes.c_char * 256),
        ("counts", ctypes.c_uint64 * len(CALLS)),
    )


def compiler() -> str | None:
    """Return the C compiler, None if there is none."""
    return shutil.which("cc") or shutil.which("gcc")


class Interposer:
    """The faults of one registry's processes."""

    def __init__(
        self,
        *,
        scopes: Mapping[str, Path],
        markers: Mapping[str, str],
        forked_only: frozenset[str] = frozenset(),
    ) -> None:
        """`scopes` and `markers` are by role: where files are struck, and a part of the command."""
        found = compiler()
        if found is None:
            raise RuntimeError("a C compiler is needed: apt-get install gcc libc6-dev")
        self._folder = Path(tempfile.mkdtemp(prefix="testamur-interposer-"))
        self._folder.chmod(0o755)  # PostgreSQL runs as another user
        library, control = self._folder / "interposer.so", self._folder / "faults"
        subprocess.run(
            [found, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True
        )
        control.write_bytes(bytes(ctypes.sizeof(_Role) * _MOST_ROLES))
        control.chmod(0o666)
        with control.open("r+b") as stream:
            self._map = mmap.mmap(stream.fileno(), 0)
        self._all: ctypes.Array[_Role] | None = (_Role * _MOST_ROLES).from_buffer(self._map)
        self._roles = {role: self._all[number] for number, role in enumerate(markers)}
        for name, role in self._roles.items():
            role.scope = os.fsencode(scopes[name])
            role.forked_only = name in forked_only
            role.marker = markers[name].encode()
        self.environment = {"LD_PRELOAD": str(library), "TESTAMUR_FAULTS": str(control)}

    def aim(self, role: str, scope: Path) -> None:
        """Strike files below another folder from now on."""
        self._roles[role].scope = os.fsencode(scope)

    def arm(self, role: str, fault: Fault, occurrence: int) -> None:
        """Strike the call at its `occurrence`th time from now, in any process of the role."""
        found = self._roles[role]
        found.action = 0
        found.fired = 0
        found.call, found.error = CALLS.index(fault.call), fault.error
        found.countdown = occurrence
        found.action = ACTIONS.index(fault.action)  # last: it is what the processes look at

    def disarm(self, role: str) -> None:
        """Strike nothing any more."""
        self._roles[role].action = 0

    def fired(self, role: str) -> tuple[int, str] | None:
        """Return the process that was struck and at what, None until then."""
        found = self._roles[role]
        return (found.pid, os.fsdecode(found.what)) if found.fired else None

    def counts(self, role: str) -> dict[str, int]:
        """Return how often each class was called so far."""
        return dict(zip(CALLS, self._roles[role].counts, strict=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._roles.clear()
        self._all = None
        self._map.close()
        shutil.rmtree(self._folder)
