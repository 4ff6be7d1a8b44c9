"""What need not be typed each time: a profile file, and two variables of the environment.

`testamur profile` writes the file, `profile.toml` in the user's folder of settings (on Linux
`~/.config/testamur/`, or under XDG_CONFIG_HOME); TESTAMUR_PROFILE names another. An option on the
command line comes before TESTAMUR_URL and TESTAMUR_VKEY, and these before the profile.

What is only *offered* like this gives way wherever an option that was typed leaves no room for it.
The address is one of the verifier's own (design 4a), so it is refused without TLS.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec
import typer
from msgspec import Meta

from testamur.cli.files import read
from testamur.errors import Unavailable
from testamur.files import is_there
from testamur.http.source import NOT_BARE, is_bare, is_url

FILE: Final = "TESTAMUR_PROFILE"
_MAX_FILE: Final = 64 * 1024
_T = TypeVar("_T")

_Text = Annotated[str, Meta(min_length=1, max_length=20_000)]


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The members of the file.

    `url` is the registry's address, `vkey` the text of a verifier key or policy, `anchors` are
    DIDs, `keys` is the folder of one's own keys, `log` the name of the log.
    """

    url: _Text | None = None
    vkey: _Text | None = None
    anchors: Annotated[list[_Text], Meta(max_length=64)] | None = None
    keys: _Text | None = None
    log: _Text | None = None

    def render(self) -> bytes:
        """Return the bytes of the file; raises `Unavailable` for what would not be read back."""
        written = msgspec.to_builtins(self)
        # A TOML string may be spelt as a JSON string, and a list as a JSON list.
        lines = (
            f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in written.items()
        )
        text = "".join(f"{line}\n" for line in ("# testamur profile --help", *lines))
        with suppress(UnicodeEncodeError, msgspec.DecodeError):
            data = text.encode()
            if msgspec.toml.decode(data, type=Profile) == self:
                return data
        raise Unavailable("a profile holds no name with control characters, or that is not UTF-8")


def profile_file() -> Path:
    """Return where the profile is, or would be."""
    named = os.environ.get(FILE)
    return Path(named) if named else Path(typer.get_app_dir("testamur")) / "profile.toml"


def read_profile(file: Path) -> Profile:
    """Return the profile in a file, an empty one if there is none.

    Raises `Unavailable`, which names the members there are.
    """
    if not is_there(file):
        return Profile()
    try:
        return msgspec.toml.decode(read(file, _MAX_FILE), type=Profile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        names = ", ".join(Profile.__struct_fields__)
        raise Unavailable(
            f"{file} is no profile: {error}; its members are {names}; testamur profile writes it"
        ) from None


class Offers(dict[str, Any]):
    """What is offered, by command and parameter; the profile is read if one needs it.

    `used` are the parameters whose value was taken from here.
    """

    def __init__(self) -> None:
        super().__init__({name: _OfCommand(self, taken) for name, taken in _TAKEN.items()})
        self.used: set[str] = set()
        self._profile: Profile | None = None

    def value(self, name: str) -> Any:
        """Return the value that is offered to a parameter, None without any."""
        found = os.environ.get(_VARIABLES.get(name, ""))
        if not found:
            self._profile = self._profile or read_profile(profile_file())
            found = getattr(self._profile, _MEMBERS[name])
        if found and _MEMBERS[name] == "url" and is_url(found) and not is_bare(found):
            # Help texts show what is offered.
            raise Unavailable(f"{source(name)}: {NOT_BARE}")
        if found:
            self.used.add(name)
        return found or None


class _OfCommand(dict[str, Any]):
    """What is offered to the parameters of one command."""

    def __init__(self, offers: Offers, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names
        self._offers = offers

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value that is offered to a parameter, or the default."""
        return self._offers.value(name) if name in self.names else default


def to_type(*names: str) -> str:
    """Return the options for these parameters that nothing offers, to be put behind a command."""
    offers = Offers()
    missing = [name for name in names if not offers.value(name)]
    return "".join(f" {_OPTIONS[name]}" for name in missing)


def takes(command: str | None, name: str) -> bool:
    """Return whether a parameter of a command takes what is offered."""
    return name in _TAKEN.get(command or "", ())


def source(name: str) -> str:
    """Return in words where what is offered to a parameter comes from."""
    variable = _VARIABLES.get(name, "")
    return variable if os.environ.get(variable) else f"your profile, {profile_file()}"


def how_to_offer(name: str) -> str:
    """Return what to do so that a parameter need not be typed."""
    variable = f"set {_VARIABLES[name]}, or " if name in _VARIABLES else ""
    return f"Give it, {variable}keep it: testamur profile --help."


_VARIABLES: Final = {"url": "TESTAMUR_URL", "place": "TESTAMUR_URL", "trust": "TESTAMUR_VKEY"}
_OPTIONS: Final = {
    "url": "--url URL",
    "trust": "--vkey FILE",
    "anchor": "--anchor DID",
    "keys": "--keys DIR",
    "log": "--log ORIGIN",
}
_MEMBERS: Final = {
    "url": "url",
    "place": "url",
    "trust": "vkey",
    "anchor": "anchors",
    "keys": "keys",
    "log": "log",
}
"""By parameter of a command, the member of the profile that is offered to it."""
IN_ENVIRONMENT: Final = (("TESTAMUR_URL", "url"), ("TESTAMUR_VKEY", "vkey"))
"""Variables that come before members of the profile."""
_TAKEN: Final[Mapping[str, tuple[str, ...]]] = {
    "check": ("url", "keys", "log"),
    "did-document": ("keys",),
    "evidence": ("url", "trust", "anchor"),
    "export": ("place", "trust"),
    "join": ("keys", "log"),
    "keys": ("url", "trust", "keys"),
    "pages": ("url", "trust", "anchor"),
    "prepare": ("url", "keys", "log"),
    "recover": ("url", "trust", "keys"),
    "replay": ("place", "trust"),
    "rotate-key": ("keys", "log"),
    "sign": ("url", "keys", "log"),
    "status": ("url",),
    "submit": ("url", "trust", "keys"),
    "verify": ("url", "trust", "anchor"),
    "verify-receipt": ("trust",),
}
"""By command, the parameters that take what is offered. `log` is a name there, never a place."""


def is_offered(context: typer.Context, name: str) -> bool:
    """Return whether a parameter's value was not typed."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "DEFAULT_MAP"


def unless(context: typer.Context, name: str, value: _T | None, *, taken: bool) -> _T | None:
    """Return the value of a parameter; None if it was only offered and its place is `taken`."""
    return None if taken and is_offered(context, name) else value
